internal import Weir

/// What servers serve, as benches of exporters export it: 10,000 series, half of them counters, half distributions.
enum ServedSeries {
    /// Matches both views.
    static let views = "bench/*"

    private static let counted = Measure<Int64>("bench.served.count", unit: "{request}")
    private static let timed = Measure<Double>("bench.served.time", unit: .seconds)
    private static let keys: [TagKey] = ["method", "route", "status", "zone"]

    /// - Parameter tags: How many a series has, up to 4.
    static func recorded(tags count: Int) throws -> Stats {
        let stats = try Stats()
        let keys = Array(keys.prefix(count))
        try stats.register(
            View("bench/requests", of: counted, by: keys, as: .sum, seriesLimit: 5_001),
            View("bench/time", of: timed, by: keys, as: .distribution(), seriesLimit: 5_001))
        for series in 0..<5_000 {
            let values = ["GET\(series % 10)", "/route/\(series / 10 % 100)", "\(200 + series / 1_000)", "zone"]
            let tags = Tags(zip(keys, values))
            counted.record(Int64(series), tags, in: stats)
            for value in 0..<50 { timed.record(Double((series + value) % 1_000) / 800, tags, in: stats) }
        }
        return stats
    }
}
