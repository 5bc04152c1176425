private import WeirBatch

/// A batch whose policy makes the collector wait.
struct ParkedBatch: Sendable {
    let batch: SharedBatch
    let arrival: UInt64
    /// When the policy's patience ends. Nanoseconds of the monotonic clock.
    let until: UInt64
}

/// Waiting for room. What is parked is no part of the queue yet, and is offered when it is settled, so that the accounts
/// hold at every moment. The collector waits with it, so there is never more than one.
extension SinkQueue {
    /// Until when the collector is to wait; nil where nothing is parked.
    package var parkedUntil: UInt64? { parked?.until }

    /// Takes in what is parked, if the policy has room for it now.
    mutating func acceptParked(now: UInt64) -> Bool {
        guard let waiting = parked else { return false }
        switch policy.admit(waiting.batch.amount, levels, now: now) {
        case .park: return false
        case .accept: accept(waiting.batch, arrival: waiting.arrival)
        case .refuse(let cause): refuse(waiting.batch, cause)
        }
        parked = nil
        return true
    }

    /// The collector waits no longer: what is parked is refused.
    package mutating func withdrawParked() {
        guard let parked else { return }
        refuse(parked.batch, .timedOut)
        self.parked = nil
    }
}
