internal import WeirBatch

/// The relief: a second thread of a sink whose queue fills, for what is too slow for the collector and must not wait for
/// a delivery. It merges batches, or takes them to disk.
extension SinkWorker {
    /// Without a thread to be had, the policy makes room alone.
    func startReliefIfNeeded() {
        let isNeeded = shared.withLock { shared in
            guard !shared.hasRelief, shared.state.needsRelief else { return false }
            shared.hasRelief = true
            return true
        }
        guard isNeeded else { return }
        let hasStarted = Thread.start("weir-relief") { self.relieve() }
        change { $0.queue.setRelief(hasStarted, now: time.monotonic()) }
        if !hasStarted { shared.withLock { $0.hasRelief = false } }
    }

    private func relieve() {
        var random = SystemRandomNumberGenerator()
        // Merging needs zstd's memory; without it the policy makes room alone.
        var merger = try? BatchMerger(level: 1)
        while true {
            let relief = shared.wait { shared, until -> SinkState.Relief? in
                let relief = shared.state.nextRelief(now: time.monotonic())
                guard case .wait(let time) = relief else { return relief }
                until = time
                return nil
            }
            switch relief {
            case .merge(let work):
                let merged = merger?.merge(work)
                change { $0.finishMerge(merged, now: time.monotonic()) }
            case .spill(let header, let batch):
                let result = spill?.append(header, payload: batch.bytes)
                changeLedger { state, _ in
                    state.finishSpill(
                        isStored: result != nil && result?.failure == nil, losses: result?.losses ?? [],
                        now: time.monotonic(), random: &random)
                }
                reportSpill()
            case .wait: continue
            case .end: return
            }
        }
    }

    func reportSpill() {
        if let spill { log.report(spill.takeEvents()) }
    }

    // MARK: - What is on disk

    static func spillStore(
        _ configuration: SinkConfiguration, sink: String, time: TimeSource
    ) throws(ExportError) -> SpillStore? {
        guard let spill = configuration.spill else { return nil }
        do throws(SpillError) {
            return try SpillStore(
                directory: spill.directory, maximumBytes: spill.maximumBytes, sync: spill.sync, time: time)
        } catch {
            throw .spill(sink: sink, error)
        }
    }

    static func deadLetterFolder(_ configuration: SinkConfiguration, sink: String) throws(ExportError)
        -> DeadLetterFolder?
    {
        guard let directory = configuration.deadLetterDirectory else { return nil }
        do throws(SpillError) {
            return try DeadLetterFolder(directory: directory)
        } catch {
            throw .spill(sink: sink, error)
        }
    }
}
