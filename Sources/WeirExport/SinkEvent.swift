/// Something that operators want one word about: a change, never each repetition.
package enum SinkEvent: Equatable, Sendable {
    case failing(String)
    /// Deliveries pause, for so long, after so many failures in a row or among the last twenty.
    case paused(nanoseconds: UInt64, String)
    case recovered(failures: UInt32)
    case dropping
    case rejecting(String)
    case wedged(nanoseconds: UInt64)
    case fatal(String)
    case quarantined(String)
}

/// How many calls to the exporter ended in which way.
package struct DeliveryCounts: Equatable, Sendable {
    package private(set) var delivered: UInt64 = 0
    package private(set) var retried: UInt64 = 0
    package private(set) var partial: UInt64 = 0
    package private(set) var rejected: UInt64 = 0
    package private(set) var fatal: UInt64 = 0
    /// Answers that came when the batch was in other hands already. What became of it is told by those.
    package private(set) var late: UInt64 = 0

    package init() {}

    mutating func add(_ other: DeliveryCounts) {
        delivered += other.delivered
        retried += other.retried
        partial += other.partial
        rejected += other.rejected
        fatal += other.fatal
        late += other.late
    }

    mutating func noteLate() { late += 1 }

    mutating func note(_ outcome: Delivery.Outcome) {
        switch outcome {
        case .delivered: delivered += 1
        case .retry: retried += 1
        case .partial: partial += 1
        case .rejected: rejected += 1
        case .fatal, .quarantined: fatal += 1
        }
    }
}
