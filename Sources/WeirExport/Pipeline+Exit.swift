private import Logging

extension Pipeline {
    /// A shutdown because the program ends, whose report nobody gets: the log has it where something is missing.
    package func shutdownAtExit(deadlineNanoseconds: UInt64, completion: @escaping @Sendable () -> Void) {
        shutdown(deadlineNanoseconds: deadlineNanoseconds) { [logger] report in
            let milliseconds = deadlineNanoseconds / 1_000_000
            let advice = "shut export down before the program ends, or set a longer exitDeadline"
            if !report.isComplete {
                logger.warning(
                    "the program ends without a last collection: it was not made within \(milliseconds) ms; \(advice)")
            }
            for sink in report.sinks where !(sink.hasEndMark && sink.isFinished) {
                logger.warning(
                    """
                    sink \(sink.name): the program ends before its stream does: not everything was delivered within \
                    \(milliseconds) ms; \(advice)
                    """)
            }
            completion()
        }
    }
}
