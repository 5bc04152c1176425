internal import WeirBatch
internal import WeirDump
internal import WeirExport

/// Accounts from batch files: those in the last collection of each process that wrote there, over its restarts.
struct BatchFiles {
    private let operand: String
    private let diagnostics: Diagnostics
    private var hasFailed = false

    init(_ operand: String, diagnostics: Diagnostics) {
        self.operand = operand
        self.diagnostics = diagnostics
    }

    /// Reads headers, and of each source the batches of its last collection.
    ///
    /// - Returns: Nil where something could not be read.
    mutating func read() -> [ProcessAccounts]? {
        var tracker = StreamTracker()
        var latest: [Int: LatestCollection] = [:]
        Input(operand).drain(following: false) { event in
            switch event {
            case .item(.frame(let frame), _):
                let source = tracker.add(frame.header).source
                latest[source, default: LatestCollection(frame.header)].take(frame)
            case .item(.endMark(let mark), _): _ = tracker.add(mark.header)
            case .item(.damage(let damage), let path): diagnostics.report(damage.sentence(path))
            case .item(.headless, _), .unfinished: break
            case .unreadable(let path, let reason):
                diagnostics.report("\(path): \(reason)")
                hasFailed = true
            }
            return true
        }
        let found = latest.sorted { $0.key < $1.key }.compactMap { accounts(of: $0.value) }
        return hasFailed ? nil : found
    }

    private mutating func accounts(of collection: LatestCollection) -> ProcessAccounts? {
        var accounts = ProcessAccounts(stream: collection.stream, time: collection.time)
        var reader = AccountsReader()
        for frame in collection.frames {
            do throws(BatchError) {
                let batch = try frame.batch()
                accounts.resource = batch.resource
                reader.add(batch)
            } catch {
                diagnostics.report(frame.damage(error).sentence(operand))
                hasFailed = true
            }
        }
        if reader.isDelta { (reader, accounts.isPartial) = addUp(collection.stream) }
        accounts.sinks = reader.sinks
        return reader.sinks.isEmpty ? nil : accounts
    }

    /// All batches of a stream: what they count is from one to the next.
    private func addUp(_ stream: StreamID) -> (AccountsReader, isPartial: Bool) {
        var reader = AccountsReader()
        var check = Check()
        var tracker = StreamTracker()
        var isPartial = false
        Input(operand).drain(following: false) { event in
            switch event {
            case .item(.frame(let frame), let path) where frame.header.stream == stream:
                check.take(frame.header, path: path)
                let isRepeated = tracker.add(frame.header).findings.contains(where: \.replacesBatch)
                if !isRepeated, let batch = try? frame.batch() { reader.add(batch) } else { isPartial = !isRepeated }
            case .item(.damage, _): isPartial = true
            default: break
            }
            return true
        }
        let stream = check.streams { _ in false }.first
        isPartial = isPartial || stream.map { $0.first > 1 || !$0.holes.isEmpty || !$0.dropped.isEmpty } ?? true
        return (reader, isPartial)
    }
}

/// The batches that one collection became, the newest of a source so far.
private struct LatestCollection {
    private(set) var stream: StreamID
    private(set) var time: UInt64
    private(set) var frames: [Frame] = []
    private var number: UInt64 = 0

    init(_ header: FrameHeader) {
        stream = header.stream
        time = header.endTime
    }

    mutating func take(_ frame: Frame) {
        let header = frame.header
        if header.stream == stream, header.last < number { return }  // One that came late.
        // Parts of a collection have its times.
        if header.stream != stream || header.endTime != time || header.parts == 1 { frames = [] }
        (stream, time, number) = (header.stream, header.endTime, header.last)
        frames.append(frame)
    }
}
