package import WeirBatch
private import WeirSystem

/// Serves Weir's own metrics of this moment over a socket: a line `stats`, and a batch file comes back.
///
/// One thread for all, which waits for nobody: a client that is slow, silent or hostile keeps one of eight places for two
/// seconds and then is gone. Nothing of the pipeline waits for it; a request costs it one snapshot of the accounts.
package final class StatsServer: Sendable {
    private let batch: @Sendable () -> Batch
    private let time: TimeSource
    /// Written to end the thread.
    private let waker: Descriptor
    private let wakened: Descriptor
    /// How long a client may take, from the moment that it is let in. Nanoseconds.
    private let patience: UInt64
    private let hasEnded = Monitor(false)
    private let process = getpid()

    /// Clients at one time; others wait in the system's queue.
    private static let places = 8

    /// Answers those who knock from now on.
    ///
    /// - Parameter batch: What a request gets. Called by the server's thread.
    package init(
        _ listener: StatsListener, patience: UInt64 = 2_000_000_000, time: TimeSource = .system,
        batch: @escaping @Sendable () -> Batch
    ) throws(ServingError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .system(code: errno, attempt: "open a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wakened = Descriptor(ends[0])
        waker = Descriptor(ends[1])
        self.patience = patience
        self.batch = batch
        self.time = time
        guard Thread.start("weir-stats", { self.run(listener) }) else { throw .noThread }
    }

    /// Removes the socket and ends the thread. Comes back within a moment, whatever clients do.
    package func stop() {
        // A fork's child has the descriptors, and neither the thread nor a right to the name.
        guard getpid() == process else { return }
        unsafe withUnsafeBytes(of: UInt8(1)) { byte in _ = unsafe write(waker.number, byte.baseAddress, 1) }
        let deadline = time.monotonic() &+ 50_000_000
        hasEnded.wait { hasEnded, until in
            until = deadline
            return hasEnded || time.monotonic() >= deadline ? () : nil
        }
    }

    // MARK: - The thread

    /// Nobody else has the listener, so that it closes with the thread, and whoever still knocks is sent away.
    private func run(_ listener: StatsListener) {
        var answers = StatsAnswers(batch)
        var clients: [StatsClient] = []
        /// Whether the last client could not be let in, for want of a descriptor.
        var isShort = false
        while true {
            var wanted = [pollfd(fd: wakened.number, events: Int16(POLLIN), revents: 0)]
            for client in clients { wanted.append(client.wanted) }
            let listens = clients.count < Self.places && !isShort
            if listens { wanted.append(pollfd(fd: listener.socket.number, events: Int16(POLLIN), revents: 0)) }
            wait(&wanted, until: clients.map(\.deadline).min(), orMilliseconds: isShort ? 100 : nil)
            isShort = false
            if wanted[0].revents != 0 { break }

            let now = time.monotonic()
            for index in clients.indices where wanted[index + 1].revents != 0 { clients[index].goOn(&answers) }
            clients.removeAll { $0.isDone || now >= $0.deadline }
            guard listens, let last = wanted.last, last.revents != 0 else { continue }
            if let socket = listener.accept() {
                clients.append(StatsClient(socket, deadline: now &+ patience))
            } else {
                isShort = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED
            }
        }
        listener.removeName()
        hasEnded.withLock { $0 = true }
    }

    private func wait(_ wanted: inout [pollfd], until deadline: UInt64?, orMilliseconds longest: UInt64?) {
        var milliseconds = longest
        if let deadline {
            let now = time.monotonic()
            let left = deadline > now ? (deadline - now) / 1_000_000 + 1 : 0
            milliseconds = min(milliseconds ?? left, left)
        }
        let count = nfds_t(wanted.count)
        let result = unsafe poll(&wanted, count, milliseconds.map { Int32(clamping: $0) } ?? -1)
        guard result < 0 else { return }
        for index in wanted.indices { wanted[index].revents = 0 }
    }
}

/// A client, its request so far, and what of the answer it has not yet taken.
private struct StatsClient {
    let deadline: UInt64
    private let socket: Descriptor
    private var request: [UInt8] = []
    private var answer: [UInt8]?
    private var sent = 0
    private(set) var isDone = false

    private static let longestRequest = 256

    init(_ socket: Descriptor, deadline: UInt64) {
        self.socket = socket
        self.deadline = deadline
    }

    var wanted: pollfd {
        pollfd(fd: socket.number, events: Int16(answer == nil ? POLLIN : POLLOUT), revents: 0)
    }

    /// Does what can be done without waiting.
    mutating func goOn(_ answers: inout StatsAnswers) {
        if answer == nil { receive(&answers) }
        if answer != nil { send() }
    }

    private mutating func receive(_ answers: inout StatsAnswers) {
        var bytes = [UInt8](repeating: 0, count: Self.longestRequest)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(socket.number, $0.baseAddress, $0.count, 0) }
        guard count > 0 else {
            isDone = count == 0 || (errno != EAGAIN && errno != EINTR)
            return
        }
        request += bytes[..<count]
        if let end = request.firstIndex(of: UInt8(ascii: "\n")) {
            answer = answers.answer(String(decoding: request[..<end], as: UTF8.self))
        } else if request.count >= Self.longestRequest {
            answer = StatsAnswers.refusal("wanted a line of at most \(Self.longestRequest) bytes")
        }
    }

    private mutating func send() {
        guard let answer else { return }
        while sent < answer.count {
            let count = unsafe answer.withUnsafeBytes { bytes in
                #if canImport(Darwin)
                let flags: Int32 = 0
                #else
                let flags = Int32(MSG_NOSIGNAL)
                #endif
                return unsafe Platform.send(
                    socket.number, bytes.baseAddress.map { unsafe $0 + sent }, bytes.count - sent, flags)
            }
            guard count > 0 else {
                isDone = errno != EAGAIN && errno != EINTR
                return
            }
            sent += count
        }
        isDone = true
    }

    /// The system's `send`, which the method of that name hides.
    private enum Platform {
        static func send(_ socket: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
            #if canImport(Glibc)
            unsafe Glibc.send(socket, bytes, count, flags)
            #elseif canImport(Musl)
            unsafe Musl.send(socket, bytes, count, flags)
            #else
            unsafe Darwin.send(socket, bytes, count, flags)
            #endif
        }
    }
}

/// What requests get.
private struct StatsAnswers: ~Copyable {
    private let batch: @Sendable () -> Batch
    private var encoder: BatchEncoder?

    init(_ batch: @escaping @Sendable () -> Batch) { self.batch = batch }

    /// A batch file: one batch, of a stream of its own, and its end; or a line that says what is wrong.
    mutating func answer(_ request: String) -> [UInt8] {
        let word = request.hasSuffix("\r") ? String(request.dropLast()) : request
        guard word == "stats" else { return Self.refusal("wanted the line 'stats', found '\(word.prefix(64))'") }
        do throws(BatchError) {
            if encoder == nil { encoder = try BatchEncoder() }
            guard let payload = try encoder?.encode(batch()) else { return [] }
            let stream = StreamID.random()
            let header = FrameHeader(stream: stream, first: 1, last: 1, payload: payload)
            return header.encoded() + payload.bytes + FrameHeader(stream: stream, first: 1, last: 1).encoded()
        } catch {
            return Self.refusal("\(error)")
        }
    }

    static func refusal(_ reason: String) -> [UInt8] { Array("weir: \(reason)\n".utf8) }
}
