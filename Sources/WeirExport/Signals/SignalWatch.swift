private import Synchronization
private import WeirRecording
private import WeirSystem

/// Signals of the process, handed to a thread that may do anything: for programs that ask for it, one watch at a time.
///
/// A handler that may run in any thread, in the middle of anything, writes the signal's number into a pipe and does no
/// more; so it does not matter which threads there are and what they mask. A signal that was ignored when the watch began,
/// as nohup has it, stays ignored. In a fork's child signals do what they do without a watch.
package final class SignalWatch: Sendable {
    private let handled: [(number: Int32, before: UInt)]
    private let wakened: Int32
    private let isStopped = Atomic<Bool>(false)
    private let hasEnded = Monitor(false)

    // All sequentially consistent: what a handler finds need not be fast.

    private static let isActive = Atomic<Bool>(false)
    /// The pipe, and whose. Made once a process and never closed: a handler that was interrupted before it writes must not
    /// find another file under the number.
    private static let owner = Atomic<Int32>(0)
    private static let readEnd = Atomic<Int32>(-1)
    private static let writeEnd = Atomic<Int32>(-1)

    /// - Parameters:
    ///   - numbers: SIGTERM and its like.
    ///   - body: Called by the watch's own thread with one signal after the other.
    /// - Returns: Nil where there is a watch already, or the system has neither descriptors nor a thread to give.
    package init?(_ numbers: [Int32], _ body: @escaping @Sendable (Int32) -> Void) {
        let isNew = Self.owner.load(ordering: .sequentiallyConsistent) != getpid()
        guard isNew || !Self.isActive.load(ordering: .sequentiallyConsistent), Self.preparePipe(),
            !Self.isActive.exchange(true, ordering: .sequentiallyConsistent) || isNew
        else { return nil }
        wakened = Self.readEnd.load(ordering: .sequentiallyConsistent)
        var handled: [(number: Int32, before: UInt)] = []
        for number in numbers {
            let before = unsafe unsafeBitCast(signal(number, SignalWatch.note), to: UInt.self)
            if before == Self.ignored {
                unsafe signal(number, unsafeBitCast(before, to: sighandler_t?.self))
            } else {
                handled.append((number, before))
            }
        }
        self.handled = handled
        guard Thread.start("weir-signals", { self.run(body) }) else {
            for (number, before) in handled { unsafe signal(number, unsafeBitCast(before, to: sighandler_t?.self)) }
            Self.isActive.store(false, ordering: .sequentiallyConsistent)
            return nil
        }
    }

    private static func preparePipe() -> Bool {
        guard owner.load(ordering: .sequentiallyConsistent) != getpid() else { return true }
        var ends: [Int32] = [-1, -1]
        guard unsafe Glue.pipe(&ends) == 0 else { return false }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            ForkedChild.drops(end)
        }
        // A handler must not wait, not even for somebody who reads too slowly.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        readEnd.store(ends[0], ordering: .sequentiallyConsistent)
        writeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        owner.store(getpid(), ordering: .sequentiallyConsistent)
        return true
    }

    /// Gives every signal back to whoever handled it before, and comes back when the thread has ended: not to be called by
    /// that one.
    package func stop() {
        guard !isStopped.exchange(true, ordering: .sequentiallyConsistent) else { return }
        for (number, before) in handled { unsafe signal(number, unsafeBitCast(before, to: sighandler_t?.self)) }
        Self.write(0)
        hasEnded.wait { hasEnded, _ in hasEnded ? () : nil }
    }

    /// Ends the process as the signal does where nobody handles it.
    package static func end(by number: Int32) -> Never {
        signal(number, SIG_DFL)
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(number)
        // A signal that ends nothing by itself.
        _exit(128 + number)
    }

    private func run(_ body: (Int32) -> Void) {
        // Some thread must let them through.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for (number, _) in handled { unsafe sigaddset(&signals, number) }
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        while true {
            var byte: UInt8 = 0
            let count = unsafe withUnsafeMutableBytes(of: &byte) { unsafe Glue.read(wakened, $0) }
            if count < 0 && errno == EINTR { continue }
            guard count == 1, byte != 0 else { break }
            body(Int32(byte))
        }
        Self.isActive.store(false, ordering: .sequentiallyConsistent)
        hasEnded.withLock { $0 = true }
    }

    // MARK: - The handler

    private static let ignored: UInt = 1

    /// Only what a handler may do: loads, getpid, write, signal, raise.
    private static let note: sighandler_t = { number in
        let before = errno
        if SignalWatch.owner.load(ordering: .sequentiallyConsistent) == getpid() {
            SignalWatch.write(UInt8(truncatingIfNeeded: number))
        } else {
            signal(number, SIG_DFL)
            raise(number)
        }
        errno = before
    }

    private static func write(_ byte: UInt8) {
        unsafe withUnsafeBytes(of: byte) { bytes in
            _ = unsafe Glue.write(writeEnd.load(ordering: .sequentiallyConsistent), bytes)
        }
    }
}

/// The system's functions, under names that the methods above do not hide.
private enum Glue {
    static func pipe(_ ends: UnsafeMutablePointer<Int32>) -> Int32 {
        #if canImport(Glibc)
        unsafe Glibc.pipe(ends)
        #elseif canImport(Musl)
        unsafe Musl.pipe(ends)
        #else
        unsafe Darwin.pipe(ends)
        #endif
    }

    static func read(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
        unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
        unsafe Musl.read(descriptor, bytes.baseAddress, bytes.count)
        #else
        unsafe Darwin.read(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
        unsafe Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        unsafe Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
