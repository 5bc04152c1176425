import CRecordingProbe
import WeirRecording

private let key: TagKey = "allocations.key"
private let other: TagKey = "allocations.other"
private let integers = Measure<Int64>("allocations.integers")
private let doubles = Measure<Double>("allocations.doubles")

/// No way of recording allocates where the series exist.
func probeAllocations(_ probe: inout Probe) {
    do {
        try register(
            View("sum", of: integers, by: [key, other], as: .sum),
            View("count", of: doubles, by: [key], as: .count),
            View("distribution", of: doubles, by: [key, other], as: .distribution()),
            View("full", of: doubles, by: [other], as: .distribution(extremes: true, squares: true)),
            View("last", of: doubles, by: [], as: .lastValue),
            View("exponential", of: doubles, by: [key, other], as: .exponentialDistribution()),
            // The first measurement is kept; with no span in sight, none is.
            View("sampled", of: doubles, by: [key], as: .distribution(), exemplars: .alwaysOn),
            View("traced", of: integers, by: [key], as: .sum, exemplars: .traceBased))
    } catch {
        return probe.fail("\(error)")
    }
    guard probe_counts_allocations() else { return print("allocations: not counted") }
    let before = probe_allocations()
    let array = [Int](repeating: 1, count: 1_000)
    probe.expect(probe_allocations() > before, true, "an array of \(array.count) allocates")

    let short = "short"
    let long = String(repeating: "a value of many bytes, ", count: 3)
    let tags = Tags([(key, short), (other, long)])
    let (boundIntegers, boundDoubles) = (integers.bound(to: tags), doubles.bound(to: tags))
    probe.expectNone("tags that were built before") {
        integers.record(1, tags)
        doubles.record(0.5, tags)
    }
    probe.expectNone("bound recorders") {
        boundIntegers.record(1)
        boundDoubles.record(0.5)
    }
    probe.expectNone("a tag at the call") {
        integers.record(1, (key, short))
        doubles.record(0.5, (key, short))
    }
    probe.expectNone("two tags at the call") {
        integers.record(1, (key, short), (other, long))
        doubles.record(0.5, (key, short), (other, long))
    }
    probe.expectNone("what is rejected") {
        integers.record(-1, tags)
        doubles.record(.nan, tags)
    }
    probe.expectNone("no tags") {
        integers.record(1)
        doubles.record(0.5)
    }
    #if !DEBUG
    // Literals are arrays until an optimised build keeps them on the stack.
    probe.expectNone("literals of constants") { recordConstants() }
    probe.expectNone("literals of strings") { recordStrings(short, long) }
    probe.expectNone("several measures") { recordSeveral(tags) }
    withTags(Tags([(other, "ambient")])) {
        probe.expectNone("tags of the task") { integers.record(1, (key, short)) }
    }
    #endif
}

extension Probe {
    fileprivate mutating func expectNone(_ what: String, _ record: () -> Void) {
        // The first makes the series.
        record()
        let before = probe_allocations()
        for _ in 0..<1_000 { record() }
        expect(probe_allocations() - before, 0, "allocations for \(what)")
    }
}

// Functions of their own: inlined into one that is this long, literals may stay on the heap.

@inline(never)
private func recordConstants() {
    integers.record(1, [key: "constant", other: "another"])
    doubles.record(0.5, [key: "constant", other: "another"])
}

@inline(never)
private func recordStrings(_ first: String, _ second: String) {
    integers.record(1, [key: first, other: second])
}

@inline(never)
private func recordSeveral(_ tags: Tags) {
    WeirRecording.record([integers.of(1), doubles.of(0.5)], tags)
    WeirRecording.record([integers.of(1), doubles.of(0.5)], [key: "constant"])
}
