import Testing
import WeirTestSupport
import WeirExporterSupport

@Suite("Protobuf on the wire")
struct ProtobufWireTests {
    @Test("what is written backward is read forward, for all lengths of numbers")
    func numbers() throws {
        var writer = WireWriter(capacity: 1)
        let values = (0..<64).flatMap { [UInt64(1) << $0, (UInt64(1) << $0) &- 1] } + [.max]
        for value in values.reversed() {
            writer.add(3, zigzag: Int64(bitPattern: value))
            writer.add(2, fixed64: value)
            writer.add(1, varint: value)
        }
        var reader = WireReader(writer.bytes[...])
        for value in values {
            #expect(try reader.next()?.value == .varint(value))
            #expect(try reader.next()?.value == .fixed64(value))
            let signed = Int64(bitPattern: value)
            let zigzag = signed < 0 ? UInt64(bitPattern: ~signed) << 1 | 1 : UInt64(bitPattern: signed) << 1
            let field = try #require(try reader.next())
            #expect(field.field == 3 && field.value == .varint(zigzag))
        }
        #expect(try reader.next() == nil)
    }

    @Test("messages, texts and packed numbers have the bytes that protobuf's documents give")
    func bytes() {
        var writer = WireWriter()
        writer.add(6, packedVarints: [3, 270, 86942])
        #expect(writer.bytes == [0x32, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
        writer.reset()
        writer.add(3) { $0.add(1, varint: 150) }
        #expect(writer.bytes == [0x1A, 0x03, 0x08, 0x96, 0x01])
        writer.reset()
        writer.add(2, text: "testing")
        #expect(writer.bytes == [0x12, 0x07] + Array("testing".utf8))
        #expect(writer.count == 9)
        writer.reset()
        writer.add(1, packedZigzags: [-1, 1, -2])
        #expect(writer.bytes == [0x0A, 0x03, 1, 2, 3])
        writer.reset()
        writer.add(1, packedDoubles: [1, -2])
        #expect(writer.bytes == [0x0A, 16, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0])
    }

    @Test("a buffer grows in the middle of a message and keeps what it has")
    func growth() throws {
        var writer = WireWriter(capacity: 1)
        let text = String(repeating: "long", count: 5000)
        writer.add(1) { inner in
            inner.add(2, text: text)
            inner.add(1, text: "short")
        }
        var outer = WireReader(writer.bytes[...])
        guard case .bytes(let message)? = try outer.next()?.value else {
            Issue.record("wanted a message")
            return
        }
        var inner = WireReader(message)
        #expect(try inner.next()?.value == .bytes(Array("short".utf8)[...]))
        #expect(try inner.next()?.value == .bytes(Array(text.utf8)[...]))
    }

    @Test("a message that ends too early is refused at every byte, and random bytes do no harm")
    func hostile() throws {
        func readAll(_ bytes: ArraySlice<UInt8>) throws(WireReader.Failure) {
            var reader = WireReader(bytes)
            while try reader.next() != nil {}
        }
        var writer = WireWriter()
        writer.add(1000, text: "0123456789")
        for length in 1..<writer.count {
            #expect(throws: WireReader.Failure.self) { try readAll(writer.bytes[..<length]) }
        }
        #expect(throws: WireReader.Failure.longNumber(at: 1)) {
            try readAll([0x08] + [UInt8](repeating: 0xFF, count: 10) + [0])
        }
        #expect(throws: WireReader.Failure.field(tag: 0, at: 0)) { try readAll([0]) }
        #expect(throws: WireReader.Failure.truncated(at: 0)) {
            try readAll([0x0A] + [UInt8](repeating: 0xFF, count: 9) + [1])
        }
        var random = SeededGenerator(seed: 5)
        for _ in 0..<(20_000 * testScale) {
            let length = Int.random(in: 0...40, using: &random)
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try? readAll(bytes[...])
        }
    }
}
