internal import Logging
internal import WeirBatch
private import Synchronization

/// What a sink says in the application's log: one line a change. What servers and plugins say in it is theirs, and steers
/// no terminal that shows the log.
final class SinkLog: Sendable {
    private let logger: Logger
    // Relaxed: it only keeps a line from being repeated.
    private let hasReportedDeadLetter = Atomic<Bool>(false)

    init(_ logger: Logger) {
        self.logger = logger
    }

    func report(_ events: [SinkEvent]) {
        for event in events {
            switch event {
            case .failing(let message):
                logger.warning("deliveries fail, and are tried again: \(message.escapingControls)")
            case .paused(let nanoseconds, let message):
                logger.warning(
                    "deliveries pause for \(length(nanoseconds)), since they fail: \(message.escapingControls)")
            case .recovered(let failures):
                logger.info("deliveries succeed again\(failures == 0 ? "" : ", after \(failures) failures in a row")")
            case .dropping: logger.warning("batches are dropped from now on; the accounts say why and how many")
            case .rejecting(let message): logger.warning("the destination rejects a batch: \(message.escapingControls)")
            case .wedged(let nanoseconds):
                logger.error("a delivery has not returned for \(length(nanoseconds))")
            case .fatal(let message), .quarantined(let message):
                logger.error("nothing will be delivered any more: \(message.escapingControls)")
            }
        }
    }

    private func length(_ nanoseconds: UInt64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        return milliseconds < 1_000 ? "\(milliseconds) ms" : "\(milliseconds / 1_000) s"
    }

    func report(_ events: [SpillEvent]) {
        for event in events {
            switch event {
            case .failing(let error):
                logger.error("the spill fails, and batches wait in memory only: \("\(error)".escapingControls)")
            case .gone(let directory, let batches):
                let place = directory.escapingControls
                let loss = "files of the spill directory \(place) were removed or replaced while it is in use"
                let count = batches == 0 ? "no batch waited in them" : "\(batches) batches are dropped"
                logger.error("\(loss), and \(count): keep others from clearing it")
            case .working: logger.info("the spill takes batches again")
            }
        }
    }

    func report(_ recovery: SpillRecovery) {
        if recovery.recovered.batches > 0 {
            logger.info("\(recovery.recovered.batches) batches of earlier processes wait in the spill")
        }
        if !recovery.losses.isEmpty { logger.error("parts of the spill are damaged; the accounts say how much") }
        for error in recovery.unreadable {
            logger.error("a part of the spill is left out: \("\(error)".escapingControls)")
        }
    }

    func notKept(_ error: SpillError) {
        guard !hasReportedDeadLetter.exchange(true, ordering: .relaxed) else { return }
        logger.warning("a rejected batch could not be kept: \("\(error)".escapingControls)")
    }
}
