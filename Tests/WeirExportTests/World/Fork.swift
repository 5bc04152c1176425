import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A fork of this process, in both of its outcomes.
enum Fork {
    case child(Parent)
    /// What the child found.
    case parent([String])

    /// Whom a child tells what it found.
    struct Parent {
        fileprivate let pipe: Int32

        /// Ends the child.
        func end(telling faults: [String]) -> Never {
            var text = faults.joined(separator: "\n")
            text.withUTF8 { bytes in
                // A pipe takes so much at once, and the parent reads only one.
                _ = unsafe write(pipe, bytes.baseAddress, min(bytes.count, 32_768))
            }
            _exit(0)
        }
    }

    /// Forks, and in the parent waits for the child's end.
    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        let child = Self.fork()
        if child == 0 {
            // A child that hangs is killed, and its parent told.
            alarm(60)
            close(ends[0])
            self = .child(Parent(pipe: ends[1]))
            return
        }
        close(ends[1])
        defer { close(ends[0]) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while case let count = unsafe read(ends[0], &chunk, chunk.count), count > 0 { bytes += chunk.prefix(count) }
        var status: Int32 = -1
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        self = .parent(status == 0 ? lines : lines + ["it ended with status \(status)"])
    }

    /// Swift hides fork from programs that would go on running Swift in the child, as these tests do on purpose.
    private static func fork() -> pid_t {
        typealias Fork = @convention(c) () -> pid_t
        return unsafe unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)()
    }
}
