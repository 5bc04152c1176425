internal import Synchronization
private import WeirSystem

/// The time of an instance's series and collections: it moves on by the monotonic clock, so that lengths of time are true,
/// and follows the wall clock only between collections.
@safe
package final class StatsClock: Sendable {
    private let monotonic: @Sendable () -> UInt64
    /// `nil`: there is no other than the monotonic one.
    private let wall: (@Sendable () -> UInt64)?

    // What follows changes under the lock of collections, and is read by all: one word each.

    /// What the monotonic clock lacks. Wraps around.
    private let offset: Atomic<UInt64>
    /// What it lacked by the wall clock when that was looked at last.
    private let seenOffset: Atomic<UInt64>
    /// The moment of the last collection: no time is before it.
    private let lastCollection = Atomic<UInt64>(0)
    /// By how much the clock was set since the instance was made.
    private let totalStep = Atomic<Int64>(0)

    /// What a clock may move by between two collections without having been set. Nanoseconds.
    static let tolerance: Int64 = 100_000_000

    /// - Parameters:
    ///   - monotonic: Nanoseconds since some fixed moment. Never set.
    ///   - wall: Nanoseconds since 1970; `nil` where the monotonic one says that itself.
    package init(monotonic: @escaping @Sendable () -> UInt64, wall: (@Sendable () -> UInt64)?) {
        self.monotonic = monotonic
        self.wall = wall
        let lacking = wall.map { Self.clamped($0()) &- monotonic() } ?? 0
        offset = Atomic(lacking)
        seenOffset = Atomic(lacking)
    }

    /// The system's clocks.
    package convenience init() {
        self.init(monotonic: { Self.read(CLOCK_MONOTONIC) }, wall: { Self.read(CLOCK_REALTIME) })
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        // A clock before 1970 says 1970.
        return UInt64(max(0, time.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, time.tv_nsec))
    }

    /// The year 2262 at the latest, so that every difference of two times has a sign.
    private static func clamped(_ wall: UInt64) -> UInt64 { min(wall, UInt64(Int64.max)) }

    /// Nanoseconds since 1970.
    package func callAsFunction() -> UInt64 {
        // Relaxed, both: where a collection changes them at this moment, either time is right.
        max(monotonic() &+ offset.load(ordering: .relaxed), lastCollection.load(ordering: .relaxed))
    }

    /// When something begins that does so now: behind the last collection, also while the clock stands since it was ahead.
    var startTime: UInt64 { max(self(), lastCollection.load(ordering: .relaxed) &+ 1) }

    /// By how much the clock was set since the instance was made. Nanoseconds.
    var steps: Int64 { totalStep.load(ordering: .relaxed) }

    // MARK: - Of collections, which do not overlap

    /// The moment of a collection, later than that of the one before.
    ///
    /// - Parameter start: When the last series began, which may be a little later than now.
    /// - Returns: Also by how much the wall clock was set since then; 0 where it was not. It is followed when the collection
    ///   ends: ``follow(_:)``.
    func collectionTime(notBefore start: UInt64) -> (time: UInt64, step: Int64) {
        let last = lastCollection.load(ordering: .relaxed)
        let now = monotonic()
        let time = max(now &+ offset.load(ordering: .relaxed), last &+ 1, start)
        lastCollection.store(time, ordering: .relaxed)
        guard let wall else { return (time, 0) }
        let lacking = Self.clamped(wall()) &- now
        let moved = Int64(bitPattern: lacking &- seenOffset.exchange(lacking, ordering: .relaxed))
        let behind = Int64(bitPattern: lacking &- offset.load(ordering: .relaxed))
        if max(moved.magnitude, behind.magnitude) > UInt64(Self.tolerance) { return (time, behind) }
        // Less is made up for little by little, so that intervals stay almost as long as they were.
        let most = last == 0 ? 0 : Int64(clamping: (time - last) / 10)
        offset.wrappingAdd(UInt64(bitPattern: min(max(behind, -most), most)), ordering: .relaxed)
        return (time, 0)
    }

    /// Follows the wall clock, which was set. From now on every time is by that, also those before this moment.
    func follow(_ step: Int64) {
        offset.wrappingAdd(UInt64(bitPattern: step), ordering: .relaxed)
        lastCollection.store(
            lastCollection.load(ordering: .relaxed).movedClamped(by: step), ordering: .relaxed)
        totalStep.add(step, ordering: .relaxed)
    }
}

extension UInt64 {
    /// A time by a clock that was set; 1970 at the earliest.
    package func movedClamped(by step: Int64) -> UInt64 {
        if step >= 0 {
            let (sum, isTooMuch) = addingReportingOverflow(step.magnitude)
            return isTooMuch ? .max : sum
        }
        return self > step.magnitude ? self - step.magnitude : 0
    }
}
