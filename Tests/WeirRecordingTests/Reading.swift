@testable import WeirRecording

/// What one series says, all kinds of views in one shape.
struct Reading: Hashable {
    var start: UInt64 = 0
    /// 0 while the series goes on.
    var end: UInt64 = 0
    /// Counts, Int64 sums and last values, and the sums of Int64 distributions.
    var integer: Int64 = 0
    /// The same of Double measures.
    var double = 0.0
    /// Distributions: the explicit buckets, or those in use of an exponential one by index.
    var buckets: [UInt64] = []
    var positive: [Int32: UInt64] = [:]
    var negative: [Int32: UInt64] = [:]
    var zeros: UInt64 = 0
    var least = Double.nan
    var greatest = Double.nan
    var squares = 0.0

    /// Of a distribution: how many measurements.
    var count: UInt64 {
        buckets.reduce(0, +) + zeros + positive.values.reduce(0, +) + negative.values.reduce(0, +)
    }
}

/// A series by name: its view, and its tags as they are described.
struct SeriesName: Hashable, CustomStringConvertible {
    var view: String
    var tags: String

    init(_ view: String, _ tags: Tags = Tags()) {
        self.view = view
        self.tags = tags.description
    }

    var description: String { view + tags }

    static func overflow(_ view: String) -> SeriesName {
        SeriesName(view, Tags([("otel.metric.overflow" as TagKey, "true")]))
    }
}

/// What one collection of an instance saw.
struct Readings {
    var live: [SeriesName: Reading] = [:]
    var ended: [(name: SeriesName, reading: Reading)] = []
    var counts = RecordingCounts()
    var overflowed: [String: UInt64] = [:]

    subscript(view: String, tags: Tags = Tags()) -> Reading? { live[SeriesName(view, tags)] }

    /// How many series of a view go on, the overflow series among them.
    func liveCount(_ view: String) -> Int { live.keys.count { $0.view == view } }
}

extension Stats {
    /// An instance with few cells and a clock that stands until it is moved.
    static func small(cells: Int = 1 << 18, clock: TestClock = TestClock()) throws -> Stats {
        Stats(stripes: try StripeSet(cells: cells), clock: { clock.time })
    }

    /// One collection, read as a test wants it.
    func collection() -> Readings {
        var readings = Readings()
        collect { views, counts, _ in
            readings.counts = counts
            for view in views {
                readings.overflowed[view.state.view.name] = overflowCount(of: view.state)
                for (name, reading) in self.readings(of: view.live, view.state) {
                    precondition(readings.live.updateValue(reading, forKey: name) == nil, "\(name) is there twice")
                }
                readings.ended += self.readings(of: view.ended, view.state)
            }
        }
        return readings
    }

    /// Collects until nothing waits for readers any more. They are those of the whole process, so that a test which runs
    /// beside this one may be among them, for a moment.
    ///
    /// - Returns: The last of these collections; its `ended` are those of all of them.
    func readings() -> Readings {
        var ended: [(name: SeriesName, reading: Reading)] = []
        while true {
            var readings = collection()
            ended += readings.ended
            if withState({ state in unsafe state.gate.retiredCount + state.ended.count == 0 }) {
                readings.ended = ended
                return readings
            }
        }
    }

    private func readings(of series: SeriesList, _ view: ViewState) -> [(name: SeriesName, reading: Reading)] {
        var integers: [Int64] = []
        var doubles: [Double] = []
        var buckets: [UInt64] = []
        var (minima, maxima, squares): ([Double], [Double], [Double]) = ([], [], [])
        var exponential: [(UInt64, [(Int32, UInt64)], [(Int32, UInt64)])] = []
        var exact: [Int128] = []
        var remainders: [SIMD2<Double>] = []
        let hasIntegers = view.form.isCount || !view.isDouble
        switch view.form {
        case .count, .sum:
            if hasIntegers {
                mergeIntegers(series, into: &integers, exact: &exact)
            } else {
                mergeDoubles(series, into: &doubles, remainders: &remainders)
            }
        case .lastValue:
            mergeLastValues(series) { bits in
                integers.append(Int64(bitPattern: bits))
                doubles.append(Double(bitPattern: bits))
            }
        case .distribution, .exponentialDistribution:
            if hasIntegers {
                mergeIntegers(series, into: &integers, exact: &exact)
            } else {
                mergeDistributionSums(series, into: &doubles, remainders: &remainders)
            }
            if view.form.isExplicit {
                mergeBuckets(series, of: view, into: &buckets)
            } else {
                mergeExponential(series, of: view) { exponential.append(($0, $1, $2)) }
            }
            if view.keepsExtremes { mergeExtremes(series, of: view, minima: &minima, maxima: &maxima) }
            if view.keepsSquares { mergeSquares(series, of: view, into: &squares, remainders: &remainders) }
        }
        let width = view.bounds.count + 1
        return (0..<series.count).map { row in
            var reading = Reading()
            (reading.start, reading.end) = series.times(at: row)
            if hasIntegers { reading.integer = integers[row] } else { reading.double = doubles[row] }
            if !buckets.isEmpty { reading.buckets = Array(buckets[row * width..<(row + 1) * width]) }
            if !exponential.isEmpty {
                reading.zeros = exponential[row].0
                reading.positive = Dictionary(uniqueKeysWithValues: exponential[row].1)
                reading.negative = Dictionary(uniqueKeysWithValues: exponential[row].2)
            }
            if !minima.isEmpty { (reading.least, reading.greatest) = (minima[row], maxima[row]) }
            if !squares.isEmpty { reading.squares = squares[row] }
            let tags = Tags(series.tags(at: row).map { ($0.key, $0.value) })
            return (SeriesName(view.view.name, tags), reading)
        }
    }
}

extension ViewState.Form {
    fileprivate var isExplicit: Bool { if case .distribution = self { true } else { false } }
    fileprivate var isCount: Bool { if case .count = self { true } else { false } }
}
