import WeirBatch
import WeirTestSupport

@testable import WeirExport

/// What a destination makes of the batches that came: deltas added up, and the last word of each life.
struct ToldFigures {
    private struct Life: Hashable {
        let place: Place
        let start: UInt64
    }

    private var lives: [Life: Figure] = [:]
    private var deltas: [Place: Figure] = [:]
    /// What goes on, of the last batch.
    private(set) var levels: [Place: Int128] = [:]
    private(set) var faults: [String] = []

    var growth: [Place: Figure] {
        var growth = deltas
        for (life, figure) in lives { growth[life.place, default: Figure()] += figure }
        return growth.filter { !$0.value.isZero }
    }

    mutating func add(_ batch: Batch) {
        levels = [:]
        var seen: Set<Life> = []
        var going: Set<Place> = []
        for view in batch.views where !view.name.hasPrefix("weir.") {
            for row in 0..<view.rows {
                var place = Place(view: view.name, bounds: view.bounds, tags: batch.tags(of: row, in: view))
                let life = Life(place: place, start: view.startTimes[row])
                if !seen.insert(life).inserted { faults.append("told twice: \(life)") }
                let end = view.endTimes.isEmpty ? 0 : view.endTimes[row]
                if end == 0, !going.insert(place).inserted { faults.append("two that go on: \(place)") }
                if view.startTimes[row] > (end == 0 ? batch.endTime : end) { faults.append("ends before: \(life)") }
                if end > batch.endTime { faults.append("ends behind its batch: \(life)") }
                guard let figure = view.figure(row) else {
                    faults.append("no eighths: \(place)")
                    continue
                }
                if place.isLevel {
                    if end == 0, view.aggregation == .lastValue || figure.sum != 0 { levels[place] = figure.sum }
                    continue
                }
                if place.view.hasPrefix("n/few") { (place.view, place.tags) = ("n/few", [:]) }
                if view.temporality == .delta {
                    deltas[place, default: Figure()] += figure
                } else {
                    // With the tags that it was told by, also where all of a view count together.
                    lives[life] = figure
                }
            }
        }
    }

    mutating func takeFaults() -> [String] {
        defer { faults = [] }
        return faults
    }

    /// Totals of a view whose series count together.
    static func together(_ growth: [Place: Figure]) -> [Place: Figure] {
        var all: [Place: Figure] = [:]
        for (place, figure) in growth {
            let isFew = place.view.hasPrefix("n/few")
            all[isFew ? Place(view: "n/few", bounds: [], tags: [:]) : place, default: Figure()] += figure
        }
        return all
    }
}

extension Batch {
    fileprivate func tags(of row: Int, in view: ViewColumns) -> [String: String] {
        var tags: [String: String] = [:]
        for (place, key) in view.tagKeys.enumerated() {
            let value = view.tagValues[place * view.rows + row]
            if value > 0 { tags[key] = strings[Int(value) - 1] }
        }
        return tags
    }
}

extension ViewColumns {
    /// What a row says, in eighths; nil where these do not hold it.
    fileprivate func figure(_ row: Int) -> Figure? {
        var figure = Figure()
        if !integers.isEmpty {
            figure.sum = Int128(integers[row]) * 8
        } else {
            guard let sum = Int128(exactly: doubles[row] * 8) else { return nil }
            figure.sum = sum
        }
        if !squares.isEmpty {
            guard let sum = Int128(exactly: squares[row] * 64) else { return nil }
            figure.squares = sum
        }
        if aggregation == .distribution {
            for bucket in 0...bounds.count {
                let count = Int128(bucketCounts[row * (bounds.count + 1) + bucket])
                figure.count += count
                if count > 0 { figure.buckets[bucket] = count }
            }
        }
        if aggregation == .exponentialDistribution {
            figure.count = Int128(zeroCounts[row])
            for column in [positive, negative] {
                for place in column.starts[row]..<column.starts[row + 1] {
                    figure.count += Int128(column.counts[place])
                }
            }
        }
        return figure
    }
}
