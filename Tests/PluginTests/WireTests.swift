import Testing
import WeirBatch
import WeirTestSupport

@testable import WeirExport

@Suite("Messages between a host and a plugin's process")
struct WireTests {
    private static let messages: [ChildMessage] = [
        .described(
            PluginDescription(
                name: "file", version: "1.0", abiMajor: 1, abiMinor: 1, requiredFeatures: 3,
                settings: [
                    SettingKind(key: "a", description: "A.", form: .text(1...9), defaultValue: nil),
                    SettingKind(key: "b", description: "", form: .integer(-5...5), defaultValue: "0"),
                    SettingKind(key: "c", description: "C.", form: .boolean, defaultValue: "true"),
                    SettingKind(key: "d", description: "D.", form: .bytes(0 ... .max), defaultValue: "1KiB"),
                    SettingKind(key: "e", description: "E.", form: .duration(0...1), defaultValue: ""),
                    SettingKind(key: "f", description: "F.", form: .choice(["x", "", "ü"]), defaultValue: "x"),
                ])),
        .refused("no"),
        .opened(Delivery(.delivered), previousStream: StreamID(high: 1, low: 0)),
        .opened(Delivery(.fatal, message: "why"), previousStream: nil),
        .delivered(
            Delivery(.retry(hint: 7, attemptLimit: 3), isUncertain: true, message: "later"),
            counters: [ExporterCount(name: "n", unit: "By", value: .max)]),
        .delivered(Delivery(.partial(acceptedRows: 4)), counters: []),
        .delivered(Delivery(.rejected), counters: []),
        .delivered(Delivery(.rejected, isOutOfOrder: true, message: "old"), counters: []),
        .delivered(
            Delivery(.partial(acceptedRows: 9), isUncertain: true, isOutOfOrder: true, message: "some"), counters: []),
        .closed, .log(2, "hello"), .demand(.max), .collect,
    ]

    /// What an inbox makes of bytes, fed so many at a time.
    private func messages(in bytes: [UInt8], chunk: Int) throws(WireFault) -> [ChildMessage] {
        var inbox = ChildInbox()
        var found: [ChildMessage] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            unsafe bytes[start..<min(start + chunk, bytes.count)].withUnsafeBytes { unsafe inbox.append($0) }
            while let message = try inbox.next() { found.append(message) }
        }
        return found
    }

    @Test("each arrives as it was sent, however it is cut", arguments: [1, 7, 64, 100_000])
    func roundTrip(chunk: Int) throws {
        #expect(try messages(in: Self.messages.flatMap { $0.encoded() }, chunk: chunk) == Self.messages)
    }

    @Test("random bytes and damaged messages are a fault or another message, and never more than their bytes")
    func hostile() {
        var random = SeededGenerator(seed: 20)
        for _ in 0..<20_000 * testScale {
            var bytes = Self.messages.randomElement(using: &random)!.encoded()
            for _ in 0...Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
            _ = try? messages(in: bytes, chunk: 1 << 20)
        }
    }

    @Test("a length or kind that no message has is a fault before anything is waited for")
    func refusesPrefix() {
        #expect(throws: WireFault.tooLong(kind: 107, limit: 8, found: 9)) {
            try messages(in: [9, 0, 0, 0, 107, 0, 0, 0], chunk: 8)
        }
        #expect(throws: WireFault.unknownKind(3)) { try messages(in: [0, 0, 0, 0, 3, 0, 0, 0], chunk: 8) }
        #expect(throws: WireFault.trailing(bytes: 1)) {
            try messages(in: [5, 0, 0, 0, 102, 0, 0, 0, 0, 0, 0, 0, 65], chunk: 99)
        }
        #expect(throws: WireFault.cutOff(needed: 2, left: 1)) {
            try messages(in: [5, 0, 0, 0, 102, 0, 0, 0, 2, 0, 0, 0, 65], chunk: 99)
        }
    }

    @Test("requests arrive through a socket as they were sent, and the end of one is no message")
    func requests() throws {
        let requests: [HostMessage] = [
            .load(path: "/a/b.so", memoryBytes: 5),
            .open(sink: "s", settings: [CheckedSetting(key: "k", text: "t", number: -3)]),
            .deliver(deadline: 9, header: [1, 2], payload: [3, 4, 5]), .stop, .close,
        ]
        let (one, other) = try Socket.pair()
        for request in requests {
            if case .deliver(_, let header, let payload) = request {
                #expect(one.send(request.opening() + header + payload))
            } else {
                #expect(one.send(request.opening()))
            }
            #expect(try HostMessage.receive(from: other) == request)
        }
        #expect(one.send([1, 2]))
        one.hangUp()
        #expect(try HostMessage.receive(from: other) == nil)
    }

    @Test("a request that is too long is refused by its length")
    func refusesRequest() throws {
        let (one, other) = try Socket.pair()
        #expect(one.send([0, 0, 0, 255, 2, 0, 0, 0]))
        #expect(throws: WireFault.tooLong(kind: 2, limit: 1 << 20, found: 255 << 24)) {
            try HostMessage.receive(from: other)
        }
        #expect(one.send([20, 0, 0, 0, 3, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [99, 0, 0, 0]))
        #expect(throws: WireFault.cutOff(needed: 99, left: 8)) { try HostMessage.receive(from: other) }
    }

    @Test("what is printed becomes lines without control characters, each of bounded length")
    func lines() {
        var lines = OutputLines()
        #expect(lines.append(Array("a\n\n".utf8)) == ["a"])
        #expect(lines.append(Array("b".utf8)) == [])
        #expect(lines.append(Array("\u{1B}[1m\tc\r\nd".utf8)) == ["b\u{FFFD}[1m\tc\u{FFFD}"])
        #expect(lines.finish() == "d")
        #expect(lines.finish() == nil)
        let long = lines.append([UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000) + [10])
        #expect(long == [String(repeating: "x", count: 1024) + "… (998976 bytes more)"])
    }
}
