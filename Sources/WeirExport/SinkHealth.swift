/// When a sink's deliveries succeeded and failed last, and why. Nanoseconds of a monotonic clock.
struct SinkHealth: Equatable, Sendable {
    /// What the exporter said last of a delivery that did not succeed; empty where all did.
    var reason = ""
    /// When it said that.
    var failureTime: UInt64?
    /// When the first of the failures in a row was; nil where the last delivery was answered.
    var failingSince: UInt64?
    /// When a delivery succeeded last.
    var successTime: UInt64?

    mutating func noteFailure(_ reason: String, now: UInt64) {
        self.reason = reason
        failureTime = now
    }

    mutating func noteFailing(now: UInt64) { failingSince = failingSince ?? now }

    /// Goes on where another sink stopped, which may still be failing; this one has not tried yet.
    mutating func adopt(_ before: SinkHealth) {
        if failureTime == nil, reason.isEmpty { (reason, failureTime) = (before.reason, before.failureTime) }
        successTime = successTime ?? before.successTime
    }
}

/// What `weir stats` says of a sink's health. Nanoseconds since 1970.
package struct SinkMoments: Equatable, Sendable {
    /// When a delivery failed last, since when no delivery was answered, and when one succeeded last.
    package var failure: UInt64?
    package var failingSince: UInt64?
    package var success: UInt64?

    /// Puts a monotonic clock's moments on the wall clock, as that stands now.
    init(_ health: SinkHealth, hangingSince: UInt64?, time: TimeSource) {
        let (now, wall) = (time.monotonic(), time.wall())
        func moment(_ moment: UInt64?) -> UInt64? {
            guard let moment else { return nil }
            let age = now > moment ? now - moment : 0
            return wall > age ? wall - age : 0
        }
        failure = moment(health.failureTime)
        failingSince = moment(health.failingSince ?? hangingSince)
        success = moment(health.successTime)
    }

    /// What the sink before did, which has not handed over yet.
    mutating func add(_ before: SinkMoments) {
        failure = failure ?? before.failure
        failingSince = before.failingSince
        success = success ?? before.success
    }
}

/// Which reasons of failures the log has been told, so that each new one is told at once and none twice within a minute.
///
/// A sink that fails for one reason gets one line, and another when the reason changes. One whose reason changes to and fro
/// gets each of them once a minute, eight at most.
struct ToldReasons: Sendable {
    private enum LastWord: Equatable {
        case fine
        case reason(String)
        /// Something else that is not fine.
        case trouble
    }

    /// What the log says of deliveries now.
    private var lastWord = LastWord.fine
    /// What it was told within the last minute. At most ``most``.
    private var recent: [(reason: String, time: UInt64)] = []

    private static let minute: UInt64 = 60_000_000_000
    private static let most = 8

    /// - Returns: Whether to tell it now.
    mutating func tells(_ reason: String, now: UInt64) -> Bool {
        forgetOld(now)
        guard lastWord != .reason(reason), recent.count < Self.most, !recent.contains(where: { $0.reason == reason })
        else { return false }
        note(reason, now: now)
        return true
    }

    /// It was told in a line of another kind.
    mutating func note(_ reason: String, now: UInt64) {
        forgetOld(now)
        lastWord = .reason(reason)
        recent.removeAll { $0.reason == reason }
        if recent.count == Self.most { recent.removeFirst() }
        recent.append((reason, now))
    }

    /// The log was told of trouble that has no reason.
    mutating func noteTrouble() { lastWord = .trouble }

    /// - Returns: Whether to tell that all is well, which it is now.
    mutating func recovers() -> Bool {
        defer { lastWord = .fine }
        return lastWord != .fine
    }

    private mutating func forgetOld(_ now: UInt64) { recent.removeAll { now >= $0.time.addingClamped(Self.minute) } }
}
