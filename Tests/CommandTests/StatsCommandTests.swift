import Foundation
import Testing
import WeirBatch
import WeirExport
import WeirTestSupport

@Suite("weir stats as a command")
struct StatsCommandTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
    }

    /// What a process with two sinks might say of them: one that falls behind, one that is slow to start.
    private var batch: Batch {
        var builder = BatchBuilder(
            start: ShopBatches.begin, end: ShopBatches.begin + 10 * ShopBatches.second,
            resource: [("service.name", "shop"), ("process.pid", "4711")])
        for (unit, symbol, factor) in [("batches", "{batch}", Int64(1)), ("rows", "{row}", 100), ("bytes", "By", 2500)]
        {
            builder.view("weir.sink.\(unit)", .sum, unit: symbol, keys: ["sink", "account", "cause"]) { rows in
                for (account, cause, value) in [
                    ("recovered", nil, 3), ("offered", nil, 1200), ("accepted", nil, 1193), ("delivered", nil, 1000),
                    ("coalesced", nil, 11), ("uncertain", nil, 1), ("refused", "oversize", 10),
                    ("dropped", "overflowOldest", 120), ("dropped", "rejected", 2),
                ] as [(String, String?, Int64)] {
                    rows.row(["slow", account, cause], start: 1, factor * value)
                }
                for account in ["offered", "accepted", "delivered"] {
                    rows.row(["file", account, nil], start: 1, factor * 1200)
                }
            }
            builder.view("weir.sink.held.\(unit)", .sum, unit: symbol, keys: ["sink", "state"], isMonotonic: false) {
                rows in
                for (state, value) in [("queued", 50), ("inflight", 1), ("spilled", 9)] as [(String, Int64)] {
                    rows.row(["slow", state], start: 1, factor * value)
                }
            }
        }
        builder.view("weir.sink.deliveries", .sum, unit: "{call}", keys: ["sink", "result"]) { rows in
            rows.row(["slow", "ok"], start: 1, 1000)
            rows.row(["slow", "retry"], start: 1, 37)
            rows.row(["slow", "fatal"], start: 1, 0)
            rows.row(["file", "ok"], start: 1, 1200)
        }
        return builder.batch
    }

    @Test("accounts in a directory are shown to the letter")
    func directory() throws {
        try folder.write(try ShopFiles.frame(batch, 1), to: ShopFiles.firstName)
        let table = try Command.weir("stats", folder.path)
        #expect(table.errors == "")
        #expect(table.status == 0)
        try expectGolden("stats.txt", table.output)
        let json = try Command.weir("stats", folder.path, "--json")
        try expectGolden("stats.json", json.output)
        let piped = try Command.weir("stats", "-", input: try ShopFiles.frame(batch, 1))
        #expect(piped.output == table.output)
    }

    @Test("a running process answers over its socket, once or again and again")
    func socket() throws {
        let path = folder.path("app.weir")
        let batch = batch
        let server = try StatsServer(StatsListener(at: path)) { batch }
        defer { server.stop() }
        let result = try Command.weir("stats", path)
        #expect(result.status == 0)
        #expect(result.output.contains("sink slow"))
        #expect(result.output.hasSuffix("balanced\n"))

        let process = Program.process(Command.weirPath, ["stats", path, "--watch", "--every", "0.1", "--json"])
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        try output.fileHandleForWriting.close()
        var text = ""
        while text.split(separator: "\n").count < 6 {
            let data = output.fileHandleForReading.availableData
            try #require(!data.isEmpty)
            text += String(decoding: data, as: UTF8.self)
        }
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("a socket whose process is gone says so")
    func gone() throws {
        let path = folder.path("app.weir")
        _ = try StatsListener(at: path)
        let result = try Command.weir("stats", path)
        #expect(result.status == 2)
        #expect(
            result.errors
                == "weir: cannot connect to \(path): Connection refused: its process is gone, or serves its accounts elsewhere\n"
        )
    }

    @Test("an identity that does not hold is exit code 3")
    func imbalance() throws {
        var batch = batch
        batch.views[0].integers[0] += 1
        try folder.write(try ShopFiles.frame(batch, 1), to: ShopFiles.firstName)
        let result = try Command.weir("stats", folder.path)
        #expect(result.status == 3)
        #expect(
            result.output.contains(
                "not balanced: in batches, recovered + offered is 1204 and accepted + refused is 1203"))
    }

    @Test("wrong usage is exit code 64, and --help teaches")
    func usage() throws {
        #expect(try Command.weir("stats", in: folder).status == 64)
        #expect(try Command.weir("stats", "-", "--watch").status == 64)
        #expect(try Command.weir("stats", "x", "--every", "0").status == 64)
        let help = try Command.weir("stats", "--help")
        for word in ["EXAMPLES", "ACCOUNTS", "THE SOCKET", "EXIT CODES", "recovered + offered"] {
            #expect(help.output.contains(word))
        }
    }
}
