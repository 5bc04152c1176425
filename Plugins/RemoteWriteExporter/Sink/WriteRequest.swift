internal import WeirExporterKit
internal import WeirExporterSupport

// The messages of Prometheus's `prompb/remote.proto` and `prompb/types.proto`, written from their end.

/// A number, or a native histogram, at a time. Milliseconds since 1970.
enum Sample: Equatable {
    case number(Double, Int64)
    case histogram(NativeHistogram, Int64)

    /// What says that a series has ended: a NaN of these bits and no other.
    static let stale = Double(bitPattern: 0x7FF0_0000_0000_0002)
}

extension WireWriter {
    /// `TimeSeries` as an element of `WriteRequest`.
    ///
    /// - Parameters:
    ///   - labels: With the name, in the order of their names.
    ///   - exemplars: From the oldest to the newest.
    mutating func add(series labels: [Label], _ samples: [Sample], _ exemplars: [DeliveredExemplar] = []) {
        add(1) { series in
            for case .histogram(let histogram, let time) in samples.reversed() {
                series.add(4) { $0.add(histogram, at: time) }
            }
            for exemplar in exemplars.reversed() { series.add(exemplar) }
            for case .number(let value, let time) in samples.reversed() {
                series.add(2) { sample in
                    sample.add(2, varint: UInt64(bitPattern: time))
                    sample.add(1, double: value)
                }
            }
            series.add(labels)
        }
    }

    private mutating func add(_ labels: [Label]) {
        for label in labels.reversed() {
            add(1) { writer in
                writer.add(2, text: label.value)
                writer.add(1, text: label.name)
            }
        }
    }

    /// `Exemplar` as an element of `TimeSeries`; nothing where it would tell nothing but its value.
    private mutating func add(_ exemplar: DeliveredExemplar) {
        guard let labels = ExemplarLabels(exemplar)?.labels else { return }
        add(3) { writer in
            writer.add(3, varint: exemplar.time / 1_000_000)
            writer.add(2, double: exemplar.value)
            writer.add(labels.sorted { $0.name < $1.name })
        }
    }

    /// `MetricMetadata` as an element of `WriteRequest`.
    mutating func add(metadata name: FamilyName, help: String) {
        let type: UInt64 =
            switch name.kind {
            case .counter: 1
            case .sum, .gauge: 2
            case .histogram: 3
            }
        add(3) { writer in
            writer.add(5, text: name.unit)
            writer.add(4, text: help)
            writer.add(2, text: name.kind == .histogram ? name.family : name.sample)
            writer.add(1, varint: type)
        }
    }

    private mutating func add(_ histogram: NativeHistogram, at time: Int64) {
        add(15, varint: UInt64(bitPattern: time))
        add(histogram.positive, spans: 11, deltas: 12)
        add(histogram.negative, spans: 8, deltas: 9)
        add(6, varint: histogram.zeroCount)
        add(4, zigzag: Int64(histogram.schema))
        add(3, double: histogram.sum)
        add(1, varint: histogram.count)
    }

    private mutating func add(_ buckets: NativeHistogram.Buckets, spans: UInt32, deltas: UInt32) {
        guard !buckets.spans.isEmpty else { return }
        add(deltas, packedZigzags: buckets.deltas)
        for span in buckets.spans.reversed() {
            add(spans) { writer in
                writer.add(2, varint: UInt64(span.length))
                writer.add(1, zigzag: Int64(span.offset))
            }
        }
    }
}
