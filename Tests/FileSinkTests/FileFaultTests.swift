import FileSink
import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExporterKit
import WeirTestSupport

@Suite("The file exporter on a failing disk")
struct FileFaultTests {
    private let host = TestHost()
    private let system = FaultyFileSystem()
    private let directory: TemporaryDirectory
    private let stream: TestStream

    init() throws {
        directory = try TemporaryDirectory()
        stream = try TestStream(0x1111)
    }

    private func sink(sync: Int64 = 0) throws -> FileSink {
        try FileSink(settings: settings(directory.path, sync: sync), host: host.host, fileSystem: system)
    }

    private func isRetry(_ result: DeliveryResult) -> Bool {
        if case .retry = result { true } else { false }
    }

    @Test("partial and interrupted writes are continued", arguments: [1, 7, 40, 100])
    func partialWrites(longest: Int) throws {
        system.faults.withLock { $0.longestWrite = longest }
        let sink = try sink()
        for number in 1...3 {
            system.faults.withLock { $0.interruptions = 5 }
            #expect(stream.deliver(UInt64(number), to: sink) == .delivered)
        }
        let all = try DirectoryContents(directory.path)
        #expect(all.numbers == [1, 2, 3])
        #expect(all.damage.isEmpty)
    }

    @Test("a disk that fills at any byte of a frame costs a retry, and the file still ends with a whole frame")
    func diskFull() throws {
        let sink = try sink()
        #expect(stream.deliver(1, to: sink) == .delivered)
        let length = stream.bytes(2).count
        for room in 0..<length {
            system.faults.withLock { $0.room = room }
            #expect(isRetry(stream.deliver(2, to: sink)))
            let all = try DirectoryContents(directory.path)
            #expect(all.numbers == [1])
            #expect(all.damage.isEmpty)
        }
        system.faults.withLock { $0.room = .max }
        #expect(stream.deliver(2, to: sink) == .delivered)
        let all = try DirectoryContents(directory.path)
        #expect(all.numbers == [1, 2])
        #expect(all.files == 1)
        #expect(sink.counters.last == ExporterCounter("writes.failed", unit: "{call}", value: UInt64(length)))
    }

    @Test("what cannot be cut off is left behind in its file, and the frame goes to a new one")
    func truncationFails() throws {
        let sink = try sink()
        stream.deliver(1, to: sink)
        system.faults.withLock {
            $0.room = 50
            $0.failsToTruncate = true
        }
        #expect(isRetry(stream.deliver(2, to: sink)))
        system.faults.withLock { $0.room = .max }
        host.pass(1)
        #expect(stream.deliver(2, to: sink) == .delivered)
        let all = try DirectoryContents(directory.path)
        #expect(all.numbers == [1, 2])
        #expect(all.files == 2)
        #expect(all.tornTails == 1)
    }

    @Test("frames are synced never, once a second, or each", arguments: [(Int64(0), 0), (1, 1), (2, 6)])
    func syncs(mode: Int64, count: Int) throws {
        let sink = try sink(sync: mode)
        for number in 1...6 {
            stream.deliver(UInt64(number), to: sink)
            host.pass(400_000_000)
        }
        // At 0, 400, … 2000 ms: a second after the file began comes the fourth, and 2000 ms is 800 after that.
        #expect(system.faults.withLock { $0.syncs } == count)
    }

    @Test("a frame whose sync fails is not said to be delivered, and is in the file once")
    func syncFails() throws {
        let sink = try sink(sync: 2)
        stream.deliver(1, to: sink)
        system.faults.withLock { $0.failsToSync = true }
        #expect(isRetry(stream.deliver(2, to: sink)))
        system.faults.withLock { $0.failsToSync = false }
        #expect(stream.deliver(2, to: sink) == .delivered)
        #expect(try DirectoryContents(directory.path).numbers == [1, 2])
    }

    @Test("asked to stop, it leaves a frame unwritten and still ends the stream")
    func stops() throws {
        let sink = try sink()
        stream.deliver(1, to: sink)
        sink.stop()
        #expect(isRetry(stream.deliver(2, to: sink)))
        #expect(stream.end(2, at: sink) == .delivered)
        let all = try DirectoryContents(directory.path)
        #expect(all.numbers == [1])
        #expect(all.endMarks.count == 1)
        #expect(all.damage.isEmpty)
    }
}

/// Processes of their own, which end as no test may.
@Suite("The file exporter and the end of its process")
struct FileProcessTests {
    @Test("a kill at any moment of writing costs at most the frame being written", arguments: 1...(3 * testScale))
    func killed(run: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        // The pause before the kill differs from run to run; whatever is being done then is cut short.
        let microseconds = UInt32(1_000 + (run * 7_919) % 40_000)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, microseconds = microseconds as UInt32] in
            let sink = try FileSink(
                settings: settings(path, rotateBytes: 200_000, totalBytes: 1 << 30), host: TestHost().host,
                fileSystem: PosixFileSystem())
            let stream = try TestStream(0x1111, rows: 2000)
            stream.deliver(1, to: sink)
            Thread.detachNewThread {
                usleep(microseconds)
                kill(getpid(), SIGKILL)
            }
            var number: UInt64 = 1
            while true {
                number += 1
                stream.deliver(number, to: sink)
            }
        }
        let all = try DirectoryContents(path)
        #expect(!all.numbers.isEmpty)
        #expect(all.damage.count <= 1)
        #expect(all.tornTails == all.damage.count)
        #expect(all.numbers == Array(1..<UInt64(all.numbers.count + 1)))
        // The next process goes on beside what the kill left.
        let next = try FileSink(settings: settings(path), host: TestHost().host, fileSystem: PosixFileSystem())
        #expect(next.previousStream == StreamName(high: 0x1111, low: 0x1111))
        #expect(try TestStream(0x2222).deliver(1, to: next) == .delivered)
        #expect(try DirectoryContents(path).headers.last?.stream.high == 0x2222)
    }

    @Test("a file that may not grow is left whole, by the system's own refusal")
    func fileSizeLimit() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            let stream = try TestStream(0x1111)
            var limit = rlimit(rlim_cur: rlim_t(stream.bytes(1).count * 5 / 2), rlim_max: rlim_t.max)
            #expect(unsafe setrlimit(__rlimit_resource_t(1), &limit) == 0)  // RLIMIT_FSIZE
            let sink = try FileSink(settings: settings(path), host: TestHost().host, fileSystem: PosixFileSystem())
            #expect(stream.deliver(1, to: sink) == .delivered)
            #expect(stream.deliver(2, to: sink) == .delivered)
            guard case .retry = stream.deliver(3, to: sink) else {
                Issue.record("wanted a retry")
                return
            }
        }
        let all = try DirectoryContents(path)
        #expect(all.numbers == [1, 2])
        #expect(all.damage.isEmpty)
    }
}
