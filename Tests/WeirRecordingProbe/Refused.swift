import CRecordingProbe
import CWeirCPU
import Synchronization
import WeirRecording

private let measure = Measure<Int64>("refused.measure")
private let amount = Measure<Double>("refused.amount")
private let key: TagKey = "refused.key"

/// The kernel refuses the barrier from some moment on: what readers may see is not used again, although it ends and is told.
func probeRefused(_ probe: inout Probe) {
    do {
        // So few cells that they are enough only where those of series that ended are used again.
        let stats = try Stats(cellsPerCore: 1024)
        try stats.register(View("v", of: measure, by: [key], as: .sum))
        let before = comeAndGo(in: stats, rounds: 2_000)
        probe.expect(before.ended, 2_000, "series that ended and were told")
        probe.expect(before.lost, 0, "measurements lost while the barrier is there")
        let isOver = Atomic<Bool>(false)
        let hasBegun = Atomic<Int>(0)
        let threads = (0..<2).map { number in
            Thread {
                var round = 0
                while !isOver.load(ordering: .relaxed) {
                    round += 1
                    measure.record(1, (key, "\(number).\(round % 100)"))
                    if round == 100 { hasBegun.add(1, ordering: .relaxed) }
                }
            }
        }
        try register(View("v", of: measure, by: [key], as: .sum))
        while hasBegun.load(ordering: .relaxed) < 2 { yield() }
        let sums = try Stats(cellsPerCore: 1024)
        try sums.register(View("sum", of: amount, as: .sum))
        let recorder = amount.bound(in: sums)
        for _ in 0..<5 {
            recorder.record(1)
            _ = total(of: sums)
        }
        recorder.record(1)
        probe.expect(weir_cpu_barrier(), true, "the barrier at first")
        probe.expect(probe_refuse_barrier(), true, "a filter")
        probe.expect(weir_cpu_barrier(), false, "the barrier then")
        probe.expect(weir_cpu_restart(), false, "the restart of sequences then")
        for round in 7...20 {
            recorder.record(1)
            probe.expect(total(of: sums), Double(round), "a sum whose halves are not emptied any more")
        }
        recorder.restartSums()
        probe.expect(total(of: sums), 0, "a sum that began anew")
        recorder.record(3)
        probe.expect(total(of: sums), 3, "what came after it began anew")
        for _ in 0..<200 {
            Stats.default.forget(Tags())
            try register(View("w", of: measure, by: [key], as: .count))
            _ = readings()
            try unregister("w")
        }
        isOver.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        probe.expect(weir_reader_is_blind(), true, "that nothing is freed any more")
        let after = comeAndGo(in: stats, rounds: 2_000)
        probe.expect(after.lost > 0, true, "cells that are not used again")
        probe.expect(UInt64(after.ended) + after.lost, 2_000, "series told, and measurements lost")
    } catch {
        probe.fail("\(error)")
    }
}

/// What the one series of the only view adds up to.
private func total(of stats: Stats) -> Double {
    var (sums, remainders): ([Double], [SIMD2<Double>]) = ([], [])
    stats.collect { views, _, _ in stats.mergeDoubles(views[0].live, into: &sums, remainders: &remainders) }
    return sums.first ?? -1
}

/// Makes one series a round, forgets it and collects. Says how many were told to have ended, and how many measurements found
/// no room.
private func comeAndGo(in stats: Stats, rounds: Int) -> (ended: Int, lost: UInt64) {
    var (ended, lost) = (0, 0 as UInt64)
    func collect() {
        stats.collect { views, counts, _ in
            ended += views.reduce(0) { $0 + $1.ended.count }
            lost = counts.lost
        }
    }
    for round in 0..<rounds {
        measure.record(1, Tags([(key, "\(round)")]), in: stats)
        stats.forget(Tags())
        collect()
    }
    // What was still in sight of a reader on another thread.
    for _ in 0..<2 { collect() }
    return (ended, lost)
}
