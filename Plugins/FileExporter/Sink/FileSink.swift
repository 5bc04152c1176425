private import Synchronization
package import WeirExporterKit

/// Writes batches to a directory of files: one frame after the other, a new file by size and age, the oldest removed
/// where all together grow too large.
///
/// A frame is appended with one write where the system allows. One that fails half way is cut off again and retried, so
/// that a file holds whole frames; a process that is killed leaves at most the frame it was writing torn, and the next
/// process begins a file of its own.
package final class FileSink: Exporter {
    private struct State {
        var directory: BatchDirectory
        var file: OpenFile?
        /// Files begun, by which they are numbered.
        var created: UInt64 = 0
        var failures: UInt64 = 0
    }

    private struct OpenFile {
        let file: any WritableFile
        let stream: StreamName
        /// By the monotonic clock.
        let opened: UInt64
        var synced: UInt64
        /// Whole frames, in bytes.
        var length: UInt64 = 0
    }

    private enum Sync: Int64 {
        case never
        case second
        case always
    }

    package let previousStream: StreamName?

    private let host: ExporterHost
    private let rotateBytes: UInt64
    private let rotateAge: UInt64
    private let sync: Sync
    private let state: Mutex<State>
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)

    package convenience init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        try self.init(settings: settings, host: host, fileSystem: PosixFileSystem())
    }

    /// - Parameter fileSystem: For tests, one that fails.
    package init(settings: Settings, host: ExporterHost, fileSystem: any FileSystem) throws(ExporterError) {
        let settings = FileSettings(settings)
        guard settings.rotateBytes <= settings.totalBytes / 2 else {
            throw ExporterError(
                "totalBytes: wanted at least twice rotateBytes, which is \(settings.rotateBytes), "
                    + "found \(settings.totalBytes)")
        }
        do throws(SystemError) {
            let directory = try BatchDirectory(
                path: settings.directory, totalBytes: settings.totalBytes, totalFiles: settings.totalFiles,
                fileSystem: fileSystem)
            previousStream = try directory.previousStream(host.readHeader)
            state = Mutex(State(directory: directory))
        } catch {
            throw ExporterError(error.description)
        }
        self.host = host
        rotateBytes = settings.rotateBytes
        rotateAge = settings.rotateAge
        sync = Sync(rawValue: settings.sync) ?? .second
    }

    package func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let length = UInt64(frame.length)
        return state.withLock { state in
            guard length <= state.directory.totalBytes else {
                return .rejected(
                    message: "a frame of \(length) bytes, where totalBytes is \(state.directory.totalBytes)")
            }
            do throws(SystemError) {
                try prepareFile(for: frame, &state)
                try append(frame, &state)
                return .delivered
            } catch {
                state.failures += 1
                return .retry(message: error.description)
            }
        }
    }

    package var counters: [ExporterCounter] {
        state.withLock { state in
            [
                ExporterCounter("files.created", unit: "{file}", value: state.created),
                ExporterCounter("files.removed", unit: "{file}", value: state.directory.removed.files),
                ExporterCounter("bytes.removed", unit: "By", value: state.directory.removed.bytes),
                ExporterCounter("writes.failed", unit: "{call}", value: state.failures),
            ]
        }
    }

    package func stop() {
        isStopping.store(true, ordering: .relaxed)
    }

    package func close() {
        state.withLock { state in
            if sync != .never { try? state.file?.file.sync() }
            state.file = nil
        }
    }

    // MARK: - Files

    /// Leaves in `state.file` a file that ends with a whole frame and has room for this one.
    private func prepareFile(for frame: borrowing DeliveryFrame, _ state: inout State) throws(SystemError) {
        let length = UInt64(frame.length)
        let now = host.monotonicNanoseconds()
        if let open = state.file {
            let isFull = open.length > 0 && open.length + length > rotateBytes
            // An end mark belongs to what it ends, however old.
            let isOld = now &- open.opened >= rotateAge && !frame.facts.isEndMark
            if isFull || isOld || open.stream != frame.facts.stream || !endsWithFrame(open) {
                if sync != .never { try? open.file.sync() }
                state.file = nil
            } else {
                return try state.directory.makeRoom(for: length)
            }
        }
        let file = try state.directory.create(
            stream: frame.facts.stream, number: state.created + 1, time: host.wallNanoseconds(), frameLength: length)
        state.created += 1
        state.file = OpenFile(file: file, stream: frame.facts.stream, opened: now, synced: now)
        if sync != .never { try state.directory.sync() }
    }

    /// Whether the file still has its name and is as long as what was written: somebody may have removed or cut it, and
    /// a failed write may have left more.
    private func endsWithFrame(_ open: OpenFile) -> Bool {
        guard let status = try? open.file.status(), status.hasName else { return false }
        if status.length > open.length { return (try? open.file.truncate(to: open.length)) != nil }
        return status.length == open.length
    }

    private func append(_ frame: borrowing DeliveryFrame, _ state: inout State) throws(SystemError) {
        guard var open = state.file else { return }
        do throws(SystemError) {
            try write(frame, to: open)
            let now = host.monotonicNanoseconds()
            if sync == .always || (sync == .second && now &- open.synced >= 1_000_000_000) {
                try open.file.sync()
                open.synced = now
            }
        } catch {
            // What cannot be cut off is left behind in a file that nobody goes on with: a reader skips it.
            let isWhole = (try? open.file.truncate(to: open.length)) != nil
            if !isWhole { state.file = nil }
            throw error
        }
        open.length += UInt64(frame.length)
        state.file = open
        state.directory.wrote(UInt64(frame.length))
    }

    private func write(_ frame: borrowing DeliveryFrame, to open: OpenFile) throws(SystemError) {
        let isEndMark = frame.facts.isEndMark
        try frame.withBytes { header, payload throws(SystemError) in
            var written = 0
            while written < header.byteCount + payload.byteCount {
                if isStopping.load(ordering: .relaxed) && !isEndMark {
                    throw SystemError(code: 0, attempt: "finish a frame: asked to stop")
                }
                do throws(SystemError) {
                    let count = try open.file.write(
                        header, payload, skipping: written, at: open.length + UInt64(written))
                    guard count > 0 else { throw SystemError(code: 0, attempt: "write: the file takes nothing") }
                    written += count
                } catch {
                    guard error.isInterruption else { throw error }
                }
            }
        }
    }
}
