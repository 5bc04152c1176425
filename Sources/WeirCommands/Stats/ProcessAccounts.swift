internal import WeirBatch
package import WeirExport

/// What a process said of its sinks at one moment.
struct ProcessAccounts {
    var stream: StreamID
    var resource: [Batch.Attribute] = []
    /// Of when it is. Nanoseconds since 1970.
    var time: UInt64 = 0
    var sinks: [AccountsReader.SinkAccounts] = []
    /// Whether it was added up from differences of which some are missing, so that nothing can be said of identities.
    var isPartial = false

    /// Whether every sink's identities hold, as far as that can be told.
    var isBalanced: Bool { isPartial || sinks.allSatisfy { $0.accounts.imbalance == nil } }
}

extension Accounts.Imbalance {
    /// A sentence with both sides.
    package var sentence: String {
        let sides =
            switch identity {
            case .offers: ("recovered + offered", "accepted + refused")
            case .acceptances: ("accepted", "delivered + coalesced + dropped + queued + in flight + spilled")
            }
        return "not balanced: in \(unit), \(sides.0) is \(left) and \(sides.1) is \(right)"
    }
}
