private import WeirSystem

/// An address of a host and a port, as the system's calls take it.
package struct SocketAddress: Equatable, Sendable {
    let family: Int32
    let kind: Int32
    let transport: Int32
    let bytes: [UInt8]
}

/// Finds a host's addresses. Tests bring their own.
package struct LineResolver: Sendable {
    /// The addresses in the order in which they are to be tried. Waits as long as the system does.
    package var addresses: @Sendable (LineAddress, _ isStream: Bool) throws(LineSocket.Failure) -> [SocketAddress]

    package init(
        _ addresses:
            @escaping @Sendable (LineAddress, _ isStream: Bool) throws(LineSocket.Failure) -> [SocketAddress]
    ) {
        self.addresses = addresses
    }

    /// The system's: its files, and the name servers that it knows.
    package static let system = LineResolver { address, isStream throws(LineSocket.Failure) in
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = kind(isStream: isStream)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(address.host, address.port, &hints, &list)
        guard code == 0 else {
            let reason = unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? ""
            throw LineSocket.Failure("cannot find \(address): \(reason)")
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let candidate = unsafe next?.pointee {
            let bytes = unsafe UnsafeRawBufferPointer(start: candidate.ai_addr, count: Int(candidate.ai_addrlen))
            unsafe found.append(
                SocketAddress(
                    family: candidate.ai_family, kind: candidate.ai_socktype, transport: candidate.ai_protocol,
                    bytes: Array(bytes)))
            unsafe next = candidate.ai_next
        }
        return found
    }

    private static func kind(isStream: Bool) -> Int32 {
        #if canImport(Glibc)
        Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        #else
        isStream ? SOCK_STREAM : SOCK_DGRAM
        #endif
    }
}
