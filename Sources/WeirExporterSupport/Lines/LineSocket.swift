private import WeirSystem

/// A socket that leads to one address, closed when it is let go. One thread uses it.
package final class LineSocket {
    /// Where it leads.
    let address: SocketAddress

    private let descriptor: Int32
    private let place: LineAddress

    /// What the system answered instead.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String
        /// The system's number; 0 where there is none.
        let code: Int32

        package init(_ text: String, code: Int32 = 0) {
            description = text
            self.code = code
        }

        /// - Parameter code: The system's number.
        static func system(_ attempt: String, _ code: Int32) -> Failure {
            Failure("\(attempt): \(unsafe String(cString: strerror(code)))", code: code)
        }

        /// A packet that is longer than the way there takes.
        var isTooLong: Bool { code == EMSGSIZE }
    }

    /// Connects to the first address that answers.
    ///
    /// - Parameters:
    ///   - addresses: Those of `place`.
    ///   - isOver: Asked at least ten times a second: whether to give up.
    init(to addresses: [SocketAddress], of place: LineAddress, unless isOver: () -> Bool) throws(Failure) {
        var failure = Failure("\(place) has no address")
        for address in addresses {
            do throws(Failure) {
                descriptor = try Self.connected(to: address, of: place, unless: isOver)
                self.address = address
                self.place = place
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    deinit {
        close(descriptor)
    }

    private static func connected(
        to address: SocketAddress, of place: LineAddress, unless isOver: () -> Bool
    ) throws(Failure) -> Int32 {
        let descriptor = socket(address.family, address.kind, address.transport)
        guard descriptor >= 0 else { throw .system("make a socket", errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let result = unsafe address.bytes.withUnsafeBytes { bytes in
            unsafe bytes.baseAddress?.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(bytes.count))
            } ?? -1
        }
        if result == 0 { return descriptor }
        var failure = Failure.system("connect to \(place)", errno)
        if failure.code == EINPROGRESS {
            while !isReady(descriptor, Int16(POLLOUT)) {
                guard !isOver() else {
                    close(descriptor)
                    throw Failure("connect to \(place): no answer in time")
                }
            }
            let code = takeError(descriptor)
            if code == 0 { return descriptor }
            failure = .system("connect to \(place)", code)
        }
        close(descriptor)
        throw failure
    }

    /// What the system has noted of the socket meanwhile, which it forgets by that; 0 where there is nothing.
    private static func takeError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }

    private static func isReady(_ descriptor: Int32, _ events: Int16) -> Bool {
        var wanted = pollfd(fd: descriptor, events: events, revents: 0)
        return unsafe poll(&wanted, 1, 100) > 0
    }

    // MARK: - Sending

    /// Whether the other side has ended a stream, as far as is known: it never says anything else.
    package var hasEnded: Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Sends what the system takes now, after a moment's wait for room.
    ///
    /// - Returns: How many bytes; 0 where there is no room.
    package func send(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
        guard Self.isReady(descriptor, Int16(POLLOUT)) else { return 0 }
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe systemSend(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw .system("send to \(place)", errno)
    }

    /// Fails where the other side's system has refused a packet that was sent: nobody takes it there.
    ///
    /// - Parameter milliseconds: How long to wait for that.
    func checkRefusal(waiting milliseconds: Int32) throws(Failure) {
        var nothing = pollfd(fd: descriptor, events: 0, revents: 0)
        if milliseconds > 0 { unsafe poll(&nothing, 1, milliseconds) }
        let code = Self.takeError(descriptor)
        if code != 0 { throw .system("send to \(place)", code) }
    }

    /// Whether the other side's system has acknowledged all that was sent over a stream.
    package var isAcknowledged: Bool {
        var waiting: Int32 = 0
        return unsafe ioctl(descriptor, UInt(TIOCOUTQ), &waiting) != 0 || waiting == 0
    }

    /// Waits a moment for the other side to end the stream.
    package func pause() {
        var nobody = pollfd(fd: descriptor, events: 0, revents: 0)
        unsafe poll(&nobody, 1, 2)
    }
}

/// `send`, under a name that the method above does not hide.
private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
    unsafe send(descriptor, bytes, count, flags)
}
