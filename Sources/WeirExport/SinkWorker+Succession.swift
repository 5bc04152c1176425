internal import WeirBatch

/// A sink that was changed while exporting goes on, and the one that follows it.
extension SinkWorker {
    /// The disk, where another configuration uses it alike and so can have it as it is.
    func sharedSpill(with configuration: SinkConfiguration) -> SpillStore? {
        configuration.spill == self.configuration.spill ? spill : nil
    }

    /// Whether another configuration's batches wait in the same directory.
    func usesSpill(of configuration: SinkConfiguration) -> Bool {
        configuration.spill?.directory == self.configuration.spill?.directory
    }

    /// Lets the threads end with what they have in hand. Batches are taken in still.
    ///
    /// - Parameter leavingSpill: Whether another sink goes on with the disk.
    func retire(leavingSpill: Bool) {
        shared.withLock { shared in
            shared.leavesSpill = leavingSpill
            shared.state.retire()
        }
    }

    /// - Returns: Whether nothing is in anybody's hands, and the exporters were closed, by then.
    func waitUntilRetired(deadline: UInt64) -> Bool {
        shared.wait { shared, until in
            if shared.isFinished, shared.state.isHandable { return true }
            until = deadline
            return time.monotonic() >= deadline ? false : nil
        }
    }

    /// Ends a sink that was opened in vain: it hands nothing over, and closes nothing that is not its own.
    func discard() {
        shared.withLock { shared in
            shared.predecessor = nil
            shared.state.abandon(now: time.monotonic())
        }
    }

    /// Takes over from the sink that this one follows, in one moment for whoever looks at the accounts.
    func takeOver() {
        let (recalled, events) = shared.withLock { shared -> ([InflightBatch], [SinkEvent]) in
            guard let predecessor = shared.predecessor else { return ([], []) }
            shared.predecessor = nil
            let keepsSpill = usesSpill(of: predecessor.configuration)
            let sharesSpill = spill != nil && spill === predecessor.spill
            shared.leavesSpill = false
            let (estate, counters) = predecessor.shared.withLock { other in
                let counters = ExporterCount.sums(other.counters + [other.inherited])
                (other.counters, other.inherited) = (other.counters.map { _ in [] }, [])
                other.successor = self
                return (other.state.handOver(keepsSpill: sharesSpill, now: time.monotonic()), counters)
            }
            shared.inherited = counters
            shared.state.adopt(estate, keepsSpill: keepsSpill, now: time.monotonic())
            return (sharesSpill ? estate.recalled : [], shared.state.takeEvents())
        }
        log.report(events)
        let putBack: @Sendable () -> Void = {
            for batch in recalled {
                if let id = batch.spillID { self.putBack(id, batch.batch.bytes) }
            }
        }
        // On a thread of its own, since a disk may hang too.
        if !recalled.isEmpty, !Thread.start("weir-spill", putBack) { putBack() }
        startReliefIfNeeded()
    }
}

extension SinkSnapshot {
    /// What the sink before did, which has not handed over yet.
    mutating func add(_ before: SinkSnapshot) {
        accounts = before.accounts.adding(accounts)
        deliveries.add(before.deliveries)
        counters = ExporterCount.sums([before.counters, counters])
        condition = before.condition
        moments.add(before.moments)
        if lastMessage.isEmpty { lastMessage = before.lastMessage }
    }
}
