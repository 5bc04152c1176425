import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport

/// A feed with its encoder, and what a reader makes of its batches.
final class FeedReader {
    let feed: Feed
    private var encoder: BatchEncoder
    private var decoder: BatchDecoder

    /// - Parameter limits: Those of the readers that the feed encodes for.
    init(
        _ temporality: ViewColumns.Temporality, match: [String] = [], intervalNanoseconds: Int64 = 1,
        limits: ReadLimits = ReadLimits()
    ) throws {
        var pipeline = Pipeline.Configuration()
        pipeline.intervalNanoseconds = intervalNanoseconds
        var sink = try Destination(.accepting).sink("a")
        sink.temporality = temporality
        sink.match = match
        feed = Feed(
            FeedPlan(definition: try FeedDefinition(sink, in: pipeline), stream: .random(), sinks: []), tick: 0)
        encoder = try BatchEncoder(limits: limits)
        decoder = try BatchDecoder()
    }

    /// The collection as this feed tells it, all parts of it.
    func tell(_ collection: inout Collected, upTo limit: Int = 4 << 20) throws -> [Batch] {
        let batches = try feed.encode(&collection, with: &encoder, upTo: limit, MemoryBudget())
        return try batches.map { try decoder.decode($0.bytes, header: $0.plainHeader) }
    }

    func tell(_ batch: Batch) throws -> Batch {
        var collection = Collected()
        collection.source = batch
        collection.beginning = batch.startTime
        _ = collection.removeUnsound()
        return try #require(try tell(&collection).first)
    }

    /// What happens where the feed is not due.
    func pass(_ batch: Batch) -> UInt64 { EndedRows.rows(of: batch).map { feed.keep($0) } ?? 0 }
}

/// One life of a series: its view, its tags and its start.
struct Life: Hashable {
    var view: String
    var tags: [String: String]
    var start: UInt64
}

/// What a row says, whatever its view.
struct Told: Equatable {
    var end: UInt64 = 0
    var integer: Int64?
    var double: Double?
    var buckets: [Int32: UInt64] = [:]
    var zeros: UInt64?
    var squares: Double?
    var minimum: Double?
    var maximum: Double?
}

extension Batch {
    /// All rows but Weir's own. Two with one life are an error.
    func lives() throws -> [Life: Told] {
        var lives: [Life: Told] = [:]
        for view in views where !view.name.hasPrefix("weir.") {
            for row in 0..<view.rows {
                var tags: [String: String] = [:]
                for (place, key) in view.tagKeys.enumerated() {
                    let value = view.tagValues[place * view.rows + row]
                    if value > 0 { tags[key] = strings[Int(value) - 1] }
                }
                let life = Life(view: view.name, tags: tags, start: view.startTimes[row])
                try #require(lives.updateValue(view.told(row), forKey: life) == nil, "twice: \(life)")
            }
        }
        return lives
    }
}

extension ViewColumns {
    fileprivate func told(_ row: Int) -> Told {
        var told = Told(end: endTimes.isEmpty ? 0 : endTimes[row])
        told.integer = integers.isEmpty ? nil : integers[row]
        told.double = doubles.isEmpty ? nil : doubles[row]
        told.zeros = zeroCounts.isEmpty ? nil : zeroCounts[row]
        told.squares = squares.isEmpty ? nil : squares[row]
        told.minimum = minima.isEmpty || minima[row].isNaN ? nil : minima[row]
        told.maximum = maxima.isEmpty || maxima[row].isNaN ? nil : maxima[row]
        if aggregation == .distribution {
            for bucket in 0...bounds.count where bucketCounts[row * (bounds.count + 1) + bucket] > 0 {
                told.buckets[Int32(bucket)] = bucketCounts[row * (bounds.count + 1) + bucket]
            }
        }
        for (column, sign) in [(positive, Int32(1)), (negative, -1)] where !column.lengths.isEmpty {
            for place in column.starts[row]..<column.starts[row + 1] {
                told.buckets[sign * (column.indexes[place] + 100_000)] = column.counts[place]
            }
        }
        return told
    }
}
