private import WeirSystem

/// A process that runs one plugin, seen from its parent: requests go out, one at a time; answers, lines for the log and
/// demand come in on a thread of its own.
///
/// The process is not trusted. What it says is held against bounds, nonsense kills it, and nobody waits for it without
/// end. It is waited for by its number alone, so the application's other children, and what it does with SIGCHLD, are
/// its own.
final class ChildProcess: Sendable {
    /// What comes without being asked for. Called on the process's thread.
    struct Handlers: Sendable {
        var log: PluginLog
        var demand: @Sendable (UInt64) -> Void = { _ in }
        var collect: @Sendable () -> Void = {}
        var ended: @Sendable (ChildEnd) -> Void = { _ in }
    }

    enum Answer: Equatable {
        case reply(ChildMessage)
        /// - Parameter wasSent: Whether the process had the whole request by then.
        case ended(ChildEnd, wasSent: Bool)
    }

    private struct State {
        /// What the present request may be answered with.
        var awaited: [ChildMessage.Kind] = []
        var reply: ChildMessage?
        /// No request lasts longer. Monotonic clock.
        var limit = UInt64.max
        /// Until it has been killed or waited for. After that its number may be another's.
        var isKillable = true
        var reason: ChildEnd.Reason?
        var end: ChildEnd?
    }

    private let process: Int32
    private let socket: Socket
    private let output: Socket
    private let handlers: Handlers
    private let time: TimeSource
    private let state = Monitor(State())
    /// Pieces of two messages must not mix.
    private let sending = Monitor(())

    init(program: String, handlers: Handlers, time: TimeSource) throws(PluginFault) {
        do throws(SystemFault) {
            let (socket, childSocket) = try Socket.pair()
            let (output, childOutput) = try Socket.pair()
            process = try Spawn.start(program, socket: childSocket, output: childOutput)
            self.socket = socket
            self.output = output
        } catch {
            throw .hostNotStarted(program: program, error)
        }
        self.handlers = handlers
        self.time = time
        guard Thread.start("weir-plugin", { self.listen() }) else {
            kill(.dismissed)
            _ = waitForProcess()
            throw .hostNotStarted(program: program, SystemFault("pthread_create", EAGAIN))
        }
    }

    /// How the process ended; nil as long as it lives.
    var end: ChildEnd? { state.withLock { $0.end } }

    /// The number of the process.
    var number: Int32 { process }

    // MARK: - Requests

    /// Sends a request and waits for its answer. A process that does not answer in time is killed.
    func request(_ message: HostMessage, awaiting kinds: [ChildMessage.Kind], until limit: UInt64) -> Answer {
        let began = time.monotonic()
        state.withLock { state in
            state.awaited = kinds
            state.reply = nil
        }
        let sent = send(message) { min(limit, self.state.withLock { $0.limit }) }
        if sent == .timedOut { kill(.silent(time.monotonic() &- began)) }
        if sent == .closed { socket.hangUp() }  // The thread finds out how it ended.
        if sent == .all {
            if let answer = wait(until: limit) { return .reply(answer) }
            kill(.silent(time.monotonic() &- began))
        }
        return .ended(waitForEnd(), wasSent: sent == .all)
    }

    /// Says something that is not answered.
    func tell(_ message: HostMessage, until limit: UInt64) {
        _ = send(message) { limit }
    }

    /// Lets no request, nor the running one, last longer.
    func hurry(until limit: UInt64) {
        state.withLock { $0.limit = min($0.limit, limit) }
    }

    /// Waits for a process that is about to end by itself; kills it where it does not.
    func dismiss(until limit: UInt64) {
        let hasEnded = state.wait { state, until -> Bool? in
            if state.end != nil { return true }
            until = limit
            return time.monotonic() >= limit ? false : nil
        }
        if !hasEnded { kill(.dismissed) }
    }

    /// Kills a process whose answer does not fit what it was asked.
    func reject(_ message: ChildMessage) -> ChildEnd {
        kill(.nonsense(.unexpected(kind: message.kind.rawValue)))
        return waitForEnd()
    }

    private func send(_ message: HostMessage, limit: () -> UInt64) -> Socket.Sent {
        let opening = message.opening()
        return sending.withLock { _ in
            guard case .deliver(_, let header, let payload) = message else {
                return socket.send(opening, time: time, limit: limit)
            }
            return socket.send(opening, header, payload, time: time, limit: limit)
        }
    }

    /// The answer; nil where the process ends or the time passes before it comes.
    private func wait(until limit: UInt64) -> ChildMessage? {
        state.wait { state, until -> ChildMessage?? in
            if let reply = state.reply { return .some(reply) }
            if state.end != nil { return .some(nil) }
            until = min(limit, state.limit)
            return time.monotonic() >= min(limit, state.limit) ? .some(nil) : nil
        }
    }

    /// For a process that is killed: what holds it back is then the kernel's, and not waited for long.
    private func waitForEnd() -> ChildEnd {
        let limit = time.monotonic() &+ 2_000_000_000
        return state.wait { state, until in
            if let end = state.end { return end }
            until = limit
            return time.monotonic() >= limit ? .unknown : nil
        }
    }

    private func kill(_ reason: ChildEnd.Reason) {
        state.withLock { state in
            guard state.isKillable else { return }
            state.isKillable = false
            state.reason = reason
            sendKill(process)
        }
        socket.hangUp()
    }

    // MARK: - The thread

    private func listen() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 1)
        defer { unsafe buffer.deallocate() }
        var inbox = ChildInbox()
        var lines = OutputLines()
        var isPrinting = true
        do throws(WireFault) {
            receiving: while true {
                Socket.wait(for: socket, or: isPrinting ? output : nil)
                if isPrinting { isPrinting = unsafe readOutput(&lines, buffer) != .closed }
                switch unsafe socket.receiveSome(into: buffer) {
                case .nothingYet: continue
                case .closed: break receiving
                case .bytes(let count): unsafe inbox.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
                while let message = try inbox.next() { try take(message) }
            }
        } catch {
            kill(.nonsense(error))
        }
        let status = waitForProcess()
        // Its last words. No more than a socket holds, lest a process that it has left behind goes on for ever.
        for _ in 0..<16 {
            guard case .bytes = unsafe readOutput(&lines, buffer) else { break }
        }
        if let rest = lines.finish() { write(rest) }
        let end = state.withLock { state in
            let end = ChildEnd(status: status, reason: state.reason)
            state.end = end
            return end
        }
        handlers.ended(end)
    }

    private func readOutput(_ lines: inout OutputLines, _ buffer: UnsafeMutableRawBufferPointer) -> Socket.Received {
        let received = unsafe output.receiveSome(into: buffer)
        if case .bytes(let count) = received {
            for line in unsafe lines.append(buffer[..<count]) { write(line) }
        }
        return received
    }

    private func write(_ line: String) {
        handlers.log.write(3, "printed by the plugin: \(line)")
    }

    private func take(_ message: ChildMessage) throws(WireFault) {
        switch message {
        case .log(let level, let line): handlers.log.write(level, line)
        case .demand(let batches): handlers.demand(batches)
        case .collect: handlers.collect()
        case .described, .refused, .opened, .delivered, .closed:
            let wasAwaited = state.withLock { state in
                guard state.awaited.contains(message.kind) else { return false }
                state.awaited = []
                state.reply = message
                return true
            }
            guard wasAwaited else { throw .unexpected(kind: message.kind.rawValue) }
        }
    }

    // MARK: - The end

    /// Waits for a process whose socket is closed, and kills one that lives on.
    ///
    /// - Returns: Its status; nil where somebody else was given it.
    private func waitForProcess() -> Int32? {
        // The kernel closes a dying process's files a moment before it can be waited for.
        for _ in 0..<40 {
            let waited = state.withLock { state -> Waited in
                let waited = waitWithoutBlocking(process)
                if waited != .notYet { state.isKillable = false }
                return waited
            }
            if case .ended(let status) = waited { return status }
            _ = poll(nil, 0, 5)
        }
        kill(.hungUp)
        return waitBlocking(process)
    }
}

/// `waitpid`'s answer, a status where there was one to be had.
private enum Waited: Equatable {
    case notYet
    case ended(status: Int32?)
}

private func waitWithoutBlocking(_ process: pid_t) -> Waited {
    var status: Int32 = 0
    while true {
        let waited = unsafe waitpid(process, &status, WNOHANG)
        if waited == process { return .ended(status: status) }
        if waited == 0 { return .notYet }
        guard errno == EINTR else { return .ended(status: nil) }
    }
}

private func waitBlocking(_ process: pid_t) -> Int32? {
    var status: Int32 = 0
    while true {
        let waited = unsafe waitpid(process, &status, 0)
        if waited == process { return status }
        guard waited < 0 && errno == EINTR else { return nil }
    }
}

/// A name of its own, which the method would hide.
private func sendKill(_ process: pid_t) {
    _ = kill(process, SIGKILL)
}
