import FileSink
import Foundation
import Synchronization
import WeirBatch
import WeirExporterKit
import WeirTestSupport

/// Clocks that stand still until a test moves them, and the log.
final class TestHost: Sendable {
    struct State {
        var wall: UInt64 = 1_795_526_761_123_456_789  // 2026-11-24T13:26:01.123456789Z
        var monotonic: UInt64 = 1_000_000_000
    }

    let state = Mutex(State())

    func pass(_ nanoseconds: UInt64) {
        state.withLock {
            $0.wall += nanoseconds
            $0.monotonic += nanoseconds
        }
    }

    func stepWall(to time: UInt64) { state.withLock { $0.wall = time } }

    var host: ExporterHost {
        ExporterHost(
            log: { _, _ in }, wallNanoseconds: { self.state.withLock { $0.wall } },
            monotonicNanoseconds: { self.state.withLock { $0.monotonic } },
            readHeader: { bytes in
                guard bytes.count >= 8 else { return nil }
                let length = 8 + bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
                guard length <= bytes.count, let header = try? FrameHeader(decoding: Array(bytes[..<length])) else {
                    return nil
                }
                return FrameFacts(header, headerLength: length)
            })
    }
}

extension FrameFacts {
    init(_ header: FrameHeader, headerLength: Int) {
        self.init(
            stream: StreamName(high: header.stream.high, low: header.stream.low), numbers: header.first...header.last,
            startTime: header.startTime, endTime: header.endTime, rows: header.rows, points: header.points,
            headerLength: UInt64(headerLength), payloadLength: header.payloadLength, rawLength: header.rawLength,
            gaps: UInt64(header.gaps.count))
    }
}

extension TestStream {
    @discardableResult
    func deliver(_ number: UInt64, to sink: FileSink) -> DeliveryResult {
        Self.deliver(header(number), payload.bytes, to: sink)
    }

    @discardableResult
    func end(_ number: UInt64, at sink: FileSink) -> DeliveryResult {
        Self.deliver(FrameHeader(stream: stream, first: number, last: number), [], to: sink)
    }

    private static func deliver(_ header: FrameHeader, _ payload: [UInt8], to sink: FileSink) -> DeliveryResult {
        let encoded = header.encoded()
        return unsafe encoded.withUnsafeBytes { bytes in
            unsafe payload.withUnsafeBytes { payload in
                let frame = unsafe DeliveryFrame(
                    facts: FrameFacts(header, headerLength: encoded.count), header: bytes, payload: payload)
                return sink.deliver(frame)
            }
        }
    }
}

/// Settings as the host would check them.
func settings(
    _ directory: String, rotateBytes: Int64 = 64 << 20, rotateAge: Int64 = 3_600_000_000_000,
    totalBytes: Int64 = 1 << 30, totalFiles: Int64 = 4096, sync: Int64 = 0
) -> Settings {
    var settings = Settings()
    settings.set("directory", text: directory, number: 0)
    settings.set("rotateBytes", text: "", number: rotateBytes)
    settings.set("rotateAge", text: "", number: rotateAge)
    settings.set("totalBytes", text: "", number: totalBytes)
    settings.set("totalFiles", text: "", number: totalFiles)
    settings.set("sync", text: "", number: sync)
    return settings
}

/// All that can be read from a directory's files, in the order of their names.
struct DirectoryContents {
    var headers: [FrameHeader] = []
    var endMarks: [FrameHeader] = []
    var damage: [Damage] = []
    /// How many files end in damage, and how many have some before their end.
    var tornTails = 0
    var files = 0

    var numbers: [UInt64] { headers.map(\.first) }

    init(_ directory: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
            files += 1
            let reader = try BatchReader(path: directory + "/" + name)
            var endsInDamage = false
            while let item = try reader.next() {
                endsInDamage = false
                switch item {
                case .frame(let frame):
                    _ = try frame.batch()
                    headers.append(frame.header)
                case .endMark(let mark): endMarks.append(mark.header)
                case .headless: break
                case .damage(let found):
                    damage.append(found)
                    endsInDamage = true
                }
            }
            if endsInDamage { tornTails += 1 }
        }
    }
}

/// A real file system that fails as told.
final class FaultyFileSystem: FileSystem {
    struct Faults {
        /// Bytes that the disk still takes.
        var room = Int.max
        /// The most that one write takes.
        var longestWrite = Int.max
        /// How many writes in a row are interrupted first.
        var interruptions = 0
        var failsToTruncate = false
        var failsToSync = false
        var syncs = 0
    }

    let faults = Mutex(Faults())
    private let real = PosixFileSystem()

    func makeDirectory(_ path: String) throws(SystemError) { try real.makeDirectory(path) }

    func list(
        _ path: String, where isWanted: (String) -> Bool
    ) throws(SystemError) -> [(name: String, size: UInt64)] { try real.list(path, where: isWanted) }

    func create(_ path: String) throws(SystemError) -> any WritableFile {
        FaultyFile(real: try real.create(path), system: self)
    }

    func beginning(of path: String, count: Int) throws(SystemError) -> [UInt8]? {
        try real.beginning(of: path, count: count)
    }

    func remove(_ path: String) throws(SystemError) -> Bool { try real.remove(path) }

    func syncDirectory(_ path: String) throws(SystemError) { try real.syncDirectory(path) }
}

private final class FaultyFile: WritableFile {
    private let real: any WritableFile
    private let system: FaultyFileSystem

    init(real: any WritableFile, system: FaultyFileSystem) {
        self.real = real
        self.system = system
    }

    func write(
        _ header: RawSpan, _ payload: RawSpan, skipping: Int, at position: UInt64
    ) throws(SystemError) -> Int {
        let (isInterrupted, allowed) = system.faults.withLock { faults in
            if faults.interruptions > 0 {
                faults.interruptions -= 1
                return (true, 0)
            }
            return (false, min(faults.room, faults.longestWrite))
        }
        if isInterrupted { throw SystemError(code: EINTR, attempt: "write") }
        guard allowed > 0 else { throw SystemError(code: ENOSPC, attempt: "write") }
        // As much of the two spans as is allowed, in the order of the bytes.
        let remaining = min(allowed, header.byteCount + payload.byteCount - skipping)
        let end = skipping + remaining
        let written = try real.write(
            header.extracting(0..<min(header.byteCount, end)),
            payload.extracting(0..<max(0, end - header.byteCount)), skipping: skipping, at: position)
        system.faults.withLock { if $0.room != .max { $0.room -= written } }
        return written
    }

    func truncate(to length: UInt64) throws(SystemError) {
        if system.faults.withLock({ $0.failsToTruncate }) { throw SystemError(code: EIO, attempt: "truncate") }
        try real.truncate(to: length)
    }

    func sync() throws(SystemError) {
        let fails = system.faults.withLock { faults in
            faults.syncs += 1
            return faults.failsToSync
        }
        if fails { throw SystemError(code: EIO, attempt: "sync") }
        try real.sync()
    }

    func status() throws(SystemError) -> (length: UInt64, hasName: Bool) { try real.status() }
}
