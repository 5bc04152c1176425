/// What one call to an exporter came to, checked: what a plugin answers may be nonsense.
package struct Delivery: Equatable, Sendable {
    package enum Outcome: Equatable, Sendable {
        /// The destination has the batch.
        case delivered
        /// Not now. A `hint` is the pause that the destination asked for, in nanoseconds; after `attemptLimit` attempts
        /// of one batch, where there is a limit, it counts as rejected.
        case retry(hint: UInt64?, attemptLimit: UInt32?)
        /// The destination took so many rows and will never take the others.
        case partial(acceptedRows: UInt64)
        /// This batch will never be taken.
        case rejected
        /// No batch will ever be taken.
        case fatal
        /// The exporter crashed so often that it is not called any more. Its process's word, never an exporter's own.
        case quarantined
    }

    package var outcome: Outcome
    /// The destination may have the batch although it did not acknowledge it.
    package var isUncertain: Bool
    /// All that the destination refused is older than what it has.
    package var isOutOfOrder: Bool
    /// What the exporter says about it.
    package var message: String

    package init(
        _ outcome: Outcome, isUncertain: Bool = false, isOutOfOrder: Bool = false, message: String = ""
    ) {
        self.outcome = outcome
        self.isUncertain = isUncertain
        self.isOutOfOrder = isOutOfOrder
        self.message = message
    }
}
