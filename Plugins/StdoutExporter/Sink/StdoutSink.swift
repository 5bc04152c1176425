private import Synchronization
private import WeirBatch
private import WeirDump
package import WeirExporterKit

/// Prints batches as `weir dump --batches` does, for a first look: a line a series, or JSON.
///
/// Standard output is the application's too: what is printed goes in whole lines, waits where nobody reads for a while,
/// and a reader who goes ends this sink and not the process.
package final class StdoutSink: Exporter {
    private struct State: ~Copyable {
        var decoder: BatchDecoder
        var tracker = StreamTracker()
        var format: any BatchFormat
        var writer: LineWriter
        /// The frame whose text the writer has: one that comes again goes on where it stopped.
        var printed: FrameFacts?
    }

    package static let kind = ExporterKind(name: "stdout", version: "1.0.0", settings: [format, own])

    /// The sink as hosts see it.
    package static let plugin = ExporterPlugin(StdoutSink.self)

    private static let format = Setting(
        "format", .choice(["text", "json"]), default: "text",
        "What is printed: text for people, or json, an object a line and series.")
    private static let own = Setting(
        "own", .boolean, default: "false", "Whether Weir's own views, weir.*, are printed too.")

    private let host: ExporterHost
    private let showsOwn: Bool
    private let state: Mutex<State>
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)

    package convenience init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        try self.init(settings: settings, host: host, descriptor: 1)
    }

    /// - Parameter descriptor: Where to print; for tests, not standard output.
    package init(settings: Settings, host: ExporterHost, descriptor: Int32) throws(ExporterError) {
        self.host = host
        showsOwn = settings.number(Self.own) == 1
        let format: any BatchFormat =
            settings.number(Self.format) == 1 ? JSONFormat() : TextBatchFormat(terminal: Terminal(hasColour: false))
        do throws(BatchError) {
            state = Mutex(
                State(decoder: try BatchDecoder(), format: format, writer: LineWriter(descriptor: descriptor)))
        } catch {
            throw ExporterError("cannot read batches: \(error)")
        }
    }

    package func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let deadline = frame.deadline
        let (header, payload) = frame.withBytes { (Array($0), Array($1)) }
        let facts = frame.facts
        return state.withLock { state in
            do throws(BatchError) {
                if state.printed != facts { try print(header, payload, &state) }
            } catch {
                return .rejected(message: "cannot read the batch: \(error)")
            }
            state.printed = facts
            do throws(LineWriter.Failure) {
                try state.writer.flush(unless: { self.isOver(deadline) })
                state.printed = nil
                return .delivered
            } catch {
                switch error {
                case .notNow(let message): return .retry(message: message)
                case .never(let message): return .fatal(message: message)
                }
            }
        }
    }

    package func stop() {
        isStopping.store(true, ordering: .relaxed)
    }

    package func close() {}

    private func isOver(_ deadline: UInt64) -> Bool {
        isStopping.load(ordering: .relaxed) || host.monotonicNanoseconds() >= deadline
    }

    private func print(_ bytes: [UInt8], _ payload: [UInt8], _ state: inout State) throws(BatchError) {
        let header = try FrameHeader(decoding: bytes)
        let output = Output()
        var batch: Batch?
        if !header.isEndMark { batch = try state.decoder.decode(payload, header: header) }
        let (source, findings) = state.tracker.add(header)
        state.format.show(BatchFacts(header: header, findings: findings), to: output)
        if var batch, !findings.contains(where: \.replacesBatch) {
            if !showsOwn { batch.views.removeAll { $0.name.hasPrefix("weir.") } }
            // A table of this batch alone: one of all would grow with every series that ever was.
            var table = SeriesTable(selection: Selection())
            table.add(batch, header: header, source: source, windowStart: header.startTime) { view, tags, point in
                let shown = SeriesPoint(
                    view: view, tags: tags, point: point, resource: batch.resource, stream: header.stream,
                    batch: header.last)
                state.format.show(shown, to: output)
            }
        }
        state.writer.add(Array(output.collected.utf8))
    }
}

extension Array where Element == UInt8 {
    fileprivate init(_ span: RawSpan) {
        self = unsafe span.withUnsafeBytes { unsafe Array($0) }
    }
}
