internal import Testing
internal import WeirBatch
internal import WeirTestSupport

@Suite("Exemplars in batches")
struct ExemplarTests {
    private func batch(_ start: UInt64, _ end: UInt64, _ fill: (inout BatchBuilder) -> Void) -> Batch {
        var builder = BatchBuilder(start: start, end: end)
        fill(&builder)
        return builder.batch
    }

    /// Every exemplar by the tags of its row, as text: `a: 0.5 at 12 of 7 user=me`.
    private func exemplars(_ batch: Batch?) -> [String] {
        (batch?.views ?? []).flatMap { view -> [String] in
            let exemplars = view.exemplars
            let starts = exemplars.tagStarts
            return (0..<exemplars.count).map { index in
                let row = Int(exemplars.rows[index])
                let name = view.tagKeys.indices.map { key -> String in
                    let value = Int(view.tagValues[key * view.rows + row])
                    return value == 0 ? "-" : batch!.strings[value - 1]
                }
                var text = "\(name.joined(separator: ",")): \(exemplars.values[index]) at \(exemplars.times[index])"
                if exemplars.spans[index] != 0 { text += " of \(exemplars.spans[index])" }
                for tag in starts[index]..<starts[index + 1] {
                    let (key, value) = (exemplars.tagKeys[tag], exemplars.tagValues[tag])
                    text += " \(batch!.strings[Int(key) - 1])=\(batch!.strings[Int(value) - 1])"
                }
                return text
            }
        }
    }

    private func distribution(_ start: UInt64, _ fill: (inout BatchBuilder.Rows) -> Void) -> Batch {
        batch(start, start + 10) { builder in
            builder.view("d", .distribution, .double, keys: ["k"], bounds: [1, 2], temporality: .delta, fill)
        }
    }

    @Test("rows that are picked out take theirs along, and rows that are put together keep theirs")
    func rows() {
        let batch = distribution(10) { rows in
            for (name, value) in [("a", 0.5), ("b", 1.5), ("c", 2.5)] {
                rows.row([name], start: 10, sum: 1, buckets: [1, 1, 1])
                rows.exemplar(value, time: 11, span: 7, tags: [("user", "of \(name)"), ("request", "1")])
                rows.exemplar(value + 10, time: 12)
            }
        }
        var picked = batch
        picked.views[0] = batch.views[0].selecting([2, 0])
        picked.dropUnusedStrings()
        #expect(
            exemplars(picked) == [
                "c: 2.5 at 11 of 7 user=of c request=1", "c: 12.5 at 12", "a: 0.5 at 11 of 7 user=of a request=1",
                "a: 10.5 at 12",
            ])
        #expect(!(0..<picked.strings.count).contains { picked.strings[$0] == "of b" })
        let values = picked.strings.add(batch.strings)
        picked.views[0].append(batch.views[0].selecting(1..<2), values: values)
        #expect(exemplars(picked).suffix(2) == ["b: 1.5 at 11 of 7 user=of b request=1", "b: 11.5 at 12"])
        #expect(picked.isSound)
    }

    @Test("the parts of a split collection have those of their rows")
    func parts() throws {
        let batch = distribution(10) { rows in
            for number in 0..<50 {
                rows.row(["series \(number)"], start: 10, sum: 1, buckets: [1, 1, 1])
                rows.exemplar(Double(number), time: 11, span: 7, tags: [("user", "of \(number)")])
            }
        }
        var encoder = try BatchEncoder()
        var estimate = LengthEstimate()
        let payloads = try encoder.encode(batch, upTo: 250, &estimate)
        #expect(payloads.count > 2)
        let read = try payloads.flatMap { try Array(reading: $0.bytes).first?.headless?.batches() ?? [] }
        #expect(read.flatMap { exemplars($0) } == exemplars(batch))
    }

    @Test("of two batches' exemplars of a bucket the newer one's stays, and those of other buckets of both")
    func merging() throws {
        let older = distribution(10) { rows in
            rows.row(["a"], start: 10, sum: 1, buckets: [1, 1, 1])
            rows.exemplar(0.5, time: 11, span: 1, tags: [("user", "older")])
            rows.exemplar(1, time: 12, span: 2)
            rows.exemplar(2.5, time: 13, span: 3, tags: [("user", "older")])
            rows.row(["gone"], start: 10, sum: 1, buckets: [1, 0, 0])
            rows.exemplar(0.1, time: 14, tags: [("user", "gone")])
        }
        let newer = distribution(20) { rows in
            rows.row(["new"], start: 20, sum: 1, buckets: [1, 0, 0])
            rows.row(["a"], start: 20, sum: 1, buckets: [1, 0, 0])
            rows.exemplar(0.75, time: 21, span: 4, tags: [("user", "newer")])
        }
        let merged = try #require(BatchMerge.merge(older: older, newer: newer))
        #expect(
            exemplars(merged) == [
                "a: 0.75 at 21 of 4 user=newer", "a: 2.5 at 13 of 3 user=older", "gone: 0.1 at 14 user=gone",
            ])
        #expect(merged.isSound)
    }

    @Test("an exponential distribution's share one by power of two and sign, a number's all")
    func buckets() throws {
        func batch(_ start: UInt64, _ values: [Double]) -> Batch {
            self.batch(start, start + 10) { builder in
                builder.view("e", .exponentialDistribution, .double, temporality: .delta) { rows in
                    rows.row(start: start, sum: 1, zero: 1)
                    for value in values { rows.exemplar(value, time: start) }
                }
                builder.view("l", .lastValue, .double) { rows in
                    rows.row(start: 5, double: 1)
                    for value in values.prefix(1) { rows.exemplar(value, time: start) }
                }
            }
        }
        let merged = try #require(
            BatchMerge.merge(older: batch(10, [1, 2, 3, -3, 0, .infinity, .nan]), newer: batch(20, [4, -4, 2])))
        // Buckets hold their upper bound: 3 and 4 are in one, 1 and 2 in two.
        #expect(
            exemplars(merged) == [
                ": 4.0 at 20", ": -4.0 at 20", ": 2.0 at 20", ": 1.0 at 10", ": 0.0 at 10", ": inf at 10",
                ": nan at 10", ": 4.0 at 20",
            ])
    }
}
