import WeirRecording

/// What one series says, in numbers that add up exactly.
struct Reading: Equatable {
    var integer: Int64 = 0
    var double = 0.0
    var buckets: [UInt64] = []
    var positive: [Int32: UInt64] = [:]
    var negative: [Int32: UInt64] = [:]
    var zeros: UInt64 = 0
    var least = 0.0
    var greatest = 0.0
    var squares = 0.0
}

/// The process's series: of each view by the value of its one tag.
func readings() -> [String: [String: Reading]] {
    var readings: [String: [String: Reading]] = [:]
    let stats = Stats.default
    stats.collect { views, _, _ in
        for view in views {
            var table: [String: Reading] = [:]
            for row in 0..<view.live.count {
                table[view.live.tags(at: row).map(\.value).joined(separator: "+")] = Reading(view, row, of: stats)
            }
            readings[view.state.view.name] = table
        }
    }
    return readings
}

extension Reading {
    fileprivate init(_ view: ViewSnapshot, _ row: Int, of stats: Stats) {
        var (integers, doubles): ([Int64], [Double]) = ([], [])
        var (exact, remainders): ([Int128], [SIMD2<Double>]) = ([], [])
        let (state, series) = (view.state, view.live)
        switch state.form {
        case .count:
            stats.mergeIntegers(series, into: &integers, exact: &exact)
            integer = integers[row]
        case .sum:
            if state.isDouble {
                stats.mergeDoubles(series, into: &doubles, remainders: &remainders)
                double = doubles[row]
            } else {
                stats.mergeIntegers(series, into: &integers, exact: &exact)
                integer = integers[row]
            }
        case .lastValue:
            stats.mergeLastValues(series) { integers.append(Int64(bitPattern: $0)) }
            integer = integers[row]
        case .distribution, .exponentialDistribution:
            if state.isDouble {
                stats.mergeDistributionSums(series, into: &doubles, remainders: &remainders)
                double = doubles[row]
            } else {
                stats.mergeIntegers(series, into: &integers, exact: &exact)
                integer = integers[row]
            }
            if state.keepsExtremes {
                var (minima, maxima): ([Double], [Double]) = ([], [])
                stats.mergeExtremes(series, of: state, minima: &minima, maxima: &maxima)
                (least, greatest) = (minima[row], maxima[row])
            }
            if state.keepsSquares {
                var all: [Double] = []
                stats.mergeSquares(series, of: state, into: &all, remainders: &remainders)
                squares = all[row]
            }
        }
        if case .distribution = state.form {
            let width = state.bounds.count + 1
            stats.mergeBuckets(series, of: state, into: &buckets)
            buckets = Array(buckets[row * width..<(row + 1) * width])
        } else if case .exponentialDistribution = state.form {
            var next = 0
            stats.mergeExponential(series, of: state) { zeros, positive, negative in
                if next == row {
                    self.zeros = zeros
                    self.positive = Dictionary(uniqueKeysWithValues: positive)
                    self.negative = Dictionary(uniqueKeysWithValues: negative)
                }
                next += 1
            }
        }
    }
}
