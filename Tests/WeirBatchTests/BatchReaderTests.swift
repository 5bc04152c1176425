internal import Foundation
internal import Testing
internal import WeirBatch

@Suite("A reader")
struct BatchReaderTests {
    private let file: BatchFile

    init() throws {
        file = try .sample(seed: 11)
    }

    @Test("goes from header to header and leaves the payloads alone")
    func seeks() throws {
        let source = CountingSource(file.bytes)
        let reader = try BatchReader(source)
        var frames: [Frame] = []
        while let item = try reader.next() {
            if let frame = item.frame { frames.append(frame) }
        }
        #expect(frames.map(\.header) == file.frames.map(\.header))
        #expect(source.greatestRead <= 4096)
        // Still there when somebody asks, in any order.
        for (frame, written) in zip(frames, file.frames).reversed() { #expect(try frame.batch() == written.batch) }
    }

    @Test("reads a file, a descriptor that stands within a file, and a pipe alike")
    func sources() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID()).weir.zst").path
        #expect(FileManager.default.createFile(atPath: path, contents: Data(file.bytes)))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try contents(of: BatchReader(path: path)) == file.frames.map(\.batch))

        let handle = try #require(FileHandle(forReadingAtPath: path))
        try handle.seek(toOffset: file.frames[0].header.frameLength)
        let rest = try BatchReader(DescriptorSource(descriptor: handle.fileDescriptor, path: path))
        #expect(try contents(of: rest) == file.frames.dropFirst().map(\.batch))

        let pipe = try Shell.pipe(file.bytes)
        let reader = try BatchReader(DescriptorSource(descriptor: pipe.fileDescriptor, path: "pipe"))
        #expect(try contents(of: reader) == file.frames.map(\.batch))
    }

    @Test("says which file it could not open")
    func missingFile() {
        #expect(throws: BatchError.system(call: "open", path: "/nowhere/at/all", errno: ENOENT)) {
            try BatchReader(path: "/nowhere/at/all")
        }
    }

    @Test("what is no regular file is refused by its kind, and nothing is waited for", .timeLimit(.minutes(1)))
    func irregular() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID()).weir.zst").path
        let made = unsafe mkfifo(path, 0o600)
        #expect(made == 0)
        defer { unsafe unlink(path) }
        for (path, kind) in [(path, "a pipe"), ("/dev/zero", "a device"), ("/", "a directory")] {
            #expect(throws: BatchError.notRegular(found: kind)) { try BatchReader(path: path) }
        }
        #expect("\(BatchError.notRegular(found: "a pipe"))" == "wanted a regular file, found a pipe")
    }

    @Test("reads files one after the other, with other people's skippable frames between")
    func concatenation() throws {
        let other = try BatchFile.sample(seed: 12)
        let foreign =
            HandMade.skippable([], magic: 0x184D_2A50) + HandMade.skippable([1, 2, 3], magic: 0x184D_2A5F)
            + HandMade.skippable(Array("WIER and more".utf8)) + HandMade.skippable(Array(repeating: 0, count: 200_000))
        let bytes = foreign + file.bytes + foreign + other.bytes + foreign
        for reader in try readers(of: bytes) {
            #expect(try contents(of: reader) == (file.frames + other.frames).map(\.batch))
        }
    }

    @Test("waits for what is still being written, byte by byte, and then returns it whole")
    func following() throws {
        let source = MemorySource([])
        let reader = try BatchReader(source)
        var boundaries = file.boundaries[...]
        var seen = 0
        for (count, byte) in file.bytes.enumerated() {
            source.append([byte])
            let item = try reader.next(following: true)
            guard count + 1 == boundaries.first else {
                #expect(item == nil)
                continue
            }
            boundaries.removeFirst()
            if let frame = item?.frame {
                #expect(try frame.batch() == file.frames[seen].batch)
                seen += 1
            } else {
                #expect(item?.endMark != nil)
            }
            #expect(try reader.next(following: true) == nil)
        }
        #expect(seen == file.frames.count)
        #expect(boundaries.isEmpty)
    }

    @Test("cut off at any byte returns what is whole and says that a frame is torn")
    func truncation() throws {
        for count in 0..<file.bytes.count {
            let whole = file.boundaries.prefix { $0 <= count }
            let start = whole.last ?? 0
            for reader in try readers(of: Array(file.bytes[..<count])) {
                let items = try reader.rest()
                try #require(items.count == whole.count + (start == count ? 0 : 1))
                for (item, written) in zip(items, file.frames).prefix(whole.count) {
                    #expect(try item.frame?.batch() == written.batch)
                }
                guard start != count else { continue }
                let damage = try #require(items.last?.damage)
                #expect(damage.offset == start && damage.length == count - start)
                guard case .truncated = damage.reason else {
                    Issue.record("cut at \(count): \(damage.reason)")
                    continue
                }
                // Once the header is whole, what was lost is known.
                let isHeaderWhole = count - start >= file.frames[min(whole.count, 2)].header.encoded().count
                if whole.count < 3 { #expect((damage.lost != nil) == isHeaderWhole) }
            }
        }
    }

    @Test("reads batches that somebody compressed without headers, also by streaming, also several in one frame")
    func headless() throws {
        let payloads = try file.payloads()
        let messages = try payloads.flatMap { payload in
            try Array(reading: payload).compactMap(\.headless).flatMap { try $0.batches() }
        }
        #expect(messages == file.frames.map(\.batch))

        let whole = try Shell.run("zstd -dc", input: file.bytes)
        for command in ["zstd", "zstd --no-check", "zstd --no-content-size", "zstd -19 --long=27"] {
            let items = try Array(reading: Shell.run("\(command) -c", input: whole))
            #expect(items.count == 1)
            #expect(try items.first?.headless?.batches() == file.frames.map(\.batch), "\(command)")
        }
    }

    @Test("takes a zstd frame of something else for what it is")
    func notABatch() throws {
        for text in ["Twelve days of rain.", String(repeating: "rain ", count: 100_000)] {
            let items = try Array(reading: Shell.run("zstd -c", input: Array(text.utf8)))
            let frame = try #require(items.first?.headless)
            #expect(throws: BatchError.malformed(message: "Batches")) { try frame.batches() }
        }
    }
}

// MARK: - Help

extension BatchReader {
    /// All items until the end.
    func rest() throws(BatchError) -> [Item] {
        var items: [Item] = []
        while let item = try next() { items.append(item) }
        return items
    }
}

/// The batches of all frames; anything else but end marks is a failure.
private func contents(of reader: BatchReader) throws -> [Batch] {
    try reader.rest().compactMap { item in
        if item.endMark == nil { try #require(item.frame).batch() } else { nil }
    }
}

/// Readers over memory that can be sought in and over memory that passes by.
func readers(of bytes: [UInt8], limits: ReadLimits = ReadLimits()) throws -> [BatchReader] {
    try [BatchReader(MemorySource(bytes), limits: limits), BatchReader(PassingSource(bytes), limits: limits)]
}

extension FrameHeader {
    /// Bytes of header and payload.
    var frameLength: UInt64 { UInt64(encoded().count) + payloadLength }
}

extension BatchFile {
    /// Three small batches and an end mark; the second has gaps before it.
    static func sample(seed: UInt64, rows: Int = 3) throws -> BatchFile {
        var generator = SeededGenerator(seed: seed)
        var encoder = try BatchEncoder()
        var file = BatchFile()
        for number in 0..<3 {
            var header = FrameHeader.random(using: &generator)
            while header.gaps.isEmpty { header = .random(using: &generator) }
            let batch = Batch.random(using: &generator, views: 3, rows: rows)
            try file.append(batch, gaps: number == 1 ? header.gaps : [], with: &encoder)
        }
        file.end()
        return file
    }

    /// Where each item ends.
    var boundaries: [Int] {
        let ends = frames.reduce(into: [0]) { $0.append($0.last! + Int($1.header.frameLength)) }
        return ends.dropFirst() + [bytes.count]
    }

    /// The zstd frames alone.
    func payloads() throws -> [[UInt8]] {
        try Array(reading: bytes).compactMap { try $0.frame?.payloadBytes() }
    }
}

/// Memory that notes the greatest read.
private final class CountingSource: ByteSource {
    let path = "counting"
    private let memory: MemorySource
    private(set) var greatestRead = 0

    init(_ bytes: [UInt8]) { memory = MemorySource(bytes) }

    func length() -> UInt64? { memory.length() }

    func read(at offset: UInt64, atLeast: Int, upTo: Int) -> [UInt8] {
        greatestRead = max(greatestRead, upTo)
        return memory.read(at: offset, atLeast: atLeast, upTo: upTo)
    }

    func forget(before offset: UInt64) {}
}

/// Memory that passes by once, gives no more than asked for, and fails a reader that goes back.
final class PassingSource: ByteSource {
    let path = "passing"
    private let memory: MemorySource
    private var forgotten: UInt64 = 0

    init(_ bytes: [UInt8]) { memory = MemorySource(bytes) }

    func length() -> UInt64? { nil }

    func read(at offset: UInt64, atLeast: Int, upTo: Int) -> [UInt8] {
        if offset < forgotten { Issue.record("read at \(offset), forgotten up to \(forgotten)") }
        return memory.read(at: offset, atLeast: atLeast, upTo: atLeast)
    }

    func forget(before offset: UInt64) { forgotten = max(forgotten, offset) }
}
