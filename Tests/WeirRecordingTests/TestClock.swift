internal import Synchronization

/// A clock that a test moves. Starts at one second, since 0 means "never".
final class TestClock: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)

    var time: UInt64 { nanoseconds.load(ordering: .relaxed) }

    func advance(by seconds: UInt64) { nanoseconds.add(seconds * 1_000_000_000, ordering: .relaxed) }

    func set(to time: UInt64) { nanoseconds.store(time, ordering: .relaxed) }
}
