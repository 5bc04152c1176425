package import WeirBatch

/// How a dump is printed.
package protocol DumpFormat {
    /// Prints what stands at the top, whatever comes.
    mutating func begin(to output: Output)
}

extension DumpFormat {
    package mutating func begin(to output: Output) {}
}

/// A format that shows the latest state of all series.
package protocol TableFormat: DumpFormat {
    /// Prints the series, or of a format that goes on line by line, those that changed since the last call.
    mutating func show(_ table: inout SeriesTable, sources: [StreamTracker.Source], to output: Output)
}

/// A format that shows batch after batch.
package protocol BatchFormat: DumpFormat {
    /// Prints what stands before a batch, and its header. Formats of points alone print neither.
    mutating func show(_ batch: BatchFacts, to output: Output)

    /// Prints one point of the batch whose header came last.
    mutating func show(_ point: SeriesPoint, to output: Output)
}

/// A header, and what following its stream found.
package struct BatchFacts {
    package var header: FrameHeader
    package var findings: [StreamTracker.Finding]

    package init(header: FrameHeader, findings: [StreamTracker.Finding]) {
        self.header = header
        self.findings = findings
    }
}

/// A point with all that says what it is.
package struct SeriesPoint {
    package var view: ViewDescription
    package var tags: [Tag]
    package var point: Point
    package var resource: [Batch.Attribute]
    package var stream: StreamID
    /// The number of the batch that it comes from, or the newest of several.
    package var batch: UInt64

    package init(
        view: ViewDescription, tags: [Tag], point: Point, resource: [Batch.Attribute], stream: StreamID, batch: UInt64
    ) {
        self.view = view
        self.tags = tags
        self.point = point
        self.resource = resource
        self.stream = stream
        self.batch = batch
    }
}

/// Formats of one line a point show a table as the points that changed.
extension TableFormat where Self: BatchFormat {
    package mutating func show(_ table: inout SeriesTable, sources: [StreamTracker.Source], to output: Output) {
        table.takeChanges { group, series in
            guard let point = series.latest else { return }
            let shown = SeriesPoint(
                view: group.view, tags: series.tags, point: point, resource: sources[group.source].resource,
                stream: series.stream, batch: series.batch)
            show(shown, to: output)
        }
    }
}

extension StreamID {
    /// 32 hexadecimal digits.
    package var text: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

    /// The first eight of them: enough to tell the streams of one directory apart.
    var short: String { String(text.prefix(8)) }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
