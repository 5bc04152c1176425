private import WeirSystem

/// How a pipeline ended.
package struct PipelineReport: Sendable {
    package var sinks: [SinkSnapshot]
    /// Whether the last collection was made, and nothing that is observed was missing in it.
    package var isComplete: Bool { hasLastCollection && lateCallbacks.isEmpty }
    /// Whether the last collection was made. Without it no stream has an end mark: what came since the collection before is
    /// in no batch.
    package var hasLastCollection: Bool
    /// Names of callbacks that had not returned when it was.
    package var lateCallbacks: [String] = []
    package var counts = CollectionCounts()
}

extension Pipeline {
    /// Who waits for the end.
    struct Completions {
        var waiting: [@Sendable (PipelineReport) -> Void] = []
        var report: PipelineReport?
        var hasBegun = false
    }

    /// Stops ticking, collects once more, delivers what waits in all sinks side by side, drops the rest, ends the
    /// streams and reports: by the deadline and 250 ms, whatever an exporter does.
    ///
    /// `completion` runs on a thread of the pipeline's, or at once where the pipeline has ended before.
    package func shutdown(
        deadlineNanoseconds: UInt64, completion: @escaping @Sendable (PipelineReport) -> Void
    ) {
        // A fork's child inherits the locks in whatever state, and no thread that would answer.
        guard getpid() == process else { return completion(PipelineReport(sinks: [], hasLastCollection: false)) }
        let deadline = time.monotonic() &+ min(deadlineNanoseconds, 86_400_000_000_000)
        enum Next {
            case begin
            case wait
            case answer(PipelineReport)
        }
        let next = completions.withLock { state -> Next in
            if let report = state.report { return .answer(report) }
            state.waiting.append(completion)
            defer { state.hasBegun = true }
            return state.hasBegun ? .wait : .begin
        }
        switch next {
        case .answer(let report): completion(report)
        case .wait: break
        case .begin:
            let work: @Sendable () -> Void = { self.finish(deadline: deadline) }
            // Without a thread to wait on, the caller's own has to do.
            if !Thread.start("weir-shutdown", work) { work() }
        }
    }

    private func finish(deadline: UInt64) {
        control.withLock { if $0.phase == .running { $0.phase = .stopping } }
        // Who changes the sinks at this moment gets to the end, or nobody would know which there are.
        control.wait { control, until -> Void? in
            until = deadline
            return control.isReconfiguring && time.monotonic() < deadline ? nil : ()
        }
        let sinks = control.withLock { $0.plan.sinks + $0.leaving }
        // Half of the time that is left, so that what they took in can still be delivered.
        let now = time.monotonic()
        for sink in sinks { sink.limitParking(until: now &+ (deadline - min(now, deadline)) / 2) }
        let hasCollected = control.wait { control, until -> Bool? in
            if control.phase == .stopped { return true }
            until = deadline
            return time.monotonic() >= deadline ? false : nil
        }
        for sink in sinks { sink.drain(deadline: deadline, endsStreams: hasCollected) }
        let late = sinks.filter { !$0.waitUntilFinished(deadline: deadline) }
        for sink in late { sink.askToStop() }
        let grace = max(deadline, time.monotonic()) &+ 150_000_000
        for sink in late where !sink.waitUntilFinished(deadline: grace) { sink.abandon() }
        let report = PipelineReport(
            sinks: reportedSnapshots(), hasLastCollection: hasCollected,
            lateCallbacks: control.withLock { $0.lateCallbacks }, counts: counts)
        let waiting = completions.withLock { state in
            state.report = report
            defer { state.waiting = [] }
            return state.waiting
        }
        for completion in waiting { completion(report) }
    }

    /// Those of the sinks at work, then of those that were taken out.
    private func reportedSnapshots() -> [SinkSnapshot] {
        let (sinks, leaving, left) = control.withLock { ($0.plan.sinks, $0.leaving, $0.left) }
        return sinks.map { $0.snapshot() } + left + leaving.map { $0.snapshot() }
    }
}
