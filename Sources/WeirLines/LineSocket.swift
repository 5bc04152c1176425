#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// A socket that leads to one address, closed when it is let go. One thread uses it.
package final class LineSocket {
    private let descriptor: Int32

    /// What the system answered instead.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String

        init(_ text: String) { description = text }

        /// Of the call that has just failed.
        static func last(_ attempt: String) -> Failure {
            Failure("\(attempt): \(unsafe String(cString: strerror(errno)))")
        }
    }

    /// Connects; of a name's addresses the first that answers.
    ///
    /// - Parameter isOver: Asked at least ten times a second: whether to give up.
    package init(to address: LineAddress, isStream: Bool, unless isOver: () -> Bool) throws(Failure) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Self.kind(isStream: isStream)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(address.host, address.port, &hints, &list)
        let place = "\(address.host):\(address.port)"
        guard code == 0 else {
            throw Failure("cannot find \(place): \(unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "")")
        }
        defer { unsafe freeaddrinfo(list) }
        var failure = Failure("\(place) has no address")
        var next = unsafe list
        while let candidate = unsafe next {
            do throws(Failure) {
                unsafe descriptor = try Self.connected(candidate.pointee, to: place, unless: isOver)
                return
            } catch {
                failure = error
            }
            unsafe next = candidate.pointee.ai_next
        }
        throw failure
    }

    deinit {
        close(descriptor)
    }

    private static func kind(isStream: Bool) -> Int32 {
        #if canImport(Glibc)
        Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        #else
        isStream ? SOCK_STREAM : SOCK_DGRAM
        #endif
    }

    private static func connected(
        _ address: addrinfo, to place: String, unless isOver: () -> Bool
    ) throws(Failure) -> Int32 {
        let descriptor = unsafe socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard descriptor >= 0 else { throw .last("make a socket") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if unsafe connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
        var failure = Failure.last("connect to \(place)")
        if errno == EINPROGRESS {
            while !isReady(descriptor, Int16(POLLOUT)) {
                guard !isOver() else {
                    close(descriptor)
                    throw Failure("connect to \(place): no answer in time")
                }
            }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            if code == 0 { return descriptor }
            errno = code
            failure = .last("connect to \(place)")
        }
        close(descriptor)
        throw failure
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
        throw .last("send")
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
