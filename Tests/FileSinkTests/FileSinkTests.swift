import FileSink
import Foundation
import Testing
import WeirBatch
import WeirExporterKit
import WeirTestSupport

@Suite("The file exporter")
struct FileSinkTests {
    private let host = TestHost()
    private let directory: TemporaryDirectory
    private let stream: TestStream

    init() throws {
        directory = try TemporaryDirectory()
        stream = try TestStream(0x1111)
    }

    private func sink(_ settings: Settings, _ fileSystem: (any FileSystem)? = nil) throws -> FileSink {
        try FileSink(settings: settings, host: host.host, fileSystem: fileSystem ?? PosixFileSystem())
    }

    private func contents(of name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(filePath: directory.path + "/" + name)))
    }

    private func file(_ sink: FileSink, _ name: String) -> UInt64? {
        sink.counters.first { $0.name.description == name }?.value
    }

    @Test("frames stand in a file one behind the other, the end mark last")
    func appends() throws {
        let sink = try sink(settings(directory.path))
        for number in 1...3 { #expect(stream.deliver(UInt64(number), to: sink) == .delivered) }
        #expect(stream.end(3, at: sink) == .delivered)
        sink.close()
        let names = try directory.names()
        #expect(names == ["weir-20261124T132601.123456789Z-0000000000001111-000001.weir.zst"])
        let end = FrameHeader(stream: stream.stream, first: 3, last: 3).encoded()
        #expect(try contents(of: names[0]) == stream.bytes(1) + stream.bytes(2) + stream.bytes(3) + end)
    }

    @Test("the directory is made with its parents, the files for others to read")
    func makesDirectories() throws {
        let path = directory.path + "/a/b//c/"
        let sink = try sink(settings(path))
        stream.deliver(1, to: sink)
        let name = try #require(try directory.names(in: "a/b/c").first)
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        let mask = umask(0)
        umask(mask)
        #expect(attributes[.posixPermissions] as? Int == 0o644 & ~Int(mask))
    }

    @Test("a directory that cannot be is refused when the sink is made, with its path")
    func refusesDirectory() throws {
        let path = directory.path + "/file"
        try Data().write(to: URL(filePath: path))
        let error = #expect(throws: ExporterError.self) { try sink(settings(path + "/below")) }
        #expect(error?.description.contains(path) == true)
        #expect(throws: ExporterError.self) { try sink(settings(path)) }
    }

    @Test("totalBytes below two files is refused with both numbers")
    func refusesSmallTotal() {
        let error = #expect(throws: ExporterError.self) {
            try sink(settings(directory.path, rotateBytes: 10_000, totalBytes: 19_999))
        }
        #expect(error?.description == "totalBytes: wanted at least twice rotateBytes, which is 10000, found 19999")
    }

    @Test("a file that would grow too large is ended")
    func rotatesBySize() throws {
        let length = Int64(stream.bytes(1).count)
        let sink = try sink(settings(directory.path, rotateBytes: length * 2, totalBytes: length * 100))
        for number in 1...5 {
            stream.deliver(UInt64(number), to: sink)
            host.pass(1)
        }
        let names = try directory.names()
        #expect(names.count == 3)
        for name in names { #expect(try contents(of: name).count <= length * 2) }
        #expect(try DirectoryContents(directory.path).numbers == [1, 2, 3, 4, 5])
        #expect(file(sink, "files.created") == 3)
    }

    @Test("a file that is too old is ended, but not for an end mark")
    func rotatesByAge() throws {
        let sink = try sink(settings(directory.path, rotateAge: 60_000_000_000))
        stream.deliver(1, to: sink)
        host.pass(59_999_999_999)
        stream.deliver(2, to: sink)
        #expect(try directory.names().count == 1)
        host.pass(1)
        stream.deliver(3, to: sink)
        #expect(try directory.names().count == 2)
        host.pass(600_000_000_000)
        stream.end(3, at: sink)
        #expect(try directory.names().count == 2)
    }

    @Test("all files together stay within totalBytes: the oldest go, and are counted")
    func holdsTotal() throws {
        let length = Int64(stream.bytes(1).count)
        let sink = try sink(settings(directory.path, rotateBytes: length * 3, totalBytes: length * 10))
        for number in 1...100 {
            #expect(stream.deliver(UInt64(number), to: sink) == .delivered)
            host.pass(1)
            let sizes = try directory.names().map { try contents(of: $0).count }
            #expect(sizes.reduce(0, +) <= length * 10)
        }
        let numbers = try DirectoryContents(directory.path).numbers
        #expect(numbers == Array((101 - UInt64(numbers.count))...100))
        #expect(numbers.count >= 7)
        let removed = file(sink, "files.removed") ?? 0
        #expect(removed + UInt64(try directory.names().count) == file(sink, "files.created"))
        #expect(file(sink, "bytes.removed") == UInt64(length) * (100 - UInt64(numbers.count)))
    }

    #if os(Linux)
    @Test("a file that is ended is unlocked, also where a child still has it open")
    func unlocksFilesThatChildrenHave() throws {
        let files = PosixFileSystem()
        let path = directory.path + "/file"
        var file: (any WritableFile)? = try files.create(path)
        // A child that was forked has a second descriptor of the same open file, as this one is.
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let descriptor = try #require(
            descriptors.first {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
            })
        let inherited = dup(descriptor)
        defer { close(inherited) }
        #expect(try files.beginning(of: path, count: 1) == nil)
        #expect(try !files.remove(path))
        withExtendedLifetime(file) {}
        file = nil
        #expect(try files.beginning(of: path, count: 1)?.isEmpty == true)
        #expect(try files.remove(path))
    }
    #endif

    @Test("there are at most totalFiles files, and those of others are not ours to remove")
    func holdsFileCount() throws {
        try Data("mine".utf8).write(to: URL(filePath: directory.path + "/notes.txt"))
        let sink = try sink(settings(directory.path, rotateAge: 1_000_000_000, totalFiles: 3))
        for number in 1...10 {
            stream.deliver(UInt64(number), to: sink)
            host.pass(1_000_000_000)
        }
        let names = try directory.names()
        #expect(names.count == 4)
        #expect(names.contains("notes.txt"))
    }

    @Test("the order of names is the order of writing, however the clock steps")
    func clockSteps() throws {
        var random = SeededGenerator(seed: 9)
        var written: [UInt64] = []
        for run in 1...4 {
            // A new process each time, on the same directory.
            let stream = try TestStream(UInt64.random(in: 1...(.max), using: &random))
            let sink = try sink(settings(directory.path, rotateAge: 1_000_000_000))
            for step in 1...5 {
                host.stepWall(to: .random(in: 0...4_000_000_000_000_000_000, using: &random))
                host.pass(1_000_000_000)
                let number = UInt64(run * 10 + step)
                stream.deliver(number, to: sink)
                written.append(number)
            }
            sink.close()
        }
        #expect(try directory.names().count == 20)
        #expect(try DirectoryContents(directory.path).numbers == written)
    }

    @Test("a restart begins a file of its own and names the stream before")
    func restart() throws {
        let first = try sink(settings(directory.path))
        #expect(first.previousStream == nil)
        stream.deliver(1, to: first)
        first.close()
        // As a kill might leave it: the newest file has nothing whole in it, the one before a torn tail.
        let name = try directory.names()[0]
        try Data(stream.bytes(1) + stream.bytes(2).prefix(30)).write(to: URL(filePath: directory.path + "/" + name))
        let torn = FileName(time: 1_795_526_761_123_456_790, streamPrefix: 0x3333, number: 1).text
        try Data(try TestStream(0x3333).bytes(1).prefix(20)).write(to: URL(filePath: directory.path + "/" + torn))
        let second = try sink(settings(directory.path))
        #expect(second.previousStream == StreamName(high: 0x1111, low: 0x1111))
        try TestStream(0x2222).deliver(1, to: second)
        #expect(try directory.names().count == 3)
        let all = try DirectoryContents(directory.path)
        #expect(all.headers.map(\.stream.high) == [0x1111, 0x2222])
        #expect(all.damage.count == 2)
    }

    @Test("two sinks on one directory leave each other's files alone")
    func sharesDirectory() throws {
        let length = Int64(stream.bytes(1).count)
        let small = settings(directory.path, rotateBytes: length * 2, totalBytes: length * 4)
        let first = try sink(small)
        stream.deliver(1, to: first)
        host.pass(1)
        let second = try sink(small)
        // The first one's stream goes on: it is not the one before.
        #expect(second.previousStream == nil)
        let other = try TestStream(0x2222)
        for number in 1...20 {
            #expect(other.deliver(UInt64(number), to: second) == .delivered)
            host.pass(1)
        }
        #expect(stream.deliver(2, to: first) == .delivered)
        let all = try DirectoryContents(directory.path)
        #expect(all.damage.isEmpty)
        #expect(all.headers.filter { $0.stream == stream.stream }.map(\.first) == [1, 2])
        first.close()
        second.close()
        #expect(try sink(small).previousStream == StreamName(high: 0x2222, low: 0x2222))
    }

    @Test("a file that somebody removes or cuts is not written on")
    func survivesInterference() throws {
        let sink = try sink(settings(directory.path))
        stream.deliver(1, to: sink)
        try FileManager.default.removeItem(atPath: directory.path + "/" + directory.names()[0])
        #expect(stream.deliver(2, to: sink) == .delivered)
        #expect(try DirectoryContents(directory.path).numbers == [2])
        let name = try directory.names()[0]
        #expect(unsafe truncate(directory.path + "/" + name, 10) == 0)
        host.pass(1)
        #expect(stream.deliver(3, to: sink) == .delivered)
        let all = try DirectoryContents(directory.path)
        #expect(all.numbers == [3])
        #expect(all.damage.count == 1)
    }

    @Test("a directory that somebody removes or renames is made anew by the next frame", arguments: [false, true])
    func survivesMissingDirectory(isRenamed: Bool) throws {
        let path = directory.path + "/a/b"
        let sink = try sink(settings(path))
        stream.deliver(1, to: sink)
        if isRenamed {
            try FileManager.default.moveItem(atPath: directory.path + "/a", toPath: directory.path + "/c")
        } else {
            try FileManager.default.removeItem(atPath: directory.path + "/a")
        }
        host.pass(1)
        #expect(stream.deliver(2, to: sink) == .delivered)
        #expect(stream.deliver(3, to: sink) == .delivered)
        #expect(try DirectoryContents(path).numbers == [2, 3])
        if isRenamed { #expect(try DirectoryContents(directory.path + "/c/b").numbers == [1]) }
    }

    @Test("a frame larger than totalBytes is rejected, so that it does not block those behind it")
    func rejectsHugeFrame() throws {
        let sink = try sink(settings(directory.path, rotateBytes: 10, totalBytes: 20))
        guard case .rejected = stream.deliver(1, to: sink) else {
            Issue.record("wanted a rejection")
            return
        }
    }
}
