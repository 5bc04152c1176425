import Foundation
import Synchronization
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("Accounts over a socket")
struct StatsServerTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/s"
    }

    private func server(patience: UInt64 = 2_000_000_000, bytes: Int = 0) throws -> StatsServer {
        var random = SeededGenerator(seed: 5)
        let text = String(
            (0..<bytes).map { _ in Character(Unicode.Scalar(UInt8.random(in: 33...126, using: &random))) })
        return try StatsServer(StatsListener(at: path), patience: patience) { Self.batch(text) }
    }

    private static func batch(_ text: String) -> Batch {
        var batch = Batch()
        batch.endTime = 7
        batch.resource = [Batch.Attribute(key: "text", value: text)]
        return batch
    }

    /// What comes back for some bytes.
    private func answer(_ request: String) throws -> String {
        let socket = try connect()
        defer { close(socket) }
        send(request, to: socket)
        return String(decoding: received(from: socket), as: UTF8.self)
    }

    /// A client by itself, with nothing of the code that is tested.
    private func connect() throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(number, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        return number
    }

    private func send(_ text: String, to socket: Int32) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    private func received(from socket: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return all }
            all += bytes[..<count]
        }
    }

    // MARK: - Requests

    @Test("the line stats is answered with a batch file of one batch, which ends")
    func answers() throws {
        let server = try server()
        defer { server.stop() }
        for _ in 0..<3 {
            let reader = try BatchReader(MemorySource(StatsRequest.ask(path)))
            guard case .frame(let frame) = try reader.next(), case .endMark(let mark) = try reader.next() else {
                Issue.record("wanted a batch and an end mark")
                return
            }
            #expect(try frame.batch() == Self.batch(""))
            #expect(mark.header.stream == frame.header.stream)
            #expect(try reader.next() == nil)
        }
    }

    @Test("anything else is answered with a line that says what was wanted")
    func refusals() throws {
        let server = try server()
        defer { server.stop() }
        #expect(try answer("hello\n") == "weir: wanted the line 'stats', found 'hello'\n")
        #expect(try answer("\n") == "weir: wanted the line 'stats', found ''\n")
        #expect(try answer(String(repeating: "x", count: 300)) == "weir: wanted a line of at most 256 bytes\n")
        #expect(try answer("stats\r\n").hasPrefix("W*M"))
    }

    // MARK: - Clients that are no good

    @Test("silent clients are sent away, and keep nobody from an answer for long")
    func silent() throws {
        let server = try server(patience: 20_000_000)
        defer { server.stop() }
        let silent = try (0..<20).map { _ in try connect() }
        defer { for socket in silent { close(socket) } }
        for socket in silent[..<5] { send("sta", to: socket) }
        #expect(try StatsRequest.ask(path).starts(with: Array("W*M".utf8)))
        #expect(received(from: silent[0]) == [])
    }

    @Test("a client that does not read its answer keeps nobody waiting")
    func doesNotRead() throws {
        let server = try server(patience: 30_000_000_000, bytes: 2 << 20)
        defer { server.stop() }
        let stuck = try connect()
        defer { close(stuck) }
        send("stats\n", to: stuck)
        #expect(try StatsRequest.ask(path).count > 1 << 20)
    }

    @Test("clients that go at any moment leave it as it was")
    func goneEarly() throws {
        let server = try server(bytes: 1 << 20)
        defer { server.stop() }
        for request in ["", "s", "stats\n", "stats\nstats\nstats\n"] {
            for _ in 0..<20 {
                let socket = try connect()
                send(request, to: socket)
                close(socket)
            }
        }
        #expect(try StatsRequest.ask(path).count > 1 << 19)
    }

    @Test("it ends at once whatever clients do")
    func stops() throws {
        let server = try server(patience: 3_600_000_000_000)
        let silent = try connect()
        defer { close(silent) }
        server.stop()
        server.stop()
        #expect(try directory.names() == [])
        #expect(received(from: silent) == [])
    }

    // MARK: - The name

    @Test("only the user may use it, whatever the process masks")
    func mode() async throws {
        let path = path
        await #expect(processExitsWith: .success) { [path = path as String] in
            for mask: mode_t in [0, 0o777] {
                umask(mask)
                let listener = try StatsListener(at: path)
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
                listener.removeName()
            }
        }
    }

    @Test("what a dead process left is replaced")
    func stale() async throws {
        let path = path
        await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
            _ = try StatsServer(StatsListener(at: path)) { Batch() }
            exit(3)
        }
        #expect(try directory.names() == ["s"])
        let server = try server()
        #expect(try !StatsRequest.ask(path).isEmpty)
        server.stop()
        #expect(try directory.names() == [])
    }

    @Test("a live one is refused, and so is what is no socket, which stays")
    func refused() throws {
        let server = try server()
        #expect(throws: ServingError.inUse(path: path)) { _ = try StatsListener(at: path) }
        #expect(try !StatsRequest.ask(path).isEmpty)
        server.stop()
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
        #expect(throws: ServingError.notASocket(path: path)) { _ = try StatsListener(at: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
    }

    @Test("of many that begin at one moment one listens, and the others are told of it")
    func race() throws {
        let path = path
        let listeners = Mutex<[StatsListener]>([])
        let refusals = Mutex(0)
        // Somebody died before.
        _ = try StatsListener(at: path)
        onThreads(16) { _ in
            do throws(ServingError) {
                let listener = try StatsListener(at: path)
                listeners.withLock { $0.append(listener) }
            } catch {
                #expect(error == .inUse(path: path))
                refusals.withLock { $0 += 1 }
            }
        }
        #expect(listeners.withLock { $0.count } == 1)
        #expect(refusals.withLock { $0 } == 15)
    }

    @Test("a path that no address holds is refused with its length")
    func tooLong() {
        let long = "/" + String(repeating: "x", count: 107)
        #expect(throws: ServingError.tooLong(path: long, limit: 107, found: 108)) { _ = try StatsListener(at: long) }
    }

    @Test("a name that has become another's is left to it")
    func replaced() throws {
        let server = try server()
        unsafe unlink(path)
        let other = try StatsListener(at: path)
        server.stop()
        #expect(try directory.names() == ["s"])
        other.removeName()
        #expect(try directory.names() == [])
    }

    @Test("nobody there is told apart")
    func nobody() throws {
        let none = #expect(throws: ServingError.self) { _ = try StatsRequest.ask(path) }
        #expect(none?.isNobodyThere == true)
        _ = try StatsListener(at: path)
        let dead = #expect(throws: ServingError.self) { _ = try StatsRequest.ask(path) }
        #expect(dead?.isNobodyThere == true)
    }
}
