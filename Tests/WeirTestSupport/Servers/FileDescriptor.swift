internal import Glibc

/// An open socket, closed when it is let go.
final class FileDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    // MARK: - Making

    /// A socket that is bound to a free port and not listening yet.
    static func loopbackSocket() throws -> FileDescriptor {
        let socket = try tcpSocket()
        let result = unsafe withAddress(port: 0) { address, length in unsafe bind(socket.number, address, length) }
        guard result == 0 else { throw SystemFailure.last("bind") }
        return socket
    }

    static func connected(to port: UInt16) throws -> FileDescriptor {
        let socket = try tcpSocket()
        let result = unsafe withAddress(port: port) { address, length in
            unsafe connect(socket.number, address, length)
        }
        guard result == 0 else { throw SystemFailure.last("connect") }
        return socket
    }

    private static func tcpSocket() throws -> FileDescriptor {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemFailure.last("socket") }
        return FileDescriptor(number)
    }

    private static func withAddress(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe body(address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    // MARK: - Listening

    func boundPort() throws -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(number, $0, &length) }
        }
        guard result == 0 else { throw SystemFailure.last("getsockname") }
        return UInt16(bigEndian: address.sin_port)
    }

    func startListening() { listen(number, 64) }

    func shutDown() { shutdown(number, Int32(SHUT_RDWR)) }

    /// nil where it does not listen.
    func accept() -> FileDescriptor? {
        while true {
            let client = Glibc.accept(number, nil, nil)
            if client >= 0 {
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                return FileDescriptor(client)
            }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    // MARK: - Bytes

    /// Which of two can be read, or have ended; nil where neither can be asked.
    static func waitUntilReadable(_ first: FileDescriptor, _ second: FileDescriptor) -> (first: Bool, second: Bool)? {
        var polled = [
            pollfd(fd: first.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: second.number, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let count = unsafe poll(&polled, 2, -1)
            if count > 0 { return (polled[0].revents != 0, polled[1].revents != 0) }
            guard errno == EINTR else { return nil }
        }
    }

    /// What there is, at least a byte; empty at the end, nil after a failure.
    func read() -> [UInt8]? {
        while true {
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, initialized in
                count = unsafe recv(number, buffer.baseAddress, buffer.count, 0)
                initialized = max(count, 0)
            }
            if count >= 0 { return bytes }
            guard errno == EINTR else { return nil }
        }
    }

    /// - Returns: Whether all of it is on its way.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                return unsafe send(number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 { written += count } else if errno != EINTR { return false }
        }
        return true
    }

    /// Ends the connection with a reset in place of an orderly end. The number stays taken until this is let go, so that
    /// another thread may still read from it.
    func reset() {
        // Connecting a socket to nowhere dissolves its association, which TCP tells the other side with a reset.
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        unsafe connect(number, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
        shutDown()
    }
}
