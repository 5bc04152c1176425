import Foundation
import Logging
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

/// An exporter as a host opens it, behind its C table.
func open(_ plugin: ExporterPlugin, _ settings: [String: String]) throws -> any OpenExporter {
    try unsafe PluginTable(builtIn: plugin.table).open(
        for: SinkContext(
            name: "text", settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
}

extension OpenExporter {
    func deliver(_ batch: Batch, number: UInt64 = 1, within seconds: UInt64 = 20) throws -> Delivery {
        var encoder = try BatchEncoder()
        let payload = try encoder.encode(batch)
        return deliver(
            FrameHeader(stream: ShopBatches.stream, first: number, last: number, payload: payload),
            payload: payload.bytes, deadline: TimeSource.system.monotonic() + seconds * 1_000_000_000)
    }

    func count(_ name: String) -> UInt64? { counters().first { $0.name == name }?.value }
}

/// A socket of 127.0.0.1 that keeps what it gets, packet by packet or as a stream.
final class Receiver: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init(isStream: Bool) throws {
        let kind = Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        descriptor = socket(AF_INET, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length)
                unsafe getsockname(descriptor, address, &length)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        if isStream { listen(descriptor, 8) }
        // Nothing here may wait for ever.
        for socketDescriptor in [descriptor] { Self.limit(socketDescriptor) }
    }

    deinit {
        close(descriptor)
    }

    private static func limit(_ descriptor: Int32) {
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next packet.
    func packet() -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// The packets that are here.
    func packets() -> [String] {
        var all: [String] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return all }
            all.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        }
    }

    /// Takes a connection and what comes over it until the other side ends it, or until so many bytes.
    func stream(bytes limit: Int = .max) -> String {
        let connection = accept(descriptor, nil, nil)
        defer { close(connection) }
        Self.limit(connection)
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while all.count < limit {
            let count = unsafe recv(connection, &bytes, min(bytes.count, limit - all.count), 0)
            guard count > 0 else { break }
            all += bytes[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }
}

/// Batches of everything that there is a line for.
enum Samples {
    static let time: UInt64 = 1_795_525_210_000_000_000

    static func batch(_ temporality: ViewColumns.Temporality) -> Batch {
        var builder = BatchBuilder(start: time - 10_000_000_000, end: time)
        let start = time - 10_000_000_000
        builder.view("http/requests", .count, keys: ["route", "a.b"], temporality: temporality) { rows in
            rows.row(["/users", "x:y|z"], start: start, 4)
            rows.row(["", nil], start: start, 5)
        }
        builder.view("bytes", .sum, .double, unit: "By", temporality: temporality) { $0.row(start: start, double: 1.5) }
        builder.view("open", .sum, isMonotonic: false, temporality: temporality) { $0.row(start: start, 2) }
        builder.view("closed", .sum, isMonotonic: false, temporality: temporality) { $0.row(start: start, -2) }
        builder.view("heat", .lastValue, .double) { $0.row(start: start, double: -3.5) }
        builder.view("bad", .lastValue, .double) { $0.row(start: start, double: .nan) }
        builder.view(
            "latency", .distribution, .double, unit: "s", bounds: [1, 2, 4], temporality: temporality
        ) { rows in
            rows.row(start: start, sum: 15, buckets: [0, 10, 0, 0], range: 1...2)
        }
        return builder.batch
    }
}
