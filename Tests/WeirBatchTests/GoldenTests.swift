internal import Foundation
internal import Testing
internal import WeirBatch

@Suite("Files that stay")
struct GoldenTests {
    private static let fixtures = Bundle.module.bundleURL.appending(path: "Fixtures")

    @Test("a golden file is read as what it always was", arguments: GoldenFile.all)
    func golden(file: GoldenFile) throws {
        let items = try Self.reader(file).rest()
        try #require(items.count == 2)
        let frame = try #require(items[0].frame)
        #expect(try frame.batch() == file.batch)
        #expect(frame.header.stream == GoldenBatch.stream)
        #expect(frame.header.first == 7)
        #expect(frame.header.gaps.map(\.cause) == [.overflowOldest])
        #expect(try #require(items[1].endMark).header.last == 7)
    }

    @Test(
        "its header and message are written today byte for byte as then; only zstd may have learned",
        arguments: GoldenFile.all)
    func writtenTheSame(file: GoldenFile) throws {
        let frame = try #require(try Self.reader(file).next()?.frame)
        let written = try Self.bytes(file)
        #expect(frame.header.encoded() == Array(written[..<Int(frame.length - frame.header.payloadLength)]))

        var encoder = try BatchEncoder()
        let payload = try encoder.encode(file.batch)
        let header = GoldenBatch.header(payload)
        let again = try #require(try Array(reading: header.encoded() + payload.bytes).first?.frame)
        #expect(try again.message() == frame.message())
    }

    @Test("the format document shows the golden file's own bytes")
    func workedExample() throws {
        let document = try String(
            contentsOf: Self.root.appending(path: "Sources/Weir/Weir.docc/BatchFormat.md"), encoding: .utf8)
        var bytes: [UInt8] = []
        for line in document.split(separator: "\n") {
            // `0000: 57 2a …  what it is`: bytes end at two spaces.
            guard line.dropFirst(4).hasPrefix(": "), let offset = Int(line.prefix(4), radix: 16) else { continue }
            #expect(offset == bytes.count)
            let columns = line.dropFirst(6).split(separator: "  ", maxSplits: 1)
            bytes += columns[0].split(separator: " ").compactMap { UInt8($0, radix: 16) }
        }
        #expect(try bytes == Self.bytes(.all[0]))
    }

    @Test("zstd passes over the headers, and protoc reads the rest as the reader does", arguments: GoldenFile.all)
    func protoc(file: GoldenFile) throws {
        let text = try Self.decodeWithProtoc(Self.bytes(file))
        let expected = try String(contentsOf: Self.fixtures.appending(path: "\(file.name).txtpb"), encoding: .utf8)
        #expect(text == expected)
    }

    @Test("a concatenation of random batches is to protoc what it is to the reader")
    func protocConcatenation() throws {
        var bytes: [UInt8] = []
        var batches: [Batch] = []
        for seed in 1...UInt64(10) {
            let file = try BatchFile.sample(seed: seed)
            bytes += file.bytes
            batches += file.frames.map(\.batch)
        }
        let text = try Self.decodeWithProtoc(bytes)
        #expect(text.values(of: "  end_time") == batches.map(\.endTime).filter { $0 != 0 }.map(String.init))
        let views = batches.flatMap(\.views)
        #expect(text.values(of: "    rows") == views.map(\.rows).filter { $0 != 0 }.map(String.init))
        #expect(text.values(of: "    integers") == views.flatMap(\.integers).map(String.init))
        #expect(text.values(of: "    tag_values") == views.flatMap(\.tagValues).map(String.init))
        #expect(text.values(of: "    zero_counts") == views.flatMap(\.zeroCounts).map(String.init))
        #expect(text.values(of: "    end_times") == views.flatMap(\.endTimes).map(String.init))
        let doubles = text.values(of: "    doubles").compactMap(Double.init)
        #expect(doubles == views.flatMap(\.doubles))
        let exemplars = views.map(\.exemplars)
        #expect(text.values(of: "    exemplar_rows") == exemplars.flatMap(\.rows).map(String.init))
        #expect(text.values(of: "    exemplar_spans") == exemplars.flatMap(\.spans).map(String.init))
        #expect(text.values(of: "    exemplar_tag_values") == exemplars.flatMap(\.tagValues).map(String.init))
        #expect(text.values(of: "  strings").count == batches.reduce(0) { $0 + $1.strings.count })
    }

    @Test("broken files are refused for what is wrong with them", arguments: BrokenFile.all)
    func broken(file: BrokenFile) throws {
        let path = Self.fixtures.appending(path: "broken/\(file.name).weir.zst").path
        var reasons: [BatchError] = []
        var limits = ReadLimits()
        limits.unpackedLength = 64 << 20
        let reader = try BatchReader(path: path, limits: limits)
        while let item = try reader.next() {
            switch item {
            case .damage(let damage): reasons.append(damage.reason)
            case .frame(let frame): do { _ = try frame.batch() } catch { reasons.append(error) }
            case .headless(let frame): do { _ = try frame.batches() } catch { reasons.append(error) }
            case .endMark: break
            }
        }
        #expect(reasons == file.reasons)
    }

    @Test("every broken file is read by a test")
    func noneForgotten() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.fixtures.appending(path: "broken").path)
        #expect(Set(names) == Set(BrokenFile.all.map { "\($0.name).weir.zst" }))
    }

    // MARK: - Help

    private static let root = URL(filePath: #filePath).appending(path: "../../..").standardized

    private static func bytes(_ file: GoldenFile) throws -> [UInt8] {
        try Array(Data(contentsOf: fixtures.appending(path: "\(file.name).weir.zst")))
    }

    private static func reader(_ file: GoldenFile) throws -> BatchReader {
        try BatchReader(path: fixtures.appending(path: "\(file.name).weir.zst").path)
    }

    /// What README and format document tell people to do.
    private static func decodeWithProtoc(_ bytes: [UInt8]) throws -> String {
        let proto = root.appending(path: "proto").path
        let command = "zstd -dc | protoc --decode=weir.v1.Batches -I '\(proto)' '\(proto)/weir/v1/batch.proto'"
        return String(decoding: try Shell.run(command, input: bytes), as: UTF8.self)
    }
}

extension String {
    /// What stands behind a field's name in protoc's text, line by line.
    fileprivate func values(of field: String) -> [String] {
        split(separator: "\n").filter { $0.hasPrefix(field + ": ") }.map { String($0.dropFirst(field.count + 2)) }
    }
}

/// A file in `Fixtures`, with the text that protoc makes of it beside it, and what is in it.
struct GoldenFile: Sendable, CustomTestStringConvertible {
    let name: String
    let batch: Batch
    var testDescription: String { name }

    static let all = [
        GoldenFile(name: "golden", batch: GoldenBatch.batch),
        GoldenFile(name: "golden-exemplars", batch: GoldenBatch.withExemplars),
    ]
}

/// A file in `Fixtures/broken`, and why it or its parts are refused.
struct BrokenFile: Sendable, CustomTestStringConvertible {
    let name: String
    let reasons: [BatchError]
    var testDescription: String { name }

    static let all: [BrokenFile] =
        [
            .init(name: "bomb-lying", reasons: [.compression("Destination buffer is too small")]),
            .init(name: "bomb-honest", reasons: [.tooLong(.raw, limit: 64 << 20, found: 1 << 31)]),
            .init(name: "empty-views", reasons: [.malformed(message: "Batches")]),
            .init(name: "torn-tail", reasons: [.truncated(expected: 293, found: 109)]),
            .init(name: "header-flipped", reasons: [.headerChecksum(expected: 3_108_886_041, found: 3_330_076_229)]),
            .init(name: "payload-flipped", reasons: [.compression("Restored data doesn't match checksum")]),
            .init(
                name: "header-of-four-gigabytes", reasons: [.tooLong(.header, limit: 64 << 10, found: 4_294_967_303)]),
            .init(name: "garbage", reasons: [.unexpectedBytes]),
        ] + LyingMessage.all.map { .init(name: $0.testDescription, reasons: [$0.error]) }
}
