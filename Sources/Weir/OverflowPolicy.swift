internal import WeirExport

/// What a sink does when its queue is full, or fills: which batches go, and whether the collector waits.
///
/// Whatever it says, the bounds hold, recording never waits, and what goes is counted and told to the reader.
public struct OverflowPolicy: Sendable, Equatable {
    private enum Kind: Equatable {
        case dropOldest
        case dropNewest
        case lifo
        case coalesce
        case block(deadline: Duration)
        case asyncThenSync(high: Double, low: Double, deadline: Duration)
        case random(low: Double, high: Double)
        case expire(age: Duration)
        case codel(target: Duration, interval: Duration)
    }

    private let kind: Kind

    private init(_ kind: Kind) {
        self.kind = kind
    }

    /// The oldest waiting batch goes: after an outage the newest are there. Best for cumulative values, where a newer
    /// batch says all that an older one said.
    public static let dropOldest = OverflowPolicy(.dropOldest)

    /// The arriving batch goes: how an outage began is there afterwards.
    public static let dropNewest = OverflowPolicy(.dropNewest)

    /// The newest waiting batch is delivered first, the oldest goes. For destinations that take batches out of order.
    public static let lifo = OverflowPolicy(.lifo)

    /// The two oldest waiting batches become one: resolution goes, and no counts. Best for delta values.
    public static let coalesce = OverflowPolicy(.coalesce)

    /// Collecting waits for room, then the arriving batch goes.
    ///
    /// - Parameter deadline: How long at most; never more than half the interval, nor beyond a shutdown.
    public static func block(deadline: Duration) -> OverflowPolicy { OverflowPolicy(.block(deadline: deadline)) }

    /// Takes batches as they come until the queue is filled to `high`; then collecting waits with each one until it is
    /// down to `low`.
    ///
    /// - Parameters:
    ///   - high: A part of the bounds, from 0 to 1.
    ///   - low: A part of the bounds, at most `high`.
    ///   - deadline: How long collecting waits at most; never more than half the interval, nor beyond a shutdown.
    public static func asyncThenSync(high: Double, low: Double, deadline: Duration) -> OverflowPolicy {
        OverflowPolicy(.asyncThenSync(high: high, low: low, deadline: deadline))
    }

    /// An arriving batch goes with a probability that grows with the queue: a reader then sees every so many batches.
    ///
    /// - Parameters:
    ///   - low: Up to this part of the bounds all enter.
    ///   - high: From this part of the bounds on none does.
    public static func random(low: Double, high: Double) -> OverflowPolicy {
        OverflowPolicy(.random(low: low, high: high))
    }

    /// A batch goes that has waited so long, and the oldest of a full queue.
    public static func expire(age: Duration) -> OverflowPolicy { OverflowPolicy(.expire(age: age)) }

    /// A burst passes, a standing queue does not (CoDel, RFC 8289): when the oldest batch has waited longer than `target`
    /// for a whole `interval`, batches go, at first one an interval and then ever more often.
    public static func codel(target: Duration, interval: Duration) -> OverflowPolicy {
        OverflowPolicy(.codel(target: target, interval: interval))
    }

    /// The policy as the queue knows it, with a state of its own.
    func queuePolicy() -> any QueuePolicy {
        switch kind {
        case .dropOldest: DropOldest()
        case .dropNewest: DropNewest()
        case .lifo: LastInFirstOut()
        case .coalesce: Coalesce()
        case .block(let deadline): Block(deadline: deadline.unsignedNanoseconds)
        case .asyncThenSync(let high, let low, let deadline):
            AsyncThenSync(high: high, low: low, deadline: deadline.unsignedNanoseconds)
        case .random(let low, let high): RandomShedding(low: low, high: high)
        case .expire(let age): Expire(age: age.unsignedNanoseconds)
        case .codel(let target, let interval):
            ControlledDelay(target: target.unsignedNanoseconds, interval: interval.unsignedNanoseconds)
        }
    }
}

extension OverflowPolicy: CustomStringConvertible {
    /// As a configuration names it, with what it needs: `block, deadline 1s`.
    public var description: String {
        func time(_ duration: Duration) -> String { SettingKind.Form.duration(duration.nanoseconds) }
        return switch kind {
        case .dropOldest: "dropOldest"
        case .dropNewest: "dropNewest"
        case .lifo: "lifo"
        case .coalesce: "coalesce"
        case .block(let deadline): "block, deadline \(time(deadline))"
        case .asyncThenSync(let high, let low, let deadline):
            "asyncThenSync, high \(high), low \(low), deadline \(time(deadline))"
        case .random(let low, let high): "random, low \(low), high \(high)"
        case .expire(let age): "expire, age \(time(age))"
        case .codel(let target, let interval): "codel, target \(time(target)), interval \(time(interval))"
        }
    }
}

extension Duration {
    /// ``nanoseconds``, with nothing below zero.
    var unsignedNanoseconds: UInt64 { UInt64(max(nanoseconds, 0)) }
}
