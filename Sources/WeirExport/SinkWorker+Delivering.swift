internal import WeirBatch

/// The threads that deliver, one an exporter.
extension SinkWorker {
    func run(_ index: Int) {
        var random = SystemRandomNumberGenerator()
        while true {
            let (step, events) = shared.wait { shared, until -> (SinkState.Step, [SinkEvent])? in
                let step = shared.state.nextStep(worker: index, now: time.monotonic())
                if case .wait(let time) = step {
                    until = time
                    return nil
                }
                return (step, shared.state.takeEvents())
            }
            log.report(events)
            switch step {
            case .deliver(let inflight): deliver(inflight, index, random: &random)
            case .recall: recall(index, random: &random)
            case .mark(let header): deliverMark(header, index, random: &random)
            case .end(let mark): return end(mark, index)
            case .abandoned: return end(nil, index)
            case .wait: continue
            }
        }
    }

    private func deliver(_ inflight: InflightBatch, _ index: Int, random: inout SystemRandomNumberGenerator) {
        let exporter = exporters[index]
        let delivery = exporter.deliver(
            inflight.header, payload: inflight.batch.bytes, deadline: change { $0.deadline(now: time.monotonic()) })
        let counters = exporter.counters()
        shared.withLock { $0.counters[index] = counters }
        let aftermath = change { state in
            state.finish(delivery, worker: index, now: time.monotonic(), random: &random)
        }
        if let id = aftermath.remove { spill?.remove(id) }
        if let id = aftermath.putBack { putBack(id, inflight.batch.bytes) }
        if aftermath.isLate { changeLedger { state, _ in state.noteLate() } }
        if let rejected = aftermath.rejected { keep(rejected) }
        reportSpill()
    }

    private func recall(_ index: Int, random: inout SystemRandomNumberGenerator) {
        let taken = spill?.takeOldest() ?? SpillTaken()
        let recalled = shared.withLock { shared -> (deliver: InflightBatch?, putBack: SpillID?)? in
            guard shared.successor == nil else { return nil }
            return shared.state.recalled(
                taken, worker: index, budget: budget, now: time.monotonic(), random: &random)
        }
        // Where another sink took over meanwhile, it is that one's.
        if recalled == nil { lose(taken.losses) }
        if let id = recalled == nil ? taken.batch?.id : recalled?.putBack { putBack(id, taken.batch?.payload) }
        log.report(shared.withLock { $0.state.takeEvents() })
        reportSpill()
        if let inflight = recalled?.deliver { deliver(inflight, index, random: &random) }
    }

    func putBack(_ id: SpillID, _ payload: [UInt8]?) {
        lose(spill?.putBack(id, payload: payload) ?? [])
    }

    /// The disk has lost batches, which whoever uses it accounts for.
    private func lose(_ losses: [SpillLoss]) {
        guard !losses.isEmpty else { return }
        changeLedger { state, holder in
            if holder.spill === spill { state.lose(losses) }
        }
    }

    private func deliverMark(_ mark: FrameHeader, _ index: Int, random: inout SystemRandomNumberGenerator) {
        let delivery = exporters[index].deliver(
            mark, payload: [], deadline: change { $0.deadline(now: time.monotonic()) })
        change { $0.finishMark(mark, delivery, now: time.monotonic(), random: &random) }
    }

    private func end(_ mark: FrameHeader?, _ index: Int) {
        let exporter = exporters[index]
        let delivery = mark.map {
            exporter.deliver($0, payload: [], deadline: change { $0.endDeadline(now: time.monotonic()) })
        }
        let counters = exporter.counters()
        // The call may have ended just when it was asked to.
        shared.wait { shared, _ in shared.stopping.contains(index) ? nil : () }
        exporter.close()
        let isLast = shared.withLock { shared in
            if let delivery { shared.state.finishEnd(delivery) }
            shared.counters[index] = counters
            shared.leaving += 1
            return shared.leaving == shared.counters.count && !shared.leavesSpill
        }
        // Before the sink counts as finished, so that whoever comes next finds the directory free.
        if isLast, let losses = spill?.close() {
            lose(losses)
            reportSpill()
        }
        shared.withLock { $0.closed += 1 }
    }

    /// Puts aside what the destination will never take.
    private func keep(_ rejected: InflightBatch) {
        guard let deadLetters else { return }
        do throws(SpillError) {
            try deadLetters.keep(rejected, time: time.wall())
        } catch {
            log.notKept(error)
        }
    }
}
