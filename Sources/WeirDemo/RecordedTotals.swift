internal import WeirBatch
internal import WeirDump
internal import WeirRecording

/// What was recorded, from the last batch of a stream in a directory.
struct RecordedTotals {
    private(set) var byExtension: [String?: Totals] = [:]
    private(set) var batches = 0

    /// - Throws: ``DemoError/batches(directory:reason:)`` where there is none.
    init(of stream: StreamID, in directory: String) throws(DemoError) {
        var last: Batch?
        guard let names = try? System.names(in: directory) else {
            throw .batches(directory: directory, reason: "it cannot be read")
        }
        do throws(BatchError) {
            // The order of names is that of time.
            for name in names.sorted() where name.hasSuffix(".weir.zst") {
                let path = directory + "/" + name
                let reader = try BatchReader(path: path)
                // The payload is where its reader is, so it is decoded before the next file is opened.
                var frame: Frame?
                while let item = try reader.next() {
                    guard case .frame(let found) = item, found.header.stream == stream else { continue }
                    frame = found
                    batches += 1
                }
                if let frame { last = try frame.batch() }
            }
        } catch {
            throw .batches(directory: directory, reason: "\(error)")
        }
        guard let last else { throw .batches(directory: directory, reason: "there is none of this run") }
        for view in last.views where view.tagKeys.first == DemoMeasures.fileExtension.name { add(view, last.strings) }
    }

    private mutating func add(_ view: ViewColumns, _ strings: StringTable) {
        for row in 0..<view.rows {
            // The first key is the extension; where the view overflowed, a second one says so.
            let value = view.tagValues[row]
            let isOverflow = view.tagKeys.count > 1 && view.tagValues[view.rows + row] != 0
            let key: String? = isOverflow ? "(other)" : value == 0 ? nil : strings[Int(value) - 1]
            switch view.name {
            case "demo.files": byExtension[key, default: Totals()].files += view.integers[row]
            case "demo.input": byExtension[key, default: Totals()].input += view.integers[row]
            case "demo.output": byExtension[key, default: Totals()].output += view.integers[row]
            case "demo.duration": byExtension[key, default: Totals()].seconds += view.doubles[row]
            default: return
            }
        }
    }
}
