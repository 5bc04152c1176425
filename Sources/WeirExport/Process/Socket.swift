private import WeirSystem

/// One end of a connected pair of stream sockets. Nothing here raises SIGPIPE, and what is made here is closed where a
/// program is started.
package final class Socket: Sendable {
    package let descriptor: Int32

    /// Takes over a descriptor.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        #if canImport(Darwin)
        var on: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    deinit {
        close(descriptor)
    }

    /// Both ends, numbered above those that a child's own are put on.
    static func pair() throws(SystemFault) -> (Socket, Socket) {
        #if canImport(Darwin)
        let type = SOCK_STREAM
        #else
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        #endif
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemFault("socketpair", errno) }
        defer { for end in ends { close(end) } }
        let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
        let error = errno
        guard moved.allSatisfy({ $0 >= 0 }) else {
            for end in moved where end >= 0 { close(end) }
            throw SystemFault("fcntl", error)
        }
        return (Socket(descriptor: moved[0]), Socket(descriptor: moved[1]))
    }

    /// Wakes whoever waits for this end, in either process.
    func hangUp() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    // MARK: - Sending

    enum Sent: Equatable {
        case all
        /// The other end is closed.
        case closed
        case timedOut
    }

    /// Sends three pieces one behind the other, without copying them.
    ///
    /// - Parameter limit: Until when by the monotonic clock, asked again ten times a second; nil for no bound.
    func send(
        _ first: [UInt8], _ second: [UInt8] = [], _ third: [UInt8] = [], time: TimeSource, limit: () -> UInt64?
    ) -> Sent {
        let total = first.count + second.count + third.count
        var sent = 0
        while sent < total {
            let count = sendSome(first, second, third, skipping: sent)
            if count > 0 {
                sent += count
                continue
            }
            let error = errno
            if count < 0 && error == EINTR { continue }
            guard count < 0 && (error == EAGAIN || error == EWOULDBLOCK) else { return .closed }
            let pause = Self.pause(until: limit(), now: time.monotonic())
            guard pause > 0 else { return .timedOut }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&entry, 1, pause)
        }
        return .all
    }

    /// Sends a message, however long it takes.
    ///
    /// - Returns: Whether the other end took it.
    package func send(_ bytes: [UInt8]) -> Bool { send(bytes, time: .system) { nil } == .all }

    /// Milliseconds, at most 100.
    private static func pause(until limit: UInt64?, now: UInt64) -> Int32 {
        guard let limit else { return 100 }
        return now >= limit ? 0 : Int32(min((limit - now) / 1_000_000 + 1, 100))
    }

    private func sendSome(_ first: [UInt8], _ second: [UInt8], _ third: [UInt8], skipping skipped: Int) -> Int {
        unsafe first.withUnsafeBytes { first in
            unsafe second.withUnsafeBytes { second in
                unsafe third.withUnsafeBytes { third in
                    var skip = skipped
                    func rest(_ piece: UnsafeRawBufferPointer) -> iovec {
                        let passed = min(skip, piece.count)
                        skip -= passed
                        return unsafe iovec(
                            iov_base: piece.baseAddress.map { unsafe UnsafeMutableRawPointer(mutating: $0) + passed },
                            iov_len: piece.count - passed)
                    }
                    var pieces = unsafe [rest(first), rest(second), rest(third)]
                    return unsafe pieces.withUnsafeMutableBufferPointer { pieces in
                        var message = unsafe msghdr()
                        unsafe message.msg_iov = pieces.baseAddress
                        unsafe message.msg_iovlen = .init(pieces.count)
                        return unsafe sendmsg(descriptor, &message, Self.sendFlags)
                    }
                }
            }
        }
    }

    #if canImport(Darwin)
    private static let sendFlags = MSG_DONTWAIT
    #else
    private static let sendFlags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    #endif

    // MARK: - Receiving

    /// So many bytes; nil where the other end closes before. Blocks.
    func receive(exactly count: Int) -> [UInt8]? {
        var isWhole = true
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let received = unsafe recv(descriptor, buffer.baseAddress.map { unsafe $0 + filled }, count - filled, 0)
                if received < 0 && errno == EINTR { continue }
                guard received > 0 else { break }
                filled += received
            }
            isWhole = filled == count
        }
        return isWhole ? bytes : nil
    }

    enum Received: Equatable {
        case bytes(Int)
        case nothingYet
        case closed
    }

    /// What is there, without waiting.
    func receiveSome(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 { return .bytes(count) }
            if count < 0 && errno == EINTR { continue }
            return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? .nothingYet : .closed
        }
    }

    /// Sleeps until there is something on either, or one is closed.
    ///
    /// - Parameter other: nil where nobody listens to it any more.
    static func wait(for one: Socket, or other: Socket?) {
        var entries = [
            pollfd(fd: one.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe poll(&entries, 2, -1)
    }
}

/// A system call that failed.
package struct SystemFault: Error, Equatable, Sendable, CustomStringConvertible {
    package var call: String
    package var errno: Int32

    init(_ call: String, _ errno: Int32) {
        self.call = call
        self.errno = errno
    }

    package var description: String { "\(call): \(unsafe String(cString: strerror(errno)))" }
}
