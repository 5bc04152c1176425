package import WeirExporterKit

/// Sends batches as lines of text, over a stream or in packets. One thread at a time uses it.
///
/// Neither protocol answers. Over TCP a batch counts as delivered when the other side's system has acknowledged all of it;
/// over UDP when it was sent and the other side's system has not refused it.
///
/// The address is looked up again after every failure, and every 30 seconds: a name may move to another address while the
/// old one takes packets as before.
package struct LineSender: ~Copyable {
    /// What a batch whose sending broke does when it comes again.
    package enum Resend: Sendable {
        /// All its lines: they say the same twice.
        case all
        /// Those that were not handed to the system before: they would count twice.
        case rest
    }

    private let address: LineAddress
    private let isStream: Bool
    private let longestPacket: Int
    private let timeout: UInt64
    private let resend: Resend
    private let host: ExporterHost
    private let resolver: LineResolver
    private var socket: LineSocket?
    /// When the address is looked up again, by the host's monotonic clock.
    private var lookUpTime: UInt64 = 0
    /// Whether the last look-up failed, which the log has been told.
    private var isLookUpFailing = false
    /// Whether a packet was refused, and none has been sent since without that.
    private var wasRefused = false
    private var hasToldOfLongPacket = false
    /// The batch that is being sent, and how much of its text has gone.
    private var current: (facts: FrameFacts, text: [UInt8], sent: Int)?

    package private(set) var connections: UInt64 = 0
    package private(set) var packets: UInt64 = 0
    package private(set) var packetsFailed: UInt64 = 0
    package private(set) var linesTooLong: UInt64 = 0

    package init(
        to address: LineAddress, isStream: Bool, longestPacket: Int, timeoutNanoseconds: UInt64, resend: Resend,
        host: ExporterHost, resolver: LineResolver = .system
    ) {
        self.address = address
        self.isStream = isStream
        self.longestPacket = longestPacket
        timeout = timeoutNanoseconds
        self.resend = resend
        self.host = host
        self.resolver = resolver
    }

    /// How long an address that was looked up is used. Nanoseconds.
    private static let addressAge: UInt64 = 30_000_000_000
    /// How long to wait for another refusal after one, which takes its way through the network.
    private static let refusalMilliseconds: Int32 = 100

    /// Sends a batch's text.
    ///
    /// - Parameters:
    ///   - text: Its lines, each with its end; asked for once a batch.
    ///   - isStopping: Whether to give up.
    package mutating func send(
        _ facts: FrameFacts, deadline: UInt64, unless isStopping: () -> Bool, text: () -> [UInt8]
    ) -> DeliveryResult {
        if current?.facts != facts { current = (facts, text(), 0) }
        let begin = host.monotonicNanoseconds()
        let end = min(deadline, begin > .max - timeout ? .max : begin + timeout)
        let clock = host.monotonicNanoseconds
        let isOver = { isStopping() || clock() >= end }
        do throws(LineSocket.Failure) {
            if isStream { try sendStream(unless: isOver) } else { try sendPackets(unless: isOver) }
            current = nil
            return .delivered
        } catch {
            let wasSent = isStream && (current?.sent ?? 0) > 0
            socket = nil
            cutSent()
            return .retry(isUncertain: wasSent, message: error.description)
        }
    }

    /// Ends the connection.
    package mutating func close() {
        socket = nil
    }

    private mutating func open(unless isOver: () -> Bool) throws(LineSocket.Failure) -> LineSocket {
        if let socket, isStream, socket.hasEnded { self.socket = nil }
        let now = host.monotonicNanoseconds()
        if let socket, now < lookUpTime { return socket }
        lookUpTime = now > .max - Self.addressAge ? .max : now + Self.addressAge
        let addresses: [SocketAddress]
        do throws(LineSocket.Failure) {
            addresses = try resolver.addresses(address, isStream)
        } catch {
            // Name servers have outages too: the address that was known is better than none.
            guard let socket else { throw error }
            if !isLookUpFailing {
                host.log(.warning, "\(error). Lines go on to the address that it had; it is looked up again.")
            }
            isLookUpFailing = true
            return socket
        }
        isLookUpFailing = false
        if let socket, addresses.contains(socket.address) { return socket }
        socket = nil
        let made = try LineSocket(to: addresses, of: address, unless: isOver)
        socket = made
        connections += 1
        return made
    }

    /// Back to the beginning of the line that was being sent, or of the batch.
    private mutating func cutSent() {
        guard let (_, text, sent) = current else { return }
        switch resend {
        case .all: current?.sent = 0
        case .rest: current?.sent = text[..<sent].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        }
    }

    // MARK: - TCP

    private mutating func sendStream(unless isOver: () -> Bool) throws(LineSocket.Failure) {
        guard let text = current?.text, !text.isEmpty else { return }
        let socket = try open(unless: isOver)
        while let sent = current?.sent, sent < text.count {
            let count = try socket.send(text[sent...])
            current?.sent = sent + count
            if count == 0, isOver() { throw LineSocket.Failure("\(address) takes nothing more") }
        }
        while !socket.isAcknowledged {
            if socket.hasEnded { throw LineSocket.Failure("\(address) ended the connection") }
            if isOver() { throw LineSocket.Failure("\(address) does not acknowledge") }
            socket.pause()
        }
    }

    // MARK: - UDP

    private mutating func sendPackets(unless isOver: () -> Bool) throws(LineSocket.Failure) {
        guard let text = current?.text, !text.isEmpty else { return }
        let socket = try open(unless: isOver)
        while let sent = current?.sent, sent < text.count {
            let limit = min(sent + longestPacket, text.count)
            // A packet has no line end behind its last line, which some readers take for an empty one.
            guard let end = Self.endOfLines(text, from: sent, to: limit) else {
                linesTooLong += 1
                current?.sent = (text[sent...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count - 1) + 1
                continue
            }
            let isSent = try sendPacket(text[sent..<end], over: socket)
            if !isSent, isOver() { throw LineSocket.Failure("\(address) takes nothing more") }
            if isSent { current?.sent = end + 1 }
        }
    }

    /// The line end before which a packet ends; nil where a single line is too long.
    private static func endOfLines(_ text: [UInt8], from start: Int, to limit: Int) -> Int? {
        if limit < text.count, text[limit] == UInt8(ascii: "\n") { return limit }
        return text[start..<limit].lastIndex(of: UInt8(ascii: "\n"))
    }

    /// An error tells of this packet or of one before it, which nobody took: the batch comes again from this one on.
    private mutating func sendPacket(
        _ packet: ArraySlice<UInt8>, over socket: LineSocket
    ) throws(LineSocket.Failure) -> Bool {
        do throws(LineSocket.Failure) {
            guard try socket.send(packet) > 0 else { return false }
            try socket.checkRefusal(waiting: wasRefused ? Self.refusalMilliseconds : 0)
        } catch {
            packetsFailed += 1
            guard error.isTooLong else {
                wasRefused = true
                throw error
            }
            // Every attempt would end so: it goes on behind it.
            if !hasToldOfLongPacket {
                host.log(
                    .warning,
                    "\(error): \(packet.count) bytes. Lines in such packets are lost, and counted in packets.failed. "
                        + "Set packetBytes lower.")
            }
            hasToldOfLongPacket = true
            return true
        }
        wasRefused = false
        packets += 1
        return true
    }
}

extension LineSender {
    /// What it counts, as exporters tell it.
    package var counters: [ExporterCounter] {
        [
            ExporterCounter("connections.opened", unit: "{connection}", value: connections),
            ExporterCounter("packets.sent", unit: "{packet}", value: packets),
            ExporterCounter("packets.failed", unit: "{packet}", value: packetsFailed),
            ExporterCounter("lines.too_long", unit: "{line}", value: linesTooLong),
        ]
    }
}
