internal import WeirExporterSupport
internal import WeirBatch
internal import WeirDump
internal import WeirRecording

/// What was recorded, from the last collection of a stream in a directory: values count from the stream's beginning.
struct RecordedTotals {
    private(set) var byKind: [FileKind: DemoReport.Recorded] = [:]
    private(set) var batches = 0
    /// What they take in the files.
    private(set) var bytes: UInt64 = 0

    /// - Throws: ``DemoError/batches(directory:reason:)`` where there is none, or one is damaged.
    init(of stream: StreamID, in directory: String) throws(DemoError) {
        let names: [String]
        do throws(SystemError) {
            names = try System.names(in: directory)
        } catch {
            throw .batches(directory: directory, reason: error.description)
        }
        // The order of names is that of time.
        for name in names.sorted() where name.hasSuffix(".weir.zst") { try read(stream, directory + "/" + name) }
        guard batches > 0 else { throw .batches(directory: directory, reason: "there is none of this run") }
    }

    private mutating func read(_ stream: StreamID, _ path: String) throws(DemoError) {
        do throws(BatchError) {
            let reader = try BatchReader(path: path)
            var last: [Frame] = []
            while let item = try reader.next() {
                guard case .frame(let frame) = item, frame.header.stream == stream else { continue }
                if frame.header.part == 1 { last = [] }
                last.append(frame)
                batches += 1
                bytes += frame.length
            }
            // The payload is where its reader is, so it is decoded before the next file is opened.
            if !last.isEmpty { byKind = [:] }
            for part in last { take(try part.batch(), part.header) }
        } catch {
            throw .batches(directory: path, reason: "\(error)")
        }
    }

    private mutating func take(_ batch: Batch, _ header: FrameHeader) {
        var table = SeriesTable(selection: Selection())
        table.add(batch, header: header, source: 0, windowStart: 0)
        for group in table.groups {
            for series in group.series {
                guard let value = series.latest?.value else { continue }
                add(value, of: group.view.name, to: FileKind(series.tags))
            }
        }
    }

    private mutating func add(_ value: Value, of view: String, to kind: FileKind) {
        switch (view, value) {
        case ("demo.files", .scalar(.integer(let files))): byKind[kind, default: .init()].totals.files = files
        case ("demo.input", .scalar(.integer(let bytes))): byKind[kind, default: .init()].totals.input = bytes
        case ("demo.output", .scalar(.integer(let bytes))): byKind[kind, default: .init()].totals.output = bytes
        case ("demo.duration", .distribution(let times)): byKind[kind, default: .init()].times = times
        default: break
        }
    }
}

extension FileKind {
    /// The kind of a series' files.
    fileprivate init(_ tags: [WeirDump.Tag]) {
        if let name = tags.first(where: { $0.key == DemoMeasures.fileExtension.name })?.value {
            self = .withExtension(name)
        } else {
            self = tags.isEmpty ? .withoutExtension : .overflow
        }
    }
}
