import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("A dead-letter folder")
struct DeadLetterFolderTests {
    private let directory: TemporaryDirectory
    private let stream: TestStream

    init() throws {
        directory = try TemporaryDirectory()
        stream = try TestStream()
    }

    private func inflight(_ number: UInt64) throws -> InflightBatch {
        var queue = SinkQueue()
        queue.offer(stream.batch(number), now: 0)
        return try take(&queue)
    }

    @Test("a folder that somebody removes is made anew")
    func missing() throws {
        let folder = try DeadLetterFolder(directory: directory.path + "/a/b")
        try FileManager.default.removeItem(atPath: directory.path + "/a")
        try folder.keep(inflight(42), time: 1)
        #expect(try directory.names(in: "a/b").count == 1)
    }

    @Test("a batch is kept as a batch file of its own")
    func keeps() throws {
        let path = directory.path + "/a/b"
        let folder = try DeadLetterFolder(directory: path)
        try folder.keep(inflight(42), time: 1_795_525_200_000_000_000)
        #expect(try directory.names(in: "a/b") == ["dead-letter-01795525200000000000-0000000000000001-42.weir.zst"])
        let reader = try BatchReader(path: path + "/" + directory.names(in: "a/b")[0])
        guard case .frame(let frame) = try reader.next() else {
            Issue.record("wanted a frame")
            return
        }
        #expect(frame.header.first == 42)
        #expect(try frame.batch().rows == 3)
        let end = try reader.next()
        #expect(end == nil)
    }

    @Test("the oldest go where there are too many, or too many bytes; what is not ours stays")
    func isBounded() throws {
        let foreign = directory.path + "/notes.txt"
        try Data("mine".utf8).write(to: URL(filePath: foreign))
        let few = try DeadLetterFolder(directory: directory.path, maximumFiles: 3)
        for number in 1...UInt64(10) { try few.keep(inflight(number), time: number) }
        #expect(try directory.names().count == 4)
        #expect(try directory.names().filter { $0.hasSuffix("-8.weir.zst") }.count == 1)
        let small = try DeadLetterFolder(directory: directory.path, maximumBytes: UInt64(2 * stream.length(11)))
        try small.keep(inflight(11), time: 11)
        #expect(try directory.names().count <= 3)
        #expect(try directory.names().contains("notes.txt"))
    }

    @Test("files of an earlier version count, and go by their age")
    func formerFiles() throws {
        let former = "poison-00000000000000000005-0000000000000001-1.weir.zst"
        try Data("old".utf8).write(to: URL(filePath: directory.path + "/" + former))
        let folder = try DeadLetterFolder(directory: directory.path, maximumFiles: 2)
        try folder.keep(inflight(1), time: 6)
        #expect(try directory.names().contains(former))
        try folder.keep(inflight(2), time: 7)
        #expect(try directory.names().count == 2)
        #expect(try !directory.names().contains(former))
    }

    @Test("a disk that refuses leaves nothing half written behind")
    func fullDisk() throws {
        let system = MemoryFileSystem()
        let folder = try DeadLetterFolder(directory: directory.path, fileSystem: system)
        let item = try inflight(1)
        system.state.withLock { $0.room = 20 }
        #expect(throws: SpillError.self) { try folder.keep(item, time: 1) }
        #expect(system.names == [])
        system.state.withLock { $0.room = .max }
        try folder.keep(item, time: 1)
        #expect(system.names.count == 1)
    }
}
