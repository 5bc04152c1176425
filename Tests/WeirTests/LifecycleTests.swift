import Foundation
import Synchronization
import Testing
import Weir
import WeirBatch
import WeirExport
import WeirTestSupport

/// Nothing to say, or never a word.
private final class Source: BatchSource {
    let hangs: Atomic<Bool>

    init(hangs: Bool = false) { self.hangs = Atomic(hangs) }

    func collect(into batch: inout Batch) {
        while hangs.load(ordering: .sequentiallyConsistent) { usleep(1000) }
        batch.startTime = 1
        batch.endTime = 2
        batch.views = []
    }
}

private func exporting(to path: String, hangs: Bool = false) throws -> Exporting {
    try Exporting(every: .seconds(3600), to: [.file(directory: path)], collecting: Source(hangs: hangs))
}

/// Waits until a signal has a handler, and sends it.
private func send(_ number: Int32) {
    onceHandled(number) { kill(getpid(), number) }
}

private func onceHandled(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
    Thread.detachNewThread {
        while handler(of: number) <= 1 { sched_yield() }
        body()
    }
}

/// 0 for what the system does, 1 where it is ignored.
private func handler(of number: Int32) -> UInt {
    var action = sigaction()
    unsafe sigaction(number, nil, &action)
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
}

/// Swift hides fork from programs that would go on running Swift in the child, as these tests do on purpose.
private func fork() -> pid_t {
    typealias Fork = @convention(c) () -> pid_t
    return unsafe unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)()
}

private func status(of child: pid_t) -> Int32 {
    var status: Int32 = -1
    while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status
}

/// Headers of batches, and how many end marks, in a directory's files.
private func contents(_ path: String) throws -> (headers: [FrameHeader], endMarks: Int) {
    var found: (headers: [FrameHeader], endMarks: Int) = ([], 0)
    for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
        let reader = try BatchReader(path: path + "/" + name)
        while let item = try reader.next() {
            switch item {
            case .frame(let frame): found.headers.append(frame.header)
            case .endMark: found.endMarks += 1
            case .headless, .damage: Issue.record("found \(item)")
            }
        }
    }
    return found
}

@Suite("Signals")
struct SignalTests {
    private let path: String
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path
    }

    @Test("SIGTERM and SIGINT flush, and then are handled as before", arguments: [SIGTERM, SIGINT])
    func flushes(number: Int32) async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String, number = number as Int32] in
            let exporting = try exporting(to: path)
            #expect(handler(of: SIGTERM) == 0 && handler(of: SIGINT) == 0)
            send(number)
            let end = try await exporting.runUntilSignal(deadline: .seconds(60))
            #expect(end.signal == number)
            #expect(end.report.isComplete)
            #expect(handler(of: SIGTERM) == 0 && handler(of: SIGINT) == 0 && handler(of: SIGHUP) == 0)
        }
        let found = try contents(path)
        #expect(found.headers.map(\.first) == [1])
        #expect(found.endMarks == 1)
    }

    @Test("a second one ends the process at once, by that signal")
    func second() async throws {
        let path = path
        await #expect(processExitsWith: .signal(SIGINT)) { [path = path as String] in
            let exporting = try exporting(to: path, hangs: true)
            onceHandled(SIGTERM) {
                kill(getpid(), SIGTERM)
                kill(getpid(), SIGINT)
            }
            _ = try await exporting.runUntilSignal(deadline: .seconds(3600))
        }
    }

    @Test("the same signal within a second is the first one still, and all is flushed")
    func repeated() async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String] in
            // Until both have come.
            let source = Source(hangs: true)
            let exporting = try Exporting(every: .seconds(3600), to: [.file(directory: path)], collecting: source)
            onceHandled(SIGTERM) {
                var signals = sigset_t()
                unsafe sigemptyset(&signals)
                unsafe sigaddset(&signals, SIGTERM)
                unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
                // In this thread: each has been handled when the call comes back.
                for _ in 1...2 { raise(SIGTERM) }
                source.hangs.store(false, ordering: .sequentiallyConsistent)
            }
            let end = try await exporting.runUntilSignal(deadline: .seconds(60))
            #expect(end.signal == SIGTERM && end.report.isComplete)
        }
        #expect(try contents(path).endMarks == 1)
    }

    @Test("a signal is the first one, the same again, or another")
    func order() async {
        let now = Mutex<UInt64>(5)
        let time = TimeSource(wall: { 0 }, monotonic: { now.withLock { $0 } })
        let arrival = FirstSignal(time: time)
        #expect(arrival.note(SIGTERM) == .first)
        now.withLock { $0 += 999_999_999 }
        #expect(arrival.note(SIGTERM) == .repeated && arrival.note(SIGINT) == .second)
        now.withLock { $0 += 1 }
        #expect(arrival.note(SIGTERM) == .second)
        #expect(await arrival.value() == SIGTERM)
        // What ends by itself has had no signal yet.
        let ended = FirstSignal(time: time)
        ended.noteEnd()
        #expect(ended.note(SIGTERM) == .first && ended.note(SIGTERM) == .repeated)
        #expect(await ended.value() == 0)
    }

    @Test("SIGHUP reloads where that is wanted, and SIGTERM is heard while a reload hangs")
    func reloads() async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let exporting = try exporting(to: path)
            let count = Atomic<Int>(0)
            send(SIGHUP)
            let end = try await exporting.runUntilSignal(deadline: .seconds(60)) {
                if count.add(1, ordering: .relaxed).newValue == 1 {
                    kill(getpid(), SIGHUP)
                } else {
                    kill(getpid(), SIGTERM)
                    while true { sleep(1000) }
                }
            }
            #expect(end.signal == SIGTERM)
            #expect(count.load(ordering: .relaxed) == 2)
        }
        await #expect(processExitsWith: .signal(SIGHUP)) { [path = path as String] in
            let exporting = try exporting(to: path)
            onceHandled(SIGTERM) { kill(getpid(), SIGHUP) }
            _ = try await exporting.runUntilSignal()
        }
    }

    @Test("a signal that was ignored stays ignored")
    func ignored() async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGINT, SIG_IGN)
            let exporting = try exporting(to: path)
            onceHandled(SIGTERM) {
                kill(getpid(), SIGINT)
                kill(getpid(), SIGTERM)
            }
            let end = try await exporting.runUntilSignal(deadline: .seconds(60))
            #expect(end.signal == SIGTERM)
            #expect(handler(of: SIGINT) == 1)
        }
    }

    @Test("signals are waited for by one, and by the next when that has ended")
    func once() async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let first = try exporting(to: path + "/a")
            let other = try exporting(to: path + "/b")
            onceHandled(SIGTERM) {
                Task {
                    do {
                        _ = try await other.runUntilSignal()
                        Issue.record("wanted an error")
                    } catch {}
                    kill(getpid(), SIGTERM)
                }
            }
            _ = try await first.runUntilSignal(deadline: .seconds(60))
            send(SIGINT)
            let end = try await other.runUntilSignal(deadline: .seconds(60))
            #expect(end.signal == SIGINT && end.report.isComplete)
        }
    }

    @Test("a signal to a fork's child ends the child, and its parent hears nothing of it")
    func child() async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let exporting = try exporting(to: path)
            onceHandled(SIGTERM) {
                let child = fork()
                if child == 0 {
                    endWithinAMinute()
                    while true { pause() }
                }
                kill(child, SIGTERM)
                let ended = status(of: child)
                kill(getpid(), ended & 0x7F == SIGTERM ? SIGINT : SIGKILL)
            }
            let end = try await exporting.runUntilSignal(deadline: .seconds(60))
            #expect(end.signal == SIGINT)
        }
    }
}

/// In a fork's child. What the thread masked, as those of Swift's pool do, its child does too.
private func endWithinAMinute() {
    var none = sigset_t()
    unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
    alarm(60)
}

/// Returns when all other threads sleep. One that is within Swift's runtime at a fork leaves a lock of it held in the
/// child for ever, which nobody can help who does not own that lock.
private func othersSleep() async throws {
    try await eventually("the other threads sleep") {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self").split(separator: "/")
            .last
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        return threads.filter { $0 != own.map(String.init) }.allSatisfy { thread in
            let line = (try? String(contentsOfFile: "/proc/self/task/\(thread)/stat", encoding: .utf8)) ?? ""
            // Behind the name, which is in parentheses. A thread that has ended is none.
            return line.isEmpty || line.split(separator: ")").last?.hasPrefix(" S") == true
        }
    }
}

@Suite("Forks")
struct ForkTests {
    @Test("a child exports anew, under a stream of its own, beside its parent")
    func child() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            // What Swift makes when it is first needed is made before the fork.
            try exporting(to: path + "/first").shutdownAndWait(deadline: .seconds(60))
            let parent = try Exporting(
                every: .seconds(3600), to: [.file(directory: path + "/data")], collecting: Source(),
                serveStatsAt: path + "/socket")
            try await othersSleep()
            let child = fork()
            if child == 0 {
                endWithinAMinute()
                // The parent's is none of the child's affair.
                if parent.shutdownAndWait().isComplete { _exit(1) }
                guard let own = try? exporting(to: path + "/data") else { _exit(2) }
                _exit(own.shutdownAndWait(deadline: .seconds(50)).isComplete ? 0 : 3)
            }
            #expect(status(of: child) == 0)
            #expect(try !StatsRequest.ask(path + "/socket").isEmpty)
            #expect(parent.shutdownAndWait(deadline: .seconds(60)).isComplete)
        }
        let found = try contents(path + "/data")
        #expect(found.headers.map(\.first) == [1, 1])
        #expect(Set(found.headers.map(\.stream)).count == 2)
        #expect(found.endMarks == 2)
    }

    @Test("a child that outlives its parent keeps neither the spill locked nor the socket alive")
    func inheritance() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            // What Swift makes when it is first needed is made before the fork.
            func open() throws -> (SpillStore, StatsListener) {
                (try SpillStore(directory: path + "/spill", maximumBytes: 1 << 20), try StatsListener(at: path + "/s"))
            }
            try open().0.close()
            var ends: [Int32] = [0, 0]
            #expect(unsafe Glibc.pipe(&ends) == 0)
            let pipe = (ends[0], ends[1])
            let parent = fork()
            if parent == 0 {
                guard let held = try? open() else { _exit(1) }
                if fork() == 0 {
                    var number = getpid()
                    _ = unsafe write(pipe.1, &number, MemoryLayout<pid_t>.size)
                    while true { pause() }
                }
                // The end of a process that was killed: nobody lets go of anything.
                _exit(withExtendedLifetime(held) { 0 })
            }
            var child: pid_t = 0
            #expect(unsafe read(pipe.0, &child, MemoryLayout<pid_t>.size) == MemoryLayout<pid_t>.size)
            #expect(status(of: parent) == 0)
            #expect(throws: Never.self) { _ = try open() }
            #expect(kill(child, SIGKILL) == 0)
        }
    }
}
