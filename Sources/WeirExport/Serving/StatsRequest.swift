private import WeirSystem

/// Asks a running process for its accounts.
package enum StatsRequest {
    /// How long the process may take, and how much it may say.
    private static let patience: UInt64 = 5_000_000_000
    private static let longestAnswer = 16 << 20

    /// The batch file that it answers with, or the line that it refuses with.
    package static func ask(_ path: String) throws(ServingError) -> [UInt8] {
        let deadline = TimeSource.system.monotonic() &+ patience
        let socket = try StatsSocket.connect(to: path, deadline: deadline)
        let request = Array("stats\n".utf8)
        let sent = unsafe request.withUnsafeBytes { unsafe write(socket.number, $0.baseAddress, $0.count) }
        guard sent == request.count else { throw .system(code: errno, attempt: "ask \(path)") }
        var answer: [UInt8] = []
        while answer.count < longestAnswer {
            var wanted = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            let now = TimeSource.system.monotonic()
            guard now < deadline else { throw .system(code: ETIMEDOUT, attempt: "hear from \(path)") }
            _ = unsafe poll(&wanted, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
            guard wanted.revents != 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(socket.number, $0.baseAddress, $0.count, 0) }
            if count == 0 { return answer }
            guard count > 0 || errno == EAGAIN || errno == EINTR else {
                throw .system(code: errno, attempt: "hear from \(path)")
            }
            answer += bytes[..<max(count, 0)]
        }
        throw .system(code: EMSGSIZE, attempt: "hear from \(path)")
    }
}
