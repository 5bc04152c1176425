internal import Weir
internal import WeirBatch
internal import WeirDump
internal import WeirExport
internal import WeirRecording

/// What all pipelines export: a count of each series.
final class Load: Sendable {
    private static let measure = Measure<Int64>("overload.events")
    private static let key: TagKey = "series"

    private let stats: Stats
    private let recorders: [Recorder<Int64>]
    /// Attributes of the process, as many of the greatest length as fill a batch up.
    let resource: [String: String]

    init(series: Int, payloadBytes: Int) throws {
        stats = try Stats()
        try stats.register(
            View("overload/events", of: Self.measure, by: [Self.key], as: .sum, seriesLimit: max(series, 1)))
        recorders = (0..<max(series, 1)).map { [stats] in
            Self.measure.bound(to: Tags([Self.key: "\($0)"]), in: stats)
        }
        var resource = ["service.name": "weir-overload"]
        for (number, text) in Self.noise(bytes: payloadBytes).enumerated() {
            resource["overload.payload.\(number)"] = text
        }
        self.resource = resource
    }

    /// A source for one pipeline: each collection is of series that have all moved.
    func source() -> any BatchSource { Source(self, Collector(stats: stats)) }

    private final class Source: BatchSource {
        private let load: Load
        private let collector: Collector

        init(_ load: Load, _ collector: Collector) {
            self.load = load
            self.collector = collector
        }

        func collect(into batch: inout Batch) {
            for recorder in load.recorders { recorder.record(1) }
            collector.collect(into: &batch)
        }
    }

    /// Nanoseconds that one measurement takes at this moment, on the calling thread.
    func costOfRecording(measurements: Int = 200_000) -> Double {
        let recorder = recorders[0]
        let start = System.threadTime()
        for _ in 0..<measurements { recorder.record(1) }
        return Double(System.threadTime() - start) / Double(max(measurements, 1))
    }

    /// Texts of 64 different characters, of which a compressor can take two bits in eight and no more. None is longer than an
    /// attribute may be.
    private static func noise(bytes: Int) -> [String] {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var random = SystemRandomNumberGenerator()
        let length = bytes * 4 / 3
        let text = (0..<length).map { _ in letters[Int(random.next() >> 58)] }
        return stride(from: 0, to: length, by: 1_000).map { start in
            String(decoding: text[start..<min(start + 1_000, length)], as: UTF8.self)
        }
    }
}
