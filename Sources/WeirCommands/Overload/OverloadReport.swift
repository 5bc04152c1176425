package import WeirExport

/// What came of an overload.
package struct OverloadReport: Sendable {
    package var lanes: [LaneFigures] = []
    package var elapsed = Duration.zero
    /// The process's memory in bytes, before the pipelines began and at most while they ran; nil where that is unknown.
    package var residentBefore: Int?
    package var residentPeak: Int?
    /// Nanoseconds that one measurement took before, and while the sinks were overloaded; nil for a run that was too short.
    package var recordingBefore = 0.0
    package var recordingMeanwhile: Double?
    package var isInterrupted = false

    package init() {}

    /// Whether every batch is accounted for: when the time was over, at every look before, and after the end.
    package var isBalanced: Bool { lanes.allSatisfy { $0.imbalance == nil } }
}

/// What one policy made of it.
package struct LaneFigures: Sendable {
    package let policy: OverloadPolicy
    /// As it was when the time was over.
    package private(set) var accounts = Accounts()
    /// After the shutdown.
    package private(set) var end = Accounts()
    package private(set) var counts = CollectionCounts()
    /// The most that the sink held in memory, at the looks that were taken.
    package private(set) var peakBatches: UInt64 = 0
    package private(set) var peakBytes: UInt64 = 0
    /// The first identity that did not hold.
    package private(set) var imbalance: Accounts.Imbalance?
    private var arrivals = Destination.Arrivals()

    package init(policy: OverloadPolicy) {
        self.policy = policy
    }

    mutating func note(_ accounts: Accounts, _ counts: CollectionCounts, _ arrivals: Destination.Arrivals) {
        self.accounts = accounts
        self.counts = counts
        self.arrivals = arrivals
        peakBatches = max(peakBatches, accounts.queued.batches + accounts.inflight.batches)
        peakBytes = max(peakBytes, accounts.queued.bytes + accounts.inflight.bytes)
        imbalance = imbalance ?? accounts.imbalance
    }

    mutating func noteEnd(_ accounts: Accounts) {
        end = accounts
        imbalance = imbalance ?? accounts.imbalance
    }

    /// Batches that wait, or are being delivered.
    package var waiting: UInt64 { accounts.queued.batches + accounts.inflight.batches }

    /// How old batches were when the destination had them, in seconds; nil where it got none.
    package var medianAge: Double? { arrivals.ages.median }
    package var worstAge: Double? { arrivals.ages.worst }

    /// Whether each batch that arrived was newer than the one before.
    package var isOrdered: Bool { arrivals.isOrdered }
}
