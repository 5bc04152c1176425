import CRecordingProbe
import CWeirCPU
import Synchronization
import WeirRecording

private let measure = Measure<Int64>("process.measure")
private let key: TagKey = "process.key"

/// A process that has used up its tag keys still tells its overflow series from others.
func probeKeys(_ probe: inout Probe) {
    _ = Stats.default
    var number = 0
    while TagKey("used.up.\(number)").isValid { number += 1 }
    probe.expect((65_000...65_536).contains(number), true, "\(number) keys")
    probe.expect(TagKey("one.more").isValid, false, "one more key")
    probe.expect(Tags([(TagKey("one.more"), "value")]), Tags(), "a tag of it")
    do {
        try register(View("v", of: measure, as: .count, seriesLimit: 1))
        try register(View("w", of: measure, by: [TagKey("used.up.1")], as: .count, seriesLimit: 1))
    } catch {
        return probe.fail("\(error)")
    }
    for value in ["a", "b", "c"] { measure.record(1, (TagKey("used.up.1"), value)) }
    probe.expect(readings()["v"]?.mapValues(\.integer), ["": 3], "v")
    probe.expect(readings()["w"]?.mapValues(\.integer), ["a": 1, "true": 2], "w")
}

/// A fork's child starts empty, counts what it records itself, and changes nothing of its parent's.
func probeFork(_ probe: inout Probe) {
    do {
        try register(View("v", of: measure, by: [key], as: .sum), View("last", of: measure, as: .lastValue))
    } catch {
        return probe.fail("\(error)")
    }
    measure.record(5, (key, "parent"))
    let recorder = measure.bound(to: Tags([(key, "bound")]))
    recorder.record(7)
    // Ended, and not told of yet when the fork comes.
    measure.record(9, (key, "gone"))
    _ = readings()
    forget(Tags([(key, "gone")]))
    unsafe probeForkedAfter = Stats.default.currentTime
    unsafe withUnsafePointer(to: recorder) { recorder in
        let status = unsafe probe_fork(
            { recorder in
                let recorder = unsafe recorder!.assumingMemoryBound(to: Recorder<Int64>.self).pointee
                var child = Probe()
                child.expectFreshStarts()
                child.expect(readings()["v"]?.values.map(\.integer) ?? [], [0, 0], "the child's beginning")
                measure.record(1, (key, "child"))
                measure.record(2, (key, "parent"))
                recorder.record(3)
                let found = readings()["v"]?.mapValues(\.integer) ?? [:]
                child.expect(found, ["child": 1, "parent": 2, "bound": 3], "the child's series")
                // A row is replaced and reclaimed in the child as in any process.
                for _ in 0..<10 {
                    try? register(View("more", of: measure, by: [key], as: .count))
                    measure.record(1, (key, "child"))
                    try? unregister("more")
                }
                return Int32(child.faults)
            }, UnsafeMutableRawPointer(mutating: recorder))
        probe.expect(status, 0, "faults of the child")
    }
    probe.expect(readings()["v"]?.mapValues(\.integer), ["parent": 5, "bound": 7], "the parent's series")
}

extension Probe {
    /// That nothing which is told began before this process, or ended.
    fileprivate mutating func expectFreshStarts() {
        let stats = Stats.default
        var (starts, ends): ([UInt64], Int) = ([], 0)
        var collected: UInt64 = 0
        for _ in 0..<5 {
            stats.collect { views, _, moment in
                if collected == 0 { collected = moment.time }
                for view in views {
                    starts += (0..<view.live.count).map { view.live.times(at: $0).start }
                    ends += view.ended.count
                }
            }
        }
        expect(starts.allSatisfy { unsafe $0 > probeForkedAfter && $0 <= collected }, true, "starts of \(starts)")
        expect(unsafe stats.startTime > probeForkedAfter, true, "the beginning, \(stats.startTime)")
        expect(ends, 0, "series of the parent's that ended")
    }
}

/// A moment before the fork of ``probeFork(_:)``. Written there alone, and read in the child.
nonisolated(unsafe) private var probeForkedAfter: UInt64 = 0

/// Forks at any moment, while other threads make series, register views and collect: the child can do all of that.
func probeForks(_ probe: inout Probe, size: Int) {
    // A global that another thread is initialising at the fork stays so in the child for good: Swift's affair, not ours.
    _ = churn("churn", 1)
    let isOver = Atomic<Bool>(false)
    let threads = (0..<3).map { number in
        Thread {
            var round = 0
            while !isOver.load(ordering: .relaxed) {
                round += 1
                _ = churn("churn.\(number)", round)
            }
        }
    }
    for round in 0..<(20 * size) {
        let status = unsafe probe_fork(
            { _ in
                endWithin(seconds: 60)
                return churn("child", 0) == 20 ? 0 : 1
            }, nil)
        probe.expect(status, 0, "end of child \(round)")
        if status != 0 { break }
    }
    isOver.store(true, ordering: .relaxed)
    for thread in threads { thread.join() }
}

/// All that takes a lock: a view comes and goes, with new series, keys and a collection between. Says how many series the
/// view had, those of other threads included.
private func churn(_ name: String, _ round: Int) -> Int {
    try? register(View(name, of: measure, by: [key], as: .count))
    for value in 0..<20 { measure.record(1, (TagKey("key.\(round % 100)"), "x"), (key, "\(round).\(value)")) }
    defer { try? unregister(name) }
    return readings()[name]?.count ?? 0
}

/// Threads without restartable sequences add beside those that have them, and nothing is lost.
func probeUnregistered(_ probe: inout Probe) {
    do {
        try register(View("v", of: measure, by: [key], as: .sum), View("n", of: measure, as: .count))
    } catch {
        return probe.fail("\(error)")
    }
    let rounds = 20_000
    let without = Atomic<Int>(0)
    let threads = (0..<8).map { number in
        Thread {
            if number % 2 == 0, probe_leave_sequences() { without.add(1, ordering: .relaxed) }
            let tags = Tags([(key, "all")])
            let recorder = measure.bound(to: tags)
            for _ in 0..<rounds {
                measure.record(1, tags)
                recorder.record(2)
            }
        }
    }
    for thread in threads { thread.join() }
    let count = without.load(ordering: .relaxed)
    print("without sequences: \(count)")
    if weir_cpu_is_rseq() { probe.expect(count, 4, "threads without sequences") }
    probe.expect(readings()["v"]?["all"]?.integer, Int64(8 * rounds * 3), "the sum")
    // The recorders' tags are not the view's, so both count in one series.
    probe.expect(readings()["n"]?[""]?.integer, Int64(8 * rounds * 2), "the count")
}
