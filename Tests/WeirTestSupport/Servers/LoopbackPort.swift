internal import Glibc

/// Ports of 127.0.0.1.
package enum LoopbackPort {
    /// A port that nobody listened on a moment ago.
    package static func free() throws -> UInt16 { try FileDescriptor.loopbackSocket().boundPort() }

    /// Whether somebody accepts connections there.
    package static func answers(_ port: UInt16) -> Bool { (try? FileDescriptor.connected(to: port)) != nil }
}

/// What the system answered instead.
package struct SystemFailure: Error, Equatable, CustomStringConvertible {
    package let call: String
    package let code: Int32

    package var description: String { unsafe "\(call): \(String(cString: strerror(code)))" }

    /// The failure of a call that has just returned.
    static func last(_ call: String) -> Self { Self(call: call, code: errno) }
}
