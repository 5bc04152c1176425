import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A client of HTTP that does as a test says, byte for byte, and believes nothing to be a library's.
struct Client {
    let port: UInt16

    struct Response {
        var status = 0
        /// Names in small letters.
        var headers: [String: String] = [:]
        var body: [UInt8] = []

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// One request on a connection of its own.
    func get(_ path: String, method: String = "GET", _ headers: [String: String] = [:]) throws -> Response {
        var request = "\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
        for (name, value) in headers { request += "\(name): \(value)\r\n" }
        let connection = try Connection(port: port)
        connection.send(request + "\r\n")
        return try Self.parse(connection.readAll())
    }

    func openMetrics() throws -> String {
        try get("/metrics", ["Accept": "application/openmetrics-text; version=1.0.0"]).text
    }

    struct NoAnswer: Error {
        let bytes: Int
    }

    static func parse(_ bytes: [UInt8]) throws -> Response {
        let data = Data(bytes)
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { throw NoAnswer(bytes: data.count) }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var response = Response(body: Array(data[end.upperBound...]))
        response.status = try #require(Int(lines[0].split(separator: " ")[1]))
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            response.headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        return response
    }
}

/// A TCP connection to 127.0.0.1.
final class Connection {
    struct Refused: Error {
        let code: Int32
    }

    private let socket: Int32

    /// - Parameter isNarrow: Whether its window is so small that the other side cannot send much before this one reads.
    init(port: UInt16, isNarrow: Bool = false) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if isNarrow {
            var size: Int32 = 4096
            unsafe setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(socket)
            throw Refused(code: code)
        }
        // A server that never answers fails the test, and does not hang it.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// - Returns: Whether the other side is still there.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return unsafe Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Until the other side closes.
    func readAll() -> [UInt8] {
        var all: [UInt8] = []
        while case let bytes = read(), !bytes.isEmpty { all += bytes }
        return all
    }

    /// What there is; empty at the end.
    func read() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(socket, &bytes, bytes.count, 0)
        return Array(bytes[..<max(count, 0)])
    }

}
