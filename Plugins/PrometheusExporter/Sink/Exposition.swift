internal import WeirExporterSupport

/// A format that Prometheus reads.
enum Format: Int, CaseIterable, Sendable {
    /// OpenMetrics 1.0.0.
    case openMetrics
    /// Prometheus's own text, 0.0.4.
    case text

    var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        }
    }
}

/// A snapshot as bytes. No sample has a timestamp: they are of the time of the scrape.
struct Exposition {
    private let format: Format
    private let isCreatedShown: Bool
    private let snapshot: Snapshot
    private var bytes: [UInt8] = []

    /// - Parameters:
    ///   - snapshot: nil for none yet, which is a valid exposition of nothing.
    ///   - capacity: How many bytes there will be, as far as is known.
    static func bytes(
        of snapshot: Snapshot?, as format: Format, isCreatedShown: Bool, capacity: Int
    ) -> [UInt8] {
        var exposition = Exposition(
            format: format, isCreatedShown: isCreatedShown && format == .openMetrics,
            snapshot: snapshot ?? Snapshot(endTime: 0))
        exposition.bytes.reserveCapacity(capacity)
        exposition.write()
        return exposition.bytes
    }

    private init(format: Format, isCreatedShown: Bool, snapshot: Snapshot) {
        self.format = format
        self.isCreatedShown = isCreatedShown
        self.snapshot = snapshot
    }

    private mutating func write() {
        writeTarget()
        for family in snapshot.families where !family.series.isEmpty {
            writeMetadata(of: family)
            switch family.name.kind {
            case .counter, .sum, .gauge: writeNumbers(of: family)
            case .histogram: writeHistograms(of: family)
            }
        }
        if format == .openMetrics { bytes.append(contentsOf: "# EOF\n".utf8) }
    }

    // MARK: - Metadata

    private mutating func writeTarget() {
        guard let target = snapshot.target, !target.isEmpty else { return }
        let isInfo = format == .openMetrics
        writeLine("TYPE", isInfo ? Target.family : Target.sample, isInfo ? "info" : "gauge")
        writeLine("HELP", isInfo ? Target.family : Target.sample, "Who measures.")
        writeSample(Array(Target.sample.utf8), labels: target)
        bytes.append(contentsOf: "1\n".utf8)
    }

    private mutating func writeMetadata(of family: Family) {
        let name = format == .openMetrics ? family.name.family : family.name.sample
        let type =
            switch family.name.kind {
            case .counter: "counter"
            case .sum, .gauge: "gauge"
            case .histogram: "histogram"
            }
        writeLine("TYPE", name, type)
        if format == .openMetrics, !family.name.unit.isEmpty { writeLine("UNIT", name, family.name.unit) }
        if !family.help.isEmpty { writeLine("HELP", name, family.help) }
    }

    private mutating func writeLine(_ keyword: String, _ name: String, _ text: String) {
        bytes.append(contentsOf: "# ".utf8)
        bytes.append(contentsOf: keyword.utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: " "))
        (format == .openMetrics ? Escaping.quoted : .plain).append(text, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    // MARK: - Samples

    private mutating func writeNumbers(of family: Family) {
        let name = Array(family.name.sample.utf8)
        let created = Array("\(family.name.family)_created".utf8)
        let hasCreated = isCreatedShown && family.name.kind == .counter
        let hasExemplars = format == .openMetrics && family.name.kind == .counter
        for series in family.series {
            writeSample(name, labels: series.labels)
            switch series.value {
            case .integer(let number): TextNumber.append(number, to: &bytes)
            case .double(let number): TextNumber.append(number, to: &bytes)
            case .histogram: break
            }
            if hasExemplars, let exemplar = series.exemplars.first { writeExemplar(exemplar) }
            bytes.append(UInt8(ascii: "\n"))
            if hasCreated { writeCreated(created, series) }
        }
    }

    private mutating func writeHistograms(of family: Family) {
        let bucket = Array("\(family.name.family)_bucket".utf8)
        let count = Array("\(family.name.family)_count".utf8)
        let sum = Array("\(family.name.family)_sum".utf8)
        let created = Array("\(family.name.family)_created".utf8)
        // `le="0.25"} ` of all buckets, one behind the other, and where each ends.
        var bounds: [UInt8] = []
        let ends = (family.bounds + [.infinity]).map { bound in
            bounds.append(contentsOf: "le=\"\(TextNumber.bound(bound))\"} ".utf8)
            return bounds.count
        }
        // What all buckets of a series begin with.
        var beginning: [UInt8] = []
        // OpenMetrics takes a sum for a counter, which is not below zero, and has a count only where it has a sum.
        let mayFall = (family.bounds.first ?? 0) < 0
        for series in family.series {
            guard case .histogram(let total, let counts) = series.value else { continue }
            beginning.removeAll(keepingCapacity: true)
            beginning.append(contentsOf: bucket)
            beginning.append(UInt8(ascii: "{"))
            beginning.append(contentsOf: snapshot.texts[series.labels])
            if !series.labels.isEmpty { beginning.append(UInt8(ascii: ",")) }
            var (below, start): (UInt64, Int) = (0, 0)
            var exemplars = (format == .openMetrics ? series.exemplars : [])[...]
            for (index, place) in counts.enumerated() {
                below &+= family.counts[place]
                bytes.append(copying: beginning.span)
                bytes.append(copying: bounds.span.extracting(start..<ends[index]))
                start = ends[index]
                TextNumber.append(below, to: &bytes)
                if exemplars.first?.bucket == index { writeExemplar(exemplars.removeFirst()) }
                bytes.append(UInt8(ascii: "\n"))
            }
            if format == .text || !mayFall && total >= 0 {
                writeSample(sum, labels: series.labels)
                TextNumber.append(total, to: &bytes)
                bytes.append(UInt8(ascii: "\n"))
                writeSample(count, labels: series.labels)
                TextNumber.append(below, to: &bytes)
                bytes.append(UInt8(ascii: "\n"))
            }
            if isCreatedShown { writeCreated(created, series) }
        }
    }

    /// What stands behind a sample's value. The older text has none, and would be invalid with one.
    private mutating func writeExemplar(_ exemplar: Family.Exemplar) {
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: snapshot.texts[exemplar.text])
    }

    private mutating func writeCreated(_ name: [UInt8], _ series: Family.Series) {
        writeSample(name, labels: series.labels)
        TextNumber.append(nanoseconds: series.startTime, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A sample's name and labels, and the space before its value.
    private mutating func writeSample(_ name: [UInt8], labels: Range<Int>) {
        bytes.append(contentsOf: name)
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: snapshot.texts[labels])
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
    }
}

extension [UInt8] {
    /// Counts no reference to what it copies, unlike appending an array.
    fileprivate mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
