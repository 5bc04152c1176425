private import WeirSystem

/// Writes lines to a descriptor that others write to as well, in pieces that end with a line where they can.
///
/// A piece is no longer than what a pipe takes as a whole, so that nobody's text gets into a line of ours. What could not
/// be written stays, and is the first to go next time.
struct LineWriter {
    /// PIPE_BUF of Linux: as much as a pipe that takes anything takes at once.
    private static let longestPiece = 4096

    private let descriptor: Int32
    private var waiting: [UInt8] = []
    private var written = 0

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Why writing ended before everything was written.
    enum Failure: Error, Equatable {
        /// Nothing more is taken for now.
        case notNow(String)
        /// Nobody will ever read it.
        case never(String)
    }

    /// Takes text to be written; what waited goes first.
    mutating func add(_ text: [UInt8]) {
        waiting += text
    }

    /// Writes what waits.
    ///
    /// - Parameter isOver: Asked between two pieces, and at least ten times a second: whether to give up for now.
    mutating func flush(unless isOver: () -> Bool) throws(Failure) {
        while written < waiting.count {
            guard try takesMore() else {
                if isOver() { throw .notNow("standard output takes nothing more") }
                continue
            }
            let count = writeQuietly(waiting[written..<endOfPiece])
            let code = errno
            if count >= 0 {
                written += count
            } else if code == EPIPE || code == EBADF {
                throw .never("standard output: " + (unsafe String(cString: strerror(code))))
            } else if code != EINTR && code != EAGAIN {
                throw .notNow("standard output: " + (unsafe String(cString: strerror(code))))
            }
        }
        waiting.removeAll(keepingCapacity: waiting.capacity <= 1 << 20)
        written = 0
    }

    /// Behind the last line that fits into a piece; a line that is longer than a piece takes several.
    private var endOfPiece: Int {
        let limit = min(written + Self.longestPiece, waiting.count)
        return waiting[written..<limit].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? limit
    }

    /// Waits a moment for room, so that a reader who stands still holds nobody up in a write.
    private func takesMore() throws(Failure) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let ready = unsafe poll(&wanted, 1, 100)
        if ready > 0, wanted.revents & Int16(POLLNVAL) != 0 { throw .never("standard output is closed") }
        return ready > 0
    }

    /// Without the signal that a pipe without a reader sends, which would end the process.
    private func writeQuietly(_ piece: ArraySlice<UInt8>) -> Int {
        var broken = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&broken)
        unsafe sigaddset(&broken, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &broken, &before)
        let count = unsafe piece.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        let code = errno
        if count < 0, code == EPIPE, unsafe sigismember(&before, SIGPIPE) == 0 { takeSignal(&broken) }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        errno = code
        return count
    }

    private func takeSignal(_ signals: inout sigset_t) {
        #if os(Linux)
        var now = timespec()
        unsafe sigtimedwait(&signals, nil, &now)
        #else
        var taken: Int32 = 0
        unsafe sigwait(&signals, &taken)
        #endif
    }
}
