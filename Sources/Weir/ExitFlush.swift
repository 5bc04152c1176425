internal import Synchronization
internal import WeirExport
private import WeirRecording
private import WeirSystem

/// Flushes what still exports where the program returns from `main` or calls `exit`.
enum ExitFlush {
    private struct Entry: Sendable {
        let pipeline: Pipeline
        let server: StatsServer?
        let deadlineNanoseconds: UInt64
        /// A fork's child has the entries of its parent and none of its threads.
        let process: Int32
    }

    private static let lock = Lock()
    // Sendable: under the lock, as is `registrations`.
    nonisolated(unsafe) private static var entries: [Int: Entry] = [:]
    nonisolated(unsafe) private static var registrations = 0
    private static let nextNumber = Atomic<Int>(0)
    /// The process that added an entry last.
    private static let lastProcess = Atomic<Int32>(0)
    private static let hasRun = Atomic<Bool>(false)

    /// Each start and each change of sinks registers once more; the C library keeps some bytes of each.
    private static let registrationLimit = 256

    /// What a shutdown takes beyond its deadline, and then some: whatever hangs, the program ends.
    private static let graceNanoseconds: UInt64 = 500_000_000

    /// - Returns: What ``remove(_:)`` wants.
    static func add(_ pipeline: Pipeline, _ server: StatsServer?, deadlineNanoseconds: UInt64) -> Int {
        // Relaxed: a number that nobody else has.
        let number = nextNumber.add(1, ordering: .relaxed).newValue
        let entry = Entry(
            pipeline: pipeline, server: server, deadlineNanoseconds: min(deadlineNanoseconds, 86_400_000_000_000),
            process: getpid())
        lock.withLock { unsafe entries[number] = entry }
        lastProcess.store(entry.process, ordering: .relaxed)
        registerLast()
        return number
    }

    static func remove(_ number: Int) {
        // What it held is let go outside the lock.
        _ = lock.withLock { unsafe entries.removeValue(forKey: number) }
    }

    /// Handlers run in the reverse order of their registration. A TLS library registers its own when an exporter first uses
    /// it, so this is called again behind every opening of exporters; only the first call at the end does something.
    static func registerLast() {
        let isAllowed = lock.withLock {
            unsafe registrations += 1
            return unsafe registrations <= registrationLimit
        }
        if isAllowed { atexit { ExitFlush.run() } }
    }

    private static func run() {
        // In a child there is nothing to flush unless it has started something of its own.
        guard lastProcess.load(ordering: .relaxed) == getpid(), !hasRun.exchange(true, ordering: .relaxed) else {
            return
        }
        guard !CurrentThread.isWeirs, !CurrentThread.holdsLock else { return tellThatNothingIsFlushed() }
        let running = lock.withLock { unsafe entries.values.filter { $0.process == getpid() } }
        guard let longest = running.map(\.deadlineNanoseconds).max() else { return }
        let left = Monitor(running.count)
        // On another thread, so that a lock which somebody never gives back holds up nobody for longer than the deadline.
        let hasStarted = Thread.start("weir-exit") {
            for entry in running {
                entry.pipeline.shutdownAtExit(deadlineNanoseconds: entry.deadlineNanoseconds) {
                    entry.server?.stop()
                    left.withLock { $0 -= 1 }
                }
            }
        }
        guard hasStarted else { return tellThatNothingIsFlushed() }
        let end = TimeSource.system.monotonic() + longest + graceNanoseconds
        left.wait { count, until -> Void? in
            until = end
            return count == 0 || TimeSource.system.monotonic() >= end ? () : nil
        }
    }

    /// Without the log, which may be what holds the lock.
    private static func tellThatNothingIsFlushed() {
        let line: StaticString =
            "weir: nothing is flushed: the program ends on a thread that Weir needs; shut export down before it ends\n"
        line.withUTF8Buffer { utf8 in _ = unsafe write(STDERR_FILENO, utf8.baseAddress, utf8.count) }
    }
}
