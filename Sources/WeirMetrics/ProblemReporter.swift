private import Synchronization

/// Tells each problem once, and a bounded number of them: names come from anywhere.
final class ProblemReporter: Sendable {
    private let known = Mutex<Set<MetricsProblem>>([])
    private let tell: @Sendable (MetricsProblem) -> Void

    private static let limit = 1_000

    init(_ tell: @escaping @Sendable (MetricsProblem) -> Void) {
        self.tell = tell
    }

    func report(_ problem: MetricsProblem) {
        let isNew = known.withLock { $0.count < Self.limit && $0.insert(problem).inserted }
        if isNew { tell(problem) }
    }
}
