import Foundation
import Synchronization
import Testing
import WeirExporterKit
import WeirExporterSupport
import WeirTestSupport

/// Names whose addresses change, by a clock and a resolver of the test's own.
@Suite("Addresses of lines", .timeLimit(.minutes(1)))
struct AddressTests {
    private static let second: UInt64 = 1_000_000_000

    /// What a sender runs in.
    private final class World: Sendable {
        struct State {
            var now: UInt64 = 7
            /// Where the name leads; nil while nobody answers for it.
            var port: UInt16?
            var lookUps = 0
            var log: [String] = []
            var number: UInt64 = 0
        }
        let state: Mutex<State>
        init(leadingTo port: UInt16) { state = Mutex(State(port: port)) }

        func change(_ change: (inout sending State) -> Void) { state.withLock { change(&$0) } }

        func sender(isStream: Bool, _ resend: LineSender.Resend = .rest) throws -> LineSender {
            LineSender(
                to: try LineAddress("stats.example:8125"), isStream: isStream, longestPacket: 1432,
                timeoutNanoseconds: 5 * second, resend: resend,
                host: ExporterHost(
                    log: { level, text in self.state.withLock { $0.log.append("\(level): \(text)") } },
                    wallNanoseconds: { 0 }, monotonicNanoseconds: { self.state.withLock { $0.now } },
                    readHeader: { _ in nil }),
                resolver: LineResolver { address, isStream throws(LineSocket.Failure) in
                    let port = self.state.withLock { state in
                        state.lookUps += 1
                        return state.port
                    }
                    guard let port, let here = try? LineAddress("127.0.0.1:\(port)") else {
                        throw LineSocket.Failure("cannot find \(address): try again")
                    }
                    return try LineResolver.system.addresses(here, isStream)
                })
        }

        /// Sends a batch of its own number, or the last one again.
        func send(_ text: String, over sender: inout LineSender, again: Bool = false) -> DeliveryResult {
            let number = state.withLock { state in
                if !again { state.number += 1 }
                return state.number
            }
            return sender.send(
                FrameFacts(
                    stream: StreamName(high: 1, low: 1), numbers: number...number, headerLength: 1, payloadLength: 1),
                deadline: .max, unless: { false }, text: { Array(text.utf8) })
        }
    }

    @Test(
        "a name that moves is followed after 30 seconds, also while the old address takes lines",
        arguments: [false, true])
    func moves(isStream: Bool) throws {
        let (old, new) = (try Receiver(isStream: isStream), try Receiver(isStream: isStream))
        let world = World(leadingTo: old.port)
        var sender = try world.sender(isStream: isStream)
        #expect(world.send("1\n", over: &sender) == .delivered)
        world.change {
            $0.port = new.port
            $0.now += 30 * Self.second - 1
        }
        #expect(world.send("2\n", over: &sender) == .delivered)
        world.change { $0.now += 1 }
        #expect(world.send("3\n", over: &sender) == .delivered)
        // A look-up that finds the same address changes nothing.
        world.change { $0.now += 40 * Self.second }
        #expect(world.send("4\n", over: &sender) == .delivered)
        #expect(sender.connections == 2)
        sender.close()
        let texts = [old, new].map { isStream ? $0.stream() : $0.packets().map { $0 + "\n" }.joined() }
        #expect(texts == ["1\n2\n", "3\n4\n"])
        #expect(world.state.withLock { $0.lookUps } == 3)
    }

    @Test("a packet that is refused is a failure, and comes again to the address that is then found")
    func refused() throws {
        let world = World(leadingTo: try Receiver(isStream: false).port)
        var sender = try world.sender(isStream: false)
        for attempt in 1...3 {
            let result = world.send("1\n2\n", over: &sender, again: attempt > 1)
            guard case .retry(nil, nil, false, let message) = result else {
                Issue.record("wanted a retry without a limit, found \(result)")
                return
            }
            #expect(message == "send to stats.example:8125: Connection refused")
            #expect(sender.packetsFailed == UInt64(attempt) && sender.packets == 0)
        }
        let receiver = try Receiver(isStream: false)
        world.change { $0.port = receiver.port }
        #expect(world.send("1\n2\n", over: &sender, again: true) == .delivered)
        #expect(receiver.packets() == ["1\n2"])
        #expect(world.state.withLock { $0.lookUps } == 4)
    }

    @Test("of a batch in several packets those that were taken do not come again, where they would count twice")
    func rest() throws {
        let lines = (0..<3).map { String(repeating: "\($0)", count: 1400) + "\n" }
        for resend in [LineSender.Resend.rest, .all] {
            var first: Receiver? = try Receiver(isStream: false)
            let world = World(leadingTo: try #require(first).port)
            var sender = try world.sender(isStream: false, resend)
            #expect(world.send(lines[0], over: &sender) == .delivered)
            #expect(first?.packets().count == 1)
            first = nil
            guard case .retry = world.send(lines.joined(), over: &sender) else {
                Issue.record("wanted a retry: nobody listens")
                return
            }
            let second = try Receiver(isStream: false)
            world.change { $0.port = second.port }
            #expect(world.send(lines.joined(), over: &sender, again: true) == .delivered)
            #expect(second.packets().map { $0 + "\n" } == lines)
        }
    }

    @Test("while nobody answers for the name, lines go on to the address that it had, and the log says so once")
    func outageOfNames() throws {
        let receiver = try Receiver(isStream: false)
        let world = World(leadingTo: receiver.port)
        var sender = try world.sender(isStream: false)
        #expect(world.send("1\n", over: &sender) == .delivered)
        world.change { $0.port = nil }
        for number in 2...5 {
            world.change { $0.now += 31 * Self.second }
            #expect(world.send("\(number)\n", over: &sender) == .delivered)
        }
        #expect(receiver.packets() == ["1", "2", "3", "4", "5"])
        let log = world.state.withLock { $0.log }
        #expect(log.count == 1 && log.first?.contains("cannot find stats.example:8125: try again") == true, "\(log)")
        // A sender that has no address yet fails.
        var other = try world.sender(isStream: false)
        guard
            case .retry(nil, nil, false, "cannot find stats.example:8125: try again") = world.send("6\n", over: &other)
        else {
            Issue.record("wanted a retry")
            return
        }
    }
}
