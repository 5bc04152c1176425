/// How a delivery ended.
public enum DeliveryResult: Equatable, Sendable {
    /// The destination has the frame.
    case delivered

    /// Not now: deliver the same frame again, later. For what passes by itself: no connection, no space, too many
    /// requests. The host waits by its own rule, longer from failure to failure, and at least `after` where the
    /// destination named a time. With an `attemptLimit`, that many failures of one frame count as ``rejected(isOutOfOrder:message:)``:
    /// for answers that may be this frame's fault. `isUncertain` where the destination may have the frame although its
    /// acknowledgement was not seen: it is counted, and tried again all the same.
    case retry(after: Duration? = nil, attemptLimit: UInt32? = nil, isUncertain: Bool = false, message: String)

    /// The destination took `acceptedRows` and will never take the others. `isOutOfOrder` where it has later values than
    /// all of those: they are counted as `outOfOrder`.
    case partial(acceptedRows: UInt64, isOutOfOrder: Bool = false, message: String)

    /// This frame will never be taken; the next one may be. `isOutOfOrder` where that is for values that are older than what
    /// the destination has: it is counted as `outOfOrder`.
    case rejected(isOutOfOrder: Bool = false, message: String)

    /// The sink is misconfigured: no frame will ever be taken.
    case fatal(message: String)
}
