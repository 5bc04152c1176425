import Testing
import WeirTestSupport

@testable import WeirRecording

/// Random views, measures, tags and schedules against dictionaries that do the same the plain way.
@Suite("Against a model")
struct ModelTests {
    private static let keys = (0..<5).map { TagKey("model.key.\($0)") }
    private static let integers = (0..<2).map { Measure<Int64>("model.integers.\($0)") }
    private static let doubles = (0..<2).map { Measure<Double>("model.doubles.\($0)") }
    private static let bounds: [Double] = [-2, 0, 1, 3]

    @Test("collections say what the model says", arguments: 0..<UInt64(60 * testScale))
    func schedule(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let stats = try Stats.small()
        var model = Model()
        var recorders: [(Int, Tags, isDouble: Bool, (Int64) -> Void)] = []
        for _ in 0..<500 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<4:
                let view = randomView(&random)
                guard model.views[view.name] == nil else { continue }
                try stats.register(view)
                model.register(view)
            case 4..<5:
                guard let name = model.views.keys.sorted().randomElement(using: &random) else { continue }
                try stats.unregister(name)
                model.unregister(name)
            case 5..<8:
                let tags = Tags(randomTags(1, &random))
                let forgotten = stats.forget(tags)
                #expect(forgotten == model.forget(tags))
            case 8..<11 where model.recorders.count < 4:
                let (number, tags) = (Int.random(in: 0..<2, using: &random), Tags(randomTags(5, &random)))
                let isDouble = Bool.random(using: &random)
                let name = isDouble ? Self.doubles[number].name : Self.integers[number].name
                if isDouble {
                    let recorder = Self.doubles[number].bound(to: tags, in: stats)
                    recorders.append((number, tags, true, { recorder.record(Double($0) / 4) }))
                } else {
                    let recorder = Self.integers[number].bound(to: tags, in: stats)
                    recorders.append((number, tags, false, { recorder.record($0) }))
                }
                model.bind(name, tags)
            case 11..<14 where !recorders.isEmpty:
                let place = Int.random(in: recorders.indices, using: &random)
                recorders.remove(at: place)
                model.recorders.remove(at: place)
            case 14..<30 where !recorders.isEmpty:
                let place = Int.random(in: recorders.indices, using: &random)
                let value = randomValue(&random)
                recorders[place].3(value)
                model.recordBound(place, recorders[place].isDouble ? Double(value) / 4 : Double(value))
            case 30..<33:
                compare(stats, &model)
            default:
                let (call, ambient) = (randomTags(5, &random), randomTags(Bool.random(using: &random) ? 2 : 0, &random))
                let value = randomValue(&random)
                let number = Int.random(in: 0..<2, using: &random)
                let isDouble = Bool.random(using: &random)
                withTags(Tags(ambient)) {
                    if isDouble {
                        Self.doubles[number].record(Double(value) / 4, Tags(call), in: stats)
                    } else {
                        Self.integers[number].record(value, Tags(call), in: stats)
                    }
                }
                let name = isDouble ? Self.doubles[number].name : Self.integers[number].name
                model.record(
                    name, isDouble ? Double(value) / 4 : Double(value), Tags(ambient).merging(Tags(call)))
            }
        }
        compare(stats, &model)
    }

    private func randomValue(_ random: inout SeededGenerator) -> Int64 { Int64.random(in: -8...16, using: &random) }

    private func randomTags(_ most: Int, _ random: inout SeededGenerator) -> [(TagKey, String)] {
        (0..<Int.random(in: 0...most, using: &random)).map { _ in
            let value = Int.random(in: 0..<3, using: &random)
            let text = ["", "short", "a value that is longer than sixteen bytes"][value]
            return (Self.keys.randomElement(using: &random)!, text)
        }
    }

    private func randomView(_ random: inout SeededGenerator) -> View {
        let keys = Self.keys.filter { _ in Bool.random(using: &random) }
        let name = "view \(Int.random(in: 0..<8, using: &random))"
        let limit = [2, 5, 1_000].randomElement(using: &random)!
        let full = Bool.random(using: &random)
        let aggregation: Aggregation = [
            .count, .sum, .upDownSum, .lastValue, .distribution(bounds: Self.bounds, extremes: full, squares: full),
            .exponentialDistribution(relativeError: 0.4, extremes: full, squares: full),
        ].randomElement(using: &random)!
        let number = Int.random(in: 0..<2, using: &random)
        return Bool.random(using: &random)
            ? View(name, of: Self.integers[number], by: keys, as: aggregation, seriesLimit: limit)
            : View(name, of: Self.doubles[number], by: keys, as: aggregation, seriesLimit: limit)
    }

    private func compare(_ stats: Stats, _ model: inout Model) {
        let readings = stats.readings()
        let live = readings.live.mapValues { $0.comparable }
        let expected = model.live()
        #expect(live.keys.map(\.description).sorted() == expected.keys.map(\.description).sorted())
        for (name, reading) in expected { #expect(live[name] == reading.comparable, "\(name)") }
        func tally(_ ended: [(SeriesName, Reading)]) -> [SeriesName: [Reading: Int]] {
            ended.reduce(into: [:]) { $0[$1.0, default: [:]][$1.1.comparable, default: 0] += 1 }
        }
        // Once each, since the collection before.
        #expect(tally(readings.ended.map { ($0.name, $0.reading) }) == tally(model.ended))
        model.ended = []
        #expect(readings.counts.gone == model.gone)
        #expect(readings.counts.rejected == model.rejected)
        #expect(readings.counts.lost == 0)
    }
}

extension Reading {
    /// Without times, and with one word for "none".
    fileprivate var comparable: Reading {
        var copy = self
        (copy.start, copy.end) = (0, 0)
        if least.isNaN { (copy.least, copy.greatest) = (0, 0) }
        return copy
    }
}

/// Views as dictionaries.
private struct Model {
    final class Series {
        let name: SeriesName
        let tags: Tags
        var reading = Reading()
        var holders = 0
        var isGone = false

        init(_ name: SeriesName, _ tags: Tags) { (self.name, self.tags) = (name, tags) }
    }

    final class ViewModel {
        let view: View
        var series: [Tags: Series] = [:]
        var overflow: Series?

        init(_ view: View) { self.view = view }

        func series(for tags: Tags) -> Series {
            let kept = Tags(tags.elements.filter { view.tagKeys.contains($0.key) }.map { ($0.key, $0.value) })
            if let known = series[kept] { return known }
            guard series.count < view.seriesLimit else {
                if overflow == nil { overflow = Series(.overflow(view.name), Tags()) }
                return overflow!
            }
            series[kept] = Series(SeriesName(view.name, kept), kept)
            return series[kept]!
        }
    }

    final class Bound {
        let measure: String
        let tags: Tags
        var series: [(Series, View)] = []
        deinit { for (series, _) in series { series.holders -= 1 } }
        init(_ measure: String, _ tags: Tags) { (self.measure, self.tags) = (measure, tags) }

        func follow(_ view: ViewModel) {
            series.append((view.series(for: tags), view.view))
            series.last!.0.holders += 1
        }
    }

    var views: [String: ViewModel] = [:]
    var recorders: [Bound] = []
    var ended: [(SeriesName, Reading)] = []
    var gone: UInt64 = 0
    var rejected: UInt64 = 0

    mutating func register(_ view: View) {
        views[view.name] = ViewModel(view)
        for recorder in recorders where recorder.measure == view.measure.name { recorder.follow(views[view.name]!) }
    }

    mutating func unregister(_ name: String) {
        let view = views.removeValue(forKey: name)!
        for series in Array(view.series.values) + (view.overflow.map { [$0] } ?? []) { end(series, view.view) }
    }

    private mutating func end(_ series: Series, _ view: View) {
        series.isGone = true
        if series.reading.buckets.isEmpty, case .distribution = view.aggregation.kind {
            series.reading.buckets = [0, 0, 0, 0, 0]
        }
        ended.append((series.name, series.reading))
    }

    mutating func forget(_ tags: Tags) -> Int {
        var count = 0
        for view in views.values {
            for (kept, series) in view.series where series.holders == 0 {
                guard tags.elements.allSatisfy({ kept[$0.key] == $0.value }) else { continue }
                view.series[kept] = nil
                end(series, view.view)
                count += 1
            }
        }
        return count
    }

    mutating func bind(_ measure: String, _ tags: Tags) {
        let bound = Bound(measure, tags)
        for view in views.values where view.view.measure.name == measure { bound.follow(view) }
        recorders.append(bound)
    }

    mutating func record(_ measure: String, _ value: Double, _ tags: Tags) {
        for view in views.values where view.view.measure.name == measure {
            add(value, to: view.series(for: tags), view.view)
        }
    }

    mutating func recordBound(_ place: Int, _ value: Double) {
        let series = recorders[place].series
        for (series, view) in series where !series.isGone { add(value, to: series, view) }
        // One that some view takes is not gone.
        if !series.isEmpty, series.allSatisfy(\.0.isGone) { gone += 1 }
    }

    func live() -> [SeriesName: Reading] {
        var live: [SeriesName: Reading] = [:]
        for view in views.values {
            for series in Array(view.series.values) + (view.overflow.map { [$0] } ?? []) {
                live[series.name] = series.reading
                if series.reading.buckets.isEmpty, case .distribution = view.view.aggregation.kind {
                    live[series.name]!.buckets = [0, 0, 0, 0, 0]
                }
            }
        }
        return live
    }

    private mutating func add(_ value: Double, to series: Series, _ view: View) {
        func addSum() {
            if view.measure.isDouble { series.reading.double += value } else { series.reading.integer += Int64(value) }
        }
        switch view.aggregation.kind {
        case .count: series.reading.integer += 1
        case .sum(let isMonotonic):
            if isMonotonic && value < 0 { rejected += 1 } else { addSum() }
        case .lastValue:
            (series.reading.double, series.reading.integer) = (0, 0)
            addSum()
        case .distribution(let bounds):
            if series.reading.buckets.isEmpty { series.reading.buckets = [0, 0, 0, 0, 0] }
            series.reading.buckets[bounds!.count { $0 < value }] += 1
            addSum()
        case .exponential:
            // Scale 0: upper ends are the powers of two.
            var (index, upper): (Int32, Double) = (-8, 0x1p-7)
            while abs(value) > upper { (index, upper) = (index + 1, upper * 2) }
            if value == 0 {
                series.reading.zeros += 1
            } else if value > 0 {
                series.reading.positive[index, default: 0] += 1
            } else {
                series.reading.negative[index, default: 0] += 1
            }
            addSum()
        }
        if view.aggregation.keepsExtremes {
            series.reading.least = series.reading.least.isNaN ? value : min(series.reading.least, value)
            series.reading.greatest = series.reading.greatest.isNaN ? value : max(series.reading.greatest, value)
        }
        if view.aggregation.keepsSquares { series.reading.squares += value * value }
    }
}
