import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport

@Suite("A delta feed")
struct DeltaTests {
    /// A cumulative collection of one view, with a dictionary of its own.
    private func counts(
        _ start: UInt64, _ end: UInt64, _ rows: [(String, UInt64, UInt64, Int64)], keys: [String] = ["k"]
    ) -> Batch {
        var builder = BatchBuilder(start: start, end: end)
        builder.view("n", .count, keys: keys) { builder in
            for (tag, start, end, count) in rows {
                builder.row(keys.map { $0 == "k" ? tag : nil }, start: start, end: end, count)
            }
        }
        return builder.batch
    }

    /// The growth of a collection, told at once.
    private func tell(_ batch: Batch, _ delta: inout Delta) -> Batch {
        var batch = batch
        delta.subtract(from: &batch)
        delta.commit()
        return batch
    }

    private func rows(_ batch: Batch) -> [String] { batch.rowsInWords() }

    @Test("tells nothing twice of a view that could not be encoded for a while", .timeLimit(.minutes(1)))
    func failedView() throws {
        let reader = try FeedReader(.delta)
        let rows = 2_000
        func collection(_ number: UInt64, _ count: Int64) -> Batch {
            counts(number * 10, number * 10 + 10, (0..<rows).map { ("\($0)", 5, 0, count) })
        }
        _ = try reader.tell(collection(1, 3))
        for number in UInt64(2)...30 {
            var batch = collection(number, 4)
            batch.views[0].integers = []
            #expect(try reader.tell(batch).views.isEmpty)
        }
        let told = try reader.tell(collection(31, 5))
        #expect(told.views[0].rows == rows && told.views[0].integers.allSatisfy { $0 == 2 })
        #expect(told.views[0].startTimes.allSatisfy { $0 == 20 })
    }

    @Test("a series that was missing is known again, whatever the order of its table's keys")
    func keyOrder() throws {
        func collection(_ number: UInt64, _ keys: [String], _ rows: [([String], UInt64, Int64)]) -> Batch {
            var builder = BatchBuilder(start: number * 10, end: number * 10 + 10)
            builder.view("n", .count, keys: keys) { builder in
                for (tags, end, count) in rows { builder.row(tags.map { $0 }, start: 5, end: end, count) }
            }
            return builder.batch
        }
        var delta = Delta()
        _ = tell(collection(1, ["a", "b"], [(["1", "2"], 0, 5), (["3", "4"], 0, 1)]), &delta)
        // It ended, which is not told yet.
        _ = tell(collection(2, ["a", "b"], [(["3", "4"], 0, 1)]), &delta)
        let told = tell(collection(3, ["b", "a"], [(["4", "3"], 0, 1), (["2", "1"], 25, 7)]), &delta)
        let view = try #require(told.views.first)
        let ended = try #require(view.endTimes.firstIndex(of: 25))
        #expect(view.integers[ended] == 2)
    }

    @Test("tells what was added, in rows that changed, that are new, or that end")
    func tells() throws {
        let reader = try FeedReader(.delta)
        let first = try reader.tell(counts(10, 20, [("a", 10, 0, 5), ("b", 12, 0, 0)]))
        #expect(rows(first) == ["a 10-0: 5", "b 12-0: 0"])
        #expect(first.views[0].temporality == .delta && first.startTime == 10)
        // b is new to nobody now, and did not change.
        #expect(rows(try reader.tell(counts(20, 30, [("a", 10, 0, 7), ("b", 12, 0, 0)]))) == ["a 20-0: 2"])
        // Nothing changed at all: the view is left out, and nothing of its strings is sent.
        let quiet = try reader.tell(counts(30, 40, [("a", 10, 0, 7), ("b", 12, 0, 0)]))
        #expect(quiet.views.isEmpty && quiet.strings.count == 0 && quiet.startTime == 30 && quiet.endTime == 40)
        // One is new and has nothing, one ends and had nothing, and the order is another.
        let last = try reader.tell(counts(40, 50, [("c", 45, 0, 0), ("a", 10, 0, 8), ("b", 12, 44, 0)]))
        #expect(rows(last) == ["c 45-0: 0", "a 40-0: 1", "b 40-44: 0"])
        #expect(rows(try reader.tell(counts(50, 60, [("c", 45, 0, 2), ("a", 10, 0, 8)]))) == ["c 50-0: 2"])
    }

    @Test("begins with all there is, and its batches follow each other without a gap in time")
    func begins() throws {
        let reader = try FeedReader(.delta)
        _ = reader.pass(counts(10, 20, [("a", 10, 0, 5)]))
        var collection = Collected()
        collection.source = counts(20, 30, [("a", 10, 0, 9)])
        collection.beginning = 10
        let first = try reader.tell(&collection)[0]
        #expect(first.startTime == 10 && rows(first) == ["a 10-0: 9"])
        _ = reader.pass(counts(30, 40, [("a", 10, 0, 10)]))
        let second = try reader.tell(counts(40, 50, [("a", 10, 0, 12)]))
        #expect(second.startTime == 30 && rows(second) == ["a 30-0: 3"])
    }

    @Test("a series that is forgotten and comes back counts from nothing, and both its lives are told")
    func comesBack() throws {
        let reader = try FeedReader(.delta)
        _ = try reader.tell(counts(10, 20, [("a", 10, 0, 5)]))
        #expect(
            rows(try reader.tell(counts(20, 30, [("a", 25, 0, 1), ("a", 10, 22, 6)])))
                == ["a 25-0: 1", "a 20-22: 1"])
        // The end of the second is told later than its successor's beginning.
        #expect(rows(try reader.tell(counts(30, 40, [("a", 38, 0, 100)]))) == ["a 38-0: 100"])
        #expect(
            rows(try reader.tell(counts(40, 50, [("a", 38, 0, 101), ("a", 25, 33, 4)])))
                == ["a 40-0: 1", "a 30-33: 3"])
    }

    @Test("an end that is reported while the feed is not due is told when it is, also of a view that is gone")
    func keepsEnds() throws {
        for temporality in [ViewColumns.Temporality.delta, .cumulative] {
            let reader = try FeedReader(temporality)
            _ = try reader.tell(counts(10, 20, [("a", 10, 0, 5), ("b", 10, 0, 7)]))
            #expect(reader.pass(counts(20, 30, [("a", 10, 0, 5), ("b", 10, 25, 9)])) == 0)
            #expect(reader.pass(counts(30, 40, [("a", 10, 35, 6)])) == 0)
            var gone = counts(40, 50, [])
            gone.views = []
            let told = rows(try reader.tell(gone))
            let isDelta = temporality == .delta
            #expect(Set(told) == (isDelta ? ["b 20-25: 2", "a 20-35: 1"] : ["b 10-25: 9", "a 10-35: 6"]))
            // Once.
            #expect(rows(try reader.tell(gone)).isEmpty)
        }
    }

    @Test("ends that a feed has no room for are counted")
    func boundsEnds() throws {
        var ended = EndedRows(limit: 150)
        let rows = { (count: Int) in (0..<count).map { ("\($0)", UInt64(10), UInt64(15), Int64(1)) } }
        let few = try #require(EndedRows.rows(of: counts(10, 20, rows(3))))
        let many = try #require(EndedRows.rows(of: counts(20, 30, rows(9))))
        #expect((51...75).contains(few.weight) && many.weight > 150)
        #expect(ended.keep(few, .all) == 0)
        #expect(ended.keep(many, .all) == 9)
        #expect(try ended.keep(many, ViewFilter(["other"])) == 0)
        #expect(ended.keep(few, .all) == 0)
        #expect(ended.keep(few, .all) == 3)
        var batch = counts(30, 40, [])
        ended.add(to: &batch)
        #expect(batch.rows == 6 && batch.strings.count == 3)
    }

    @Test("a collection that could not be encoded is told with the next one")
    func failure() throws {
        var limits = ReadLimits()
        limits.rawLength = 1_000
        let reader = try FeedReader(.delta, limits: limits)
        _ = try reader.tell(counts(10, 20, [("a", 10, 0, 5), ("b", 10, 0, 5)]))
        var broken = counts(20, 30, [("a", 10, 0, 8), ("b", 10, 25, 6)])
        broken.resource = [Batch.Attribute(key: "note", value: String(repeating: "x", count: 1_000))]
        #expect(throws: BatchError.self) { try reader.tell(broken) }
        var other = ViewColumns()
        other.rows = 1
        broken.views.append(other)
        // Of columns that contradict each other nothing is picked out.
        #expect(reader.pass(broken) == 0)
        #expect(EndedRows.rows(of: broken) == nil)
        broken.views.removeLast()
        #expect(reader.pass(broken) == 0)
        let next = try reader.tell(counts(30, 40, [("a", 10, 0, 9)]))
        #expect(next.startTime == 20)
        #expect(rows(next) == ["a 20-0: 4", "b 20-25: 1"])
    }

    @Test("what was subtracted and never told is told with what follows")
    func uncommitted() {
        var delta = Delta()
        func subtract(_ batch: Batch) -> [String] {
            var batch = batch
            delta.subtract(from: &batch)
            return rows(batch)
        }
        #expect(subtract(counts(10, 20, [("a", 10, 0, 5)])) == ["a 10-0: 5"])
        #expect(subtract(counts(10, 30, [("b", 22, 0, 1), ("a", 10, 0, 6)])) == ["b 22-0: 1", "a 10-0: 6"])
        delta.commit()
        #expect(subtract(counts(30, 40, [("a", 10, 0, 9), ("b", 22, 33, 2)])) == ["a 30-0: 3", "b 30-33: 1"])
        #expect(subtract(counts(30, 50, [("a", 10, 0, 9), ("b", 22, 33, 2)])) == ["a 30-0: 3", "b 30-33: 1"])
        delta.commit()
        #expect(subtract(counts(50, 60, [("a", 10, 0, 9)])) == [])
    }

    @Test("a counter that falls began anew, and never tells less than nothing")
    func restarts() throws {
        let reader = try FeedReader(.delta)
        _ = try reader.tell(counts(10, 20, [("a", 10, 0, 50), ("b", 10, 0, 1)]))
        #expect(
            rows(try reader.tell(counts(20, 30, [("a", 10, 0, 3), ("b", 10, 0, 2)]))) == ["a 20-0: 3", "b 20-0: 1"])
        #expect(rows(try reader.tell(counts(30, 40, [("a", 10, 0, 5), ("b", 10, 0, 2)]))) == ["a 30-0: 2"])
        let buckets = try FeedReader(.delta)
        func distribution(_ start: UInt64, _ counts: [UInt64], _ exponential: [(Int32, UInt64)]) -> Batch {
            var builder = BatchBuilder(start: start, end: start + 10)
            builder.view("d", .distribution, .double, bounds: [1]) {
                $0.row(start: 10, sum: Double(counts[1]), buckets: counts)
            }
            builder.view("e", .exponentialDistribution, .double) {
                $0.row(start: 10, sum: 1, positive: exponential.map { (index: $0, count: $1) })
            }
            return builder.batch
        }
        _ = try buckets.tell(distribution(10, [9, 9], [(1, 5), (4, 2)]))
        let fallen = try buckets.tell(distribution(20, [10, 2], [(4, 3)]))
        #expect(fallen.views[0].bucketCounts == [10, 2] && fallen.views[0].doubles == [2])
        #expect(fallen.views[1].positive.indexes == [4] && fallen.views[1].positive.counts == [3])
        let next = try buckets.tell(distribution(30, [11, 2], [(3, 1), (4, 3)]))
        #expect(next.views[0].bucketCounts == [1, 0] && next.views[0].doubles == [0])
        #expect(next.views[1].positive.indexes == [3] && next.views[1].positive.counts == [1])
    }

    @Test("the overflow series' key comes and goes without a count lost")
    func overflow() throws {
        let reader = try FeedReader(.delta)
        let overflow = ViewColumns.overflowKey
        func collection(_ start: UInt64, _ rows: [([String?], Int64)], keys: [String]) -> Batch {
            var builder = BatchBuilder(start: start, end: start + 10)
            builder.view("n", .count, keys: keys) { builder in
                for (tags, count) in rows { builder.row(tags, start: 10, count) }
            }
            return builder.batch
        }
        #expect(rows(try reader.tell(collection(10, [(["a"], 1)], keys: ["k"]))) == ["a 10-0: 1"])
        #expect(
            rows(try reader.tell(collection(20, [(["a", nil], 3), ([nil, "true"], 5)], keys: ["k", overflow])))
                == ["a,- 20-0: 2", "-,true 21-0: 5"])
        #expect(rows(try reader.tell(collection(30, [(["a"], 7)], keys: ["k"]))) == ["a 30-0: 4"])
        #expect(
            rows(try reader.tell(collection(40, [(["a", nil], 7), ([nil, "true"], 6)], keys: ["k", overflow])))
                == ["-,true 30-0: 1"])
    }

    @Test("levels are told whole: last values, and sums that may shrink")
    func levels() throws {
        let reader = try FeedReader(.delta)
        for number in 1...3 {
            var builder = BatchBuilder(start: UInt64(number) * 10, end: UInt64(number) * 10 + 10)
            builder.view("up-down", .sum, isMonotonic: false) { $0.row(start: 10, Int64(7 - number)) }
            builder.view("last", .lastValue, .double) { $0.row(start: 10, double: 3) }
            let told = try reader.tell(builder.batch)
            #expect(told.views.map(\.temporality) == [.cumulative, .cumulative])
            #expect(told.views[0].integers == [Int64(7 - number)] && told.views[1].doubles == [3])
        }
    }

    @Test("an extreme is told where it moved: of a cumulative one that did not, nobody knows what came since")
    func extremes() throws {
        let reader = try FeedReader(.delta)
        func distribution(_ start: UInt64, _ count: UInt64, _ range: ClosedRange<Double>) throws -> ViewColumns {
            var builder = BatchBuilder(start: start, end: start + 10)
            builder.view("d", .distribution, .double, bounds: [1]) {
                $0.row(start: 10, sum: 1, buckets: [count, 0], range: range)
            }
            return try #require(try reader.tell(builder.batch).views.first)
        }
        let first = try distribution(10, 1, 2...5)
        #expect(first.minima == [2] && first.maxima == [5])
        let second = try distribution(20, 2, 2...9)
        #expect(second.minima[0].isNaN && second.maxima == [9])
        let third = try distribution(30, 3, 1...9)
        #expect(third.minima == [1] && third.maxima[0].isNaN)
    }

    @Test("a Double sum is told to the last bit, and a rounding is no fall")
    func roundings() throws {
        var delta = Delta()
        var generator = SeededGenerator(seed: 9)
        var (sum, told) = (0.0, 0.0)
        for number in 1...2_000 {
            if number % 3 > 0 { sum += Double.random(in: 0...0.1, using: &generator) }
            var builder = BatchBuilder(start: UInt64(number) * 10, end: UInt64(number) * 10 + 10)
            builder.view("s", .sum, .double) { $0.row(start: 10, double: sum) }
            guard let growth = tell(builder.batch, &delta).views.first?.doubles[0] else { continue }
            #expect(growth >= 0)
            told += growth
            #expect(abs(told - sum) <= sum.ulp)
        }
        #expect(sum > 60)
    }

    @Test("series that never come back are forgotten in the end")
    func bounded() {
        var delta = Delta()
        for number in 0..<UInt64(1_200) {
            let rows = [("\(number)", number + 10, UInt64(0), Int64(1))]
            _ = tell(counts(number * 10 + 10, number * 10 + 20, rows), &delta)
        }
        // The one that was there last but sixteen is known, the first is not.
        let last = counts(12_010, 12_020, [("1190", 1_200, 12_005, 3), ("0", 10, 12_006, 3)])
        #expect(rows(tell(last, &delta)) == ["1190 11920-12005: 2", "0 10-12006: 3"])
    }

    @Test("parts of a collection that is too large are the feed's next numbers")
    func parts() throws {
        let reader = try FeedReader(.delta)
        var collection = Collected()
        let rows = (0..<500).map { ("tag \($0 * 7_919 % 1_000)", UInt64(10), UInt64(0), Int64($0)) }
        collection.source = counts(10, 20, rows)
        collection.beginning = 10
        let told = try reader.tell(&collection, upTo: 800)
        #expect(told.count > 2)
        #expect(told.reduce(0) { $0 + $1.rows } == 500)
        #expect(told.allSatisfy { $0.startTime == 10 && $0.endTime == 20 })
    }
}
