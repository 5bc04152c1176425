internal import Testing
internal import WeirBatch
internal import WeirTestSupport

@Suite("Merging two delta batches")
struct BatchMergeTests {
    @Test("random batches, merged in any order of neighbours, say what all of them said")
    func model() throws {
        for seed in 0..<UInt64(60 * scale) {
            var generator = SeededGenerator(seed: seed)
            var model = DeltaModel(seed: seed)
            var batches = (0..<Int.random(in: 1...14, using: &generator)).map { _ in model.next() }
            // What died last is reported some batches later.
            batches += (0..<3).map { _ in model.next(isQuiet: true) }
            let (begin, end) = (batches[0].startTime, batches[batches.count - 1].endTime)
            while batches.count > 1 {
                let place = Int.random(in: 0..<batches.count - 1, using: &generator)
                let merged = try #require(BatchMerge.merge(older: batches[place], newer: batches[place + 1]))
                batches.replaceSubrange(place...place + 1, with: [merged])
            }
            #expect(batches[0].startTime == begin && batches[0].endTime == end)
            #expect(batches[0].resource == [Batch.Attribute(key: "service.name", value: "model")])
            try expect(batches[0], says: model.totals, seed: seed)
            // It is a batch like any other.
            var encoder = try BatchEncoder()
            let payload = try encoder.encode(batches[0])
            var decoder = try BatchDecoder()
            let header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 9, payload: payload)
            #expect(try decoder.decode(payload.bytes, header: header) == batches[0])
        }
    }

    @Test("the parts of a batch, joined, say what it said")
    func join() throws {
        var encoder = try BatchEncoder()
        var decoder = try BatchDecoder()
        for seed in 0..<UInt64(20 * scale) {
            var model = DeltaModel(seed: seed)
            let batches = (0..<6).map { _ in model.next() } + (0..<3).map { _ in model.next(isQuiet: true) }
            var whole = batches[0]
            for batch in batches.dropFirst() {
                whole = try #require(BatchMerge.merge(older: whole, newer: batch))
            }
            var parts: [Batch] = []
            for payload in try encoder.encode(whole, inParts: 4) {
                let header = FrameHeader(stream: StreamID(high: 1, low: 1), first: 1, last: 9, payload: payload)
                parts.append(try decoder.decode(payload.bytes, header: header))
            }
            let joined = try #require(BatchMerge.join(parts))
            #expect(joined.startTime == whole.startTime && joined.endTime == whole.endTime)
            try expect(joined, says: model.totals, seed: seed)
        }
    }

    @Test("of a collection that is not whole, what it lacks goes on from its end")
    func olderIsPart() {
        let older = counts(10, 20, [("a", 10, 0, 1)])
        let newer = counts(20, 30, [("a", 20, 0, 2), ("b", 20, 0, 3)])
        let merged = BatchMerge.merge(older: older, newer: newer, isOlderWhole: false)
        #expect(merged?.views.first?.startTimes == [10, 20])
        #expect(merged?.views.first?.integers == [3, 3])
    }

    private func expect(_ batch: Batch, says totals: [DeltaModel.Key: DeltaModel.Life], seed: UInt64) throws {
        for view in batch.views {
            #expect(view.rows == totals.count, "seed \(seed), \(view.name)")
            for row in 0..<view.rows {
                let value = view.tagValues[row]
                let tag = value == 0 ? nil : batch.strings[Int(value) - 1]
                let key = DeltaModel.Key(tag: tag, end: view.endTimes.isEmpty ? 0 : view.endTimes[row])
                let life = try #require(totals[key], "seed \(seed), \(view.name) \(key)")
                #expect(view.startTimes[row] == life.birth, "seed \(seed), \(view.name) \(key)")
                #expect(view.says(life, row), "seed \(seed), \(view.name) \(key)")
            }
        }
        if totals.isEmpty { #expect(batch.rows == 0) } else { #expect(batch.views.count == 5) }
    }

    // MARK: - One at a time

    private func batch(
        _ start: UInt64, _ end: UInt64, _ fill: (inout BatchBuilder) -> Void
    ) -> Batch {
        var builder = BatchBuilder(start: start, end: end)
        fill(&builder)
        return builder.batch
    }

    private func counts(
        _ start: UInt64, _ end: UInt64, unit: String = "1", _ rows: [(String, UInt64, UInt64, Int64)]
    ) -> Batch {
        batch(start, end) { builder in
            builder.view("v", .count, unit: unit, keys: ["k"], temporality: .delta) { builder in
                for (tag, start, end, count) in rows { builder.row([tag], start: start, end: end, count) }
            }
        }
    }

    private func rows(_ batch: Batch?) -> Set<String> { Set(batch?.rowsInWords() ?? []) }

    @Test("rows that go on are added, from the older start; those in one batch only are kept")
    func adds() {
        let merged = BatchMerge.merge(
            older: counts(10, 20, [("a", 10, 0, 1), ("b", 13, 0, 2), ("gone", 10, 15, 3)]),
            newer: counts(20, 30, [("new", 25, 0, 40), ("b", 20, 0, 50), ("quiet", 20, 0, 60)]))
        #expect(rows(merged) == ["a 10-0: 1", "b 13-0: 52", "gone 10-15: 3", "new 25-0: 40", "quiet 10-0: 60"])
        #expect(merged?.startTime == 10 && merged?.endTime == 30)
    }

    @Test("batches that add up to an integer which no Int64 holds stay two")
    func integersBeyond() {
        let older = counts(10, 20, [("a", 10, 0, .max), ("b", 10, 0, 1)])
        #expect(BatchMerge.merge(older: older, newer: counts(20, 30, [("a", 20, 0, 1)])) == nil)
        let merged = BatchMerge.merge(older: older, newer: counts(20, 30, [("a", 20, 0, 0), ("b", 20, 0, .max - 1)]))
        #expect(rows(merged) == ["a 10-0: \(Int64.max)", "b 10-0: \(Int64.max)"])
    }

    @Test("a series that ended and came back stays two rows, wherever the batches were cut")
    func comesBack() {
        let older = counts(10, 20, [("a", 10, 0, 1)])
        // It ended and came back within the newer batch.
        #expect(
            rows(BatchMerge.merge(older: older, newer: counts(20, 30, [("a", 27, 0, 5), ("a", 20, 23, 2)])))
                == ["a 10-23: 3", "a 27-0: 5"])
        // It had ended in the older one.
        #expect(
            rows(BatchMerge.merge(older: counts(10, 20, [("a", 10, 15, 1)]), newer: counts(20, 30, [("a", 27, 0, 5)])))
                == ["a 10-15: 1", "a 27-0: 5"])
        // It ended in the older one's time and came back, but its end was reported later.
        let between = counts(20, 30, [("a", 25, 0, 7)])
        let late = counts(30, 40, [("a", 30, 0, 9), ("a", 20, 22, 2)])
        let expected: Set<String> = ["a 10-22: 3", "a 25-0: 16"]
        #expect(
            rows(BatchMerge.merge(older: older, newer: between).flatMap { BatchMerge.merge(older: $0, newer: late) })
                == expected)
        #expect(
            rows(BatchMerge.merge(older: between, newer: late).flatMap { BatchMerge.merge(older: older, newer: $0) })
                == expected)
    }

    @Test("each batch's own strings are told apart and put together, each once")
    func strings() throws {
        let merged = try #require(
            BatchMerge.merge(
                older: counts(10, 20, [("x", 10, 0, 1), ("y", 10, 0, 2)]),
                newer: counts(20, 30, [("y", 20, 0, 10), ("z", 22, 0, 30), ("x", 20, 0, 20)])))
        #expect(rows(merged) == ["x 10-0: 21", "y 10-0: 12", "z 22-0: 30"])
        #expect(Set((0..<merged.strings.count).map { merged.strings[$0] }) == ["x", "y", "z"])
        #expect(merged.strings.count == 3)
    }

    @Test("a view whose definition differs stands in the result as two tables")
    func definitions() throws {
        let merged = try #require(
            BatchMerge.merge(
                older: counts(10, 20, unit: "1", [("a", 10, 0, 1)]),
                newer: counts(20, 30, unit: "By", [("a", 25, 0, 2)])))
        #expect(merged.views.map(\.unit) == ["By", "1"])
        #expect(rows(merged) == ["a 10-0: 1", "a 25-0: 2"])
        func distribution(_ start: UInt64, bounds: [Double], _ buckets: [UInt64]) -> Batch {
            batch(start, start + 10) { builder in
                builder.view("d", .distribution, .double, bounds: bounds, temporality: .delta) { rows in
                    rows.row(start: start, sum: 1, buckets: buckets)
                }
            }
        }
        let others = try #require(
            BatchMerge.merge(
                older: distribution(10, bounds: [1], [1, 0]), newer: distribution(20, bounds: [2], [0, 1])))
        #expect(others.views.map(\.bounds) == [[2], [1]])
        #expect(others.views.map(\.bucketCounts) == [[0, 1], [1, 0]])
    }

    @Test("exponential buckets of different scales are added at the coarser one")
    func scales() throws {
        func exponential(_ start: UInt64, _ scale: Int32, _ buckets: [(index: Int32, count: UInt64)]) -> Batch {
            batch(start, start + 10) { builder in
                builder.view("e", .exponentialDistribution, .double, scale: scale, temporality: .delta) { rows in
                    rows.row(start: start, sum: 1, zero: 3, positive: buckets, negative: [(-1, 7)])
                }
            }
        }
        let merged = try #require(
            BatchMerge.merge(
                older: exponential(10, 2, [(-5, 1), (-4, 2), (0, 3), (3, 4), (4, 5)]),
                newer: exponential(20, 0, [(-2, 10), (5, 20)])))
        let view = merged.views[0]
        #expect(view.scale == 0 && view.zeroCounts == [6] && view.doubles == [2])
        #expect(view.positive.lengths == [5])
        #expect(view.positive.indexes == [-2, -1, 0, 1, 5] && view.positive.counts == [11, 2, 7, 5, 20])
        #expect(view.negative.indexes == [-1] && view.negative.counts == [14])
    }

    @Test("smallest and greatest are those of both, where they are known")
    func extremes() throws {
        func distribution(_ start: UInt64, _ minimum: Double, _ maximum: Double) -> Batch {
            var batch = batch(start, start + 10) { builder in
                builder.view("d", .distribution, .double, bounds: [1], temporality: .delta) { rows in
                    rows.row(start: start, sum: 1, buckets: [1, 1], range: 0...0)
                }
            }
            (batch.views[0].minima, batch.views[0].maxima, batch.views[0].squares) = ([minimum], [maximum], [4])
            return batch
        }
        let merged = try #require(
            BatchMerge.merge(older: distribution(10, .nan, 3), newer: distribution(20, -1, .nan)))
        #expect(merged.views[0].minima == [-1] && merged.views[0].maxima == [3] && merged.views[0].squares == [8])
        let unknown = try #require(
            BatchMerge.merge(older: distribution(10, .nan, 3), newer: distribution(20, .nan, 5)))
        #expect(unknown.views[0].minima[0].isNaN && unknown.views[0].maxima == [5])
    }

    @Test("the overflow series' key may be in one of them")
    func overflow() {
        let older = batch(10, 20) { builder in
            builder.view("v", .count, keys: ["k"], temporality: .delta) { $0.row(["a"], start: 10, 1) }
        }
        let newer = batch(20, 30) { builder in
            builder.view("v", .count, keys: ["k", ViewColumns.overflowKey], temporality: .delta) { rows in
                rows.row(["a", nil], start: 20, 2)
                rows.row([nil, "true"], start: 25, 3)
            }
        }
        let last = batch(30, 40) { builder in
            builder.view("v", .count, keys: ["k"], temporality: .delta) { $0.row(["a"], start: 30, 4) }
        }
        let merged = BatchMerge.merge(older: older, newer: newer).flatMap { BatchMerge.merge(older: $0, newer: last) }
        #expect(rows(merged) == ["a,- 10-0: 7", "-,true 25-0: 3"])
    }

    @Test("what is cumulative in them has the newer values")
    func levels() {
        func level(_ start: UInt64, _ rows: [(String, UInt64, Int64)]) -> Batch {
            batch(start, start + 10) { builder in
                builder.view("l", .sum, keys: ["k"], isMonotonic: false) { builder in
                    for (tag, start, value) in rows { builder.row([tag], start: start, value) }
                }
            }
        }
        #expect(
            rows(BatchMerge.merge(older: level(10, [("a", 3, 7), ("b", 4, 1)]), newer: level(20, [("a", 3, -2)])))
                == ["a 3-0: -2", "b 4-0: 1"])
    }

    @Test("what are no neighbours of one feed is not merged")
    func refuses() {
        let older = counts(10, 20, [("a", 10, 0, 1)])
        #expect(BatchMerge.merge(older: older, newer: counts(21, 30, [])) == nil)
        #expect(BatchMerge.merge(older: older, newer: older) == nil)
        var other = counts(20, 30, [])
        #expect(BatchMerge.merge(older: older, newer: other) != nil)
        other.resource = [Batch.Attribute(key: "service.name", value: "other")]
        #expect(BatchMerge.merge(older: older, newer: other) == nil)
        var broken = counts(20, 30, [("a", 20, 0, 1)])
        broken.views[0].tagValues = [9]
        #expect(BatchMerge.merge(older: older, newer: broken) == nil)
        broken.views[0].tagValues = []
        #expect(BatchMerge.merge(older: broken, newer: counts(30, 40, [])) == nil)
    }
}

extension ViewColumns {
    /// Whether a row says what a life was, whichever view this is.
    fileprivate func says(_ life: DeltaModel.Life, _ row: Int) -> Bool {
        switch aggregation {
        case .count: return integers[row] == life.count
        case .sum: return doubles[row] == life.sum
        case .lastValue: return doubles[row] == life.last
        case .distribution:
            return doubles[row] == life.sum && Array(bucketCounts[row * 4..<row * 4 + 4]) == life.buckets
                && maxima[row] == life.maximum && minima[row] == -life.maximum
        case .exponentialDistribution:
            return doubles[row] == life.sum && buckets(positive, row) == life.exponential
                && buckets(negative, row) == life.exponential
        }
    }

    private func buckets(_ column: ExponentialBuckets, _ row: Int) -> [Int32: UInt64] {
        var buckets: [Int32: UInt64] = [:]
        let starts = column.starts
        for place in starts[row]..<starts[row + 1] {
            buckets[column.indexes[place] >> scale, default: 0] += column.counts[place]
        }
        return buckets
    }
}
