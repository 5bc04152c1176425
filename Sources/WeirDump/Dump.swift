package import WeirBatch

/// Takes headers and batches in the order in which they are read, and prints what was asked for.
///
/// It knows neither files nor readers: ``DumpRun`` brings the batches. What it keeps grows with the number of series,
/// not with that of batches.
package struct Dump {
    private let options: DumpOptions
    private var mode: DumpMode
    private let output: Output
    private var tracker = StreamTracker()
    private var table: SeriesTable
    private var tableIsStale = true
    /// Whether the last header was within the times asked for; an end mark goes with the batch before it.
    private var isWithinTimes = true
    private var headlessBatches: UInt64 = 0

    package init(_ options: DumpOptions, mode: DumpMode, output: Output) {
        self.options = options
        self.mode = mode
        self.output = output
        table = SeriesTable(selection: options.selection, limit: options.maximumSeries)
        switch mode {
        case .latest(var format):
            format.begin(to: output)
            self.mode = .latest(format)
        case .batches(var format, let readsPoints):
            format.begin(to: output)
            self.mode = .batches(format, readsPoints: readsPoints)
        }
    }

    /// Whether any batch was within the times asked for.
    package var hasBatches: Bool { tracker.sources.contains { $0.batches > 0 } }

    /// Whether there were more series than ``DumpOptions/maximumSeries``.
    package var isOverLimit: Bool { table.isOverLimit }

    /// Takes a header, and calls `decode` for the batch behind it if that is needed.
    ///
    /// - Throws: what `decode` throws; the batch then counts as read, and nothing of it is shown.
    package mutating func take(_ header: FrameHeader, decode: () throws(BatchError) -> Batch) throws(BatchError) {
        guard let source = note(header, isLost: false) else { return }
        if case .batches(_, readsPoints: false) = mode { return }
        let batch = try decode()
        tracker.note(resource: batch.resource, source: source)
        add(batch, header, source)
    }

    /// Takes a header whose batch is damaged.
    package mutating func lose(_ header: FrameHeader) {
        _ = note(header, isLost: true)
    }

    /// Takes a batch that no header precedes. It counts as one of a stream of its own.
    package mutating func take(headless batch: Batch, compressedLength: UInt64) {
        headlessBatches += 1
        var header = FrameHeader(stream: StreamID(high: 0, low: 0), first: headlessBatches, last: headlessBatches)
        (header.startTime, header.endTime) = (batch.startTime, batch.endTime)
        header.rows = UInt64(batch.rows)
        header.payloadLength = compressedLength
        guard let source = note(header, isLost: false) else { return }
        if case .batches(_, readsPoints: false) = mode { return }
        tracker.note(resource: batch.resource, source: source)
        add(batch, header, source)
    }

    /// Follows the header's numbers and prints what there is to say; returns the source where a batch is to be read.
    private mutating func note(_ header: FrameHeader, isLost: Bool) -> Int? {
        let (source, findings) = tracker.add(header, isLost: isLost)
        if !header.isEndMark { isWithinTimes = options.selects(endTime: header.endTime) }
        guard isWithinTimes else { return nil }
        tracker.note(header, findings: findings, source: source)
        tableIsStale = true
        if case .batches(var format, let readsPoints) = mode {
            format.show(BatchFacts(header: header, findings: findings), to: output)
            mode = .batches(format, readsPoints: readsPoints)
        }
        return header.isEndMark || findings.contains(where: \.replacesBatch) ? nil : source
    }

    /// Prints the table, if it is what is shown and if it changed since it was printed last.
    package mutating func showTable() {
        guard case .latest(var format) = mode, tableIsStale else { return }
        format.show(&table, sources: tracker.sources, to: output)
        mode = .latest(format)
        tableIsStale = false
    }

    private mutating func add(_ batch: Batch, _ header: FrameHeader, _ source: Int) {
        let windowStart = tracker.sources[source].firstTime
        guard case .batches(var format, let readsPoints) = mode else {
            table.add(batch, header: header, source: source, windowStart: windowStart)
            return
        }
        let output = output
        let resource = tracker.sources[source].resource
        table.add(batch, header: header, source: source, windowStart: windowStart) { view, tags, point in
            let shown = SeriesPoint(
                view: view, tags: tags, point: point, resource: resource, stream: header.stream, batch: header.last)
            format.show(shown, to: output)
        }
        mode = .batches(format, readsPoints: readsPoints)
    }
}
