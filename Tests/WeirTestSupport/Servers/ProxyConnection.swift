internal import Foundation

/// One connection of a proxy, on a thread of its own: passes bytes both ways until its fault strikes.
struct ProxyConnection {
    let client: FileDescriptor
    let server: UInt16
    let fault: FaultProxy.Fault

    func run() {
        switch fault {
        case .hang: while let bytes = client.read(), !bytes.isEmpty {}
        case .answer(let status, let headers, let body): answer(status, headers, body)
        case .refuse: client.reset()
        default: pass()
        }
    }

    // MARK: - Passing

    private func pass() {
        guard let upstream = try? FileDescriptor.connected(to: server) else { return client.reset() }
        var sent = 0
        var answered = 0
        while let ready = FileDescriptor.waitUntilReadable(client, upstream) {
            if ready.first {
                guard var bytes = client.read(), !bytes.isEmpty else { return }
                if case .resetRequest(let limit) = fault, sent + bytes.count > limit {
                    bytes = Array(bytes.prefix(limit - sent))
                    upstream.write(bytes)
                    return reset(upstream)
                }
                sent += bytes.count
                guard move(bytes, to: upstream) else { return }
            }
            if ready.second {
                guard var bytes = upstream.read(), !bytes.isEmpty else { return }
                if fault == .dropAcknowledgement { return reset(upstream) }
                if case .resetAnswer(let limit) = fault, answered + bytes.count > limit {
                    bytes = Array(bytes.prefix(limit - answered))
                    client.write(bytes)
                    return reset(upstream)
                }
                answered += bytes.count
                guard move(bytes, to: client) else { return }
            }
        }
    }

    private func reset(_ upstream: FileDescriptor) {
        client.reset()
        upstream.reset()
    }

    private func move(_ bytes: [UInt8], to target: FileDescriptor) -> Bool {
        guard case .slow(let bytesPerSecond) = fault else { return target.write(bytes) }
        let step = max(1, bytesPerSecond / 20)
        for start in stride(from: 0, to: bytes.count, by: step) {
            guard target.write(Array(bytes[start..<min(start + step, bytes.count)])) else { return false }
            // The fault itself: a pace, not a wait for something.
            usleep(50_000)
        }
        return true
    }

    // MARK: - Answering

    /// Answers each request of the connection, or the first where the headers say that it closes.
    private func answer(_ status: Int, _ headers: [String], _ body: [UInt8]) {
        var buffer: [UInt8] = []
        while readRequest(&buffer) {
            let lines = ["HTTP/1.1 \(status) Fault", "Content-Length: \(body.count)"] + headers
            guard client.write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body) else { return }
            if headers.contains("Connection: close") { return client.shutDown() }
        }
    }

    /// Reads one request to its end and leaves what follows it.
    ///
    /// - Returns: Whether there was one.
    private func readRequest(_ buffer: inout [UInt8]) -> Bool {
        let blank = Array("\r\n\r\n".utf8)
        var headerEnd: Int?
        while true {
            if headerEnd == nil, let found = Data(buffer).firstRange(of: blank) { headerEnd = found.upperBound }
            if let headerEnd {
                let end = headerEnd + Self.contentLength(buffer[..<headerEnd])
                if buffer.count >= end {
                    buffer.removeFirst(end)
                    return true
                }
            }
            guard let bytes = client.read(), !bytes.isEmpty else { return false }
            buffer += bytes
        }
    }

    private static func contentLength(_ head: ArraySlice<UInt8>) -> Int {
        for line in String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "content-length" {
                return Int(parts[1].trimmingCharacters(in: .whitespaces)) ?? 0
            }
        }
        return 0
    }
}
