package import WeirBatch

/// What became of every batch that a sink was offered: in batches, rows and bytes.
///
/// Two identities hold after every operation, for each of the three:
///
///     recovered + offered = accepted + Σ refused{cause}
///     accepted = delivered + coalesced + Σ dropped{cause} + queued + inflight + spilled
///
/// All fields are taken under one lock, so that they hold in every snapshot too. ``imbalance`` checks them.
package struct Accounts: Equatable, Sendable {
    /// What a restart found in the sink's spill.
    package var recovered = Amount()
    /// What the collector handed over.
    package var offered = Amount()
    /// What entered the queue.
    package var accepted = Amount()
    /// What the destination has.
    package var delivered = Amount()
    /// What went into a newer batch.
    package var coalesced = Amount()
    /// What waits.
    package var queued = Amount()
    /// What the exporter holds at this moment.
    package var inflight = Amount()
    /// What waits on disk.
    package var spilled = Amount()
    /// What was turned away before the queue, by cause.
    package var refused = AmountByCause()
    /// What was given up after it had entered, by cause.
    package var dropped = AmountByCause()
    /// Deliveries whose acknowledgement was lost: also counted above, as what became of them later.
    package var uncertain = Amount()

    package init() {}

    /// Both together.
    func adding(_ other: Accounts) -> Accounts {
        var sum = self
        sum.recovered += other.recovered
        sum.offered += other.offered
        sum.accepted += other.accepted
        sum.delivered += other.delivered
        sum.coalesced += other.coalesced
        sum.queued += other.queued
        sum.inflight += other.inflight
        sum.spilled += other.spilled
        sum.refused += other.refused
        sum.dropped += other.dropped
        sum.uncertain += other.uncertain
        return sum
    }

    /// The first identity that does not hold, with both sides; nil where all is accounted for.
    package var imbalance: Imbalance? {
        for unit in Amount.Unit.allCases {
            let left = recovered[unit] &+ offered[unit]
            let right = accepted[unit] &+ refused.total[unit]
            if left != right { return Imbalance(identity: .offers, unit: unit, left: left, right: right) }
            let ends = delivered[unit] &+ coalesced[unit] &+ dropped.total[unit]
            let levels = queued[unit] &+ inflight[unit] &+ spilled[unit]
            if accepted[unit] != ends &+ levels {
                return Imbalance(identity: .acceptances, unit: unit, left: accepted[unit], right: ends &+ levels)
            }
        }
        return nil
    }

    /// An identity that does not hold.
    package struct Imbalance: Equatable, Sendable {
        package enum Identity: Equatable, Sendable {
            case offers
            case acceptances
        }

        package var identity: Identity
        package var unit: Amount.Unit
        package var left: UInt64
        package var right: UInt64
    }
}

/// So many batches, with so many rows, of so many bytes.
package struct Amount: Equatable, Sendable {
    package enum Unit: CaseIterable, Equatable, Sendable {
        case batches
        case rows
        case bytes
    }

    package var batches: UInt64
    package var rows: UInt64
    package var bytes: UInt64

    package init(batches: UInt64 = 0, rows: UInt64 = 0, bytes: UInt64 = 0) {
        self.batches = batches
        self.rows = rows
        self.bytes = bytes
    }

    package subscript(unit: Unit) -> UInt64 {
        get {
            switch unit {
            case .batches: batches
            case .rows: rows
            case .bytes: bytes
            }
        }
        set {
            switch unit {
            case .batches: batches = newValue
            case .rows: rows = newValue
            case .bytes: bytes = newValue
            }
        }
    }

    func adding(_ other: Amount) -> Amount {
        var sum = self
        sum += other
        return sum
    }

    /// The difference; nil where some of it would be below zero.
    func subtracting(_ other: Amount) -> Amount? {
        guard batches >= other.batches, rows >= other.rows, bytes >= other.bytes else { return nil }
        var difference = self
        difference -= other
        return difference
    }

    // Wrapping, so that a mistake shows as an imbalance and not as a trap in somebody's process.
    package static func += (left: inout Amount, right: Amount) {
        left.batches &+= right.batches
        left.rows &+= right.rows
        left.bytes &+= right.bytes
    }

    package static func -= (left: inout Amount, right: Amount) {
        left.batches &-= right.batches
        left.rows &-= right.rows
        left.bytes &-= right.bytes
    }
}

/// An amount for each cause.
package struct AmountByCause: Equatable, Sendable {
    // By raw value.
    private var amounts = [Amount](
        repeating: Amount(), count: 1 + Int(Gap.Cause.allCases.map(\.rawValue).max() ?? 0))

    package init() {}

    package subscript(cause: Gap.Cause) -> Amount {
        get { amounts[Int(cause.rawValue)] }
        set { amounts[Int(cause.rawValue)] = newValue }
    }

    static func += (left: inout AmountByCause, right: AmountByCause) {
        for index in left.amounts.indices { left.amounts[index] += right.amounts[index] }
    }

    package var total: Amount { amounts.reduce(into: Amount()) { $0 += $1 } }
}
