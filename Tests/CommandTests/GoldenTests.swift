import Foundation
import Testing
import WeirBatch
import WeirTestSupport

/// What `weir dump` prints, to the letter.
@Suite("Golden outputs of weir dump")
struct GoldenTests {
    /// How well zstd compresses is its version's affair.
    private func withoutSizes(_ text: String) -> String {
        text.replacing(/[0-9,]+ B compressed/, with: "? B compressed")
    }

    @Test(
        "the shop's files are shown as they always were",
        arguments: [
            ("table.txt", []),
            ("table-colour.txt", ["--color", "always", "--match", "http/requests", "--match", "pool/open"]),
            ("batches.txt", ["--batches"]),
            ("batches-match.txt", ["--batches", "--match", #"{http.route="/users"}"#, "--match", "rpc/latency"]),
            ("latest.json", ["--format", "json"]),
            ("batches.json", ["--format", "json", "--batches", "--match", #"http/requests{http.status_code="500"}"#]),
            ("latest.csv", ["--format", "csv"]),
            ("latest.openmetrics", ["--format", "openmetrics"]),
        ])
    func shop(name: String, arguments: [String]) throws {
        let folder = try ShopFiles.folder()
        let result = try Program.run(Command.weirPath, ["dump", folder.path] + arguments)
        #expect(result.errors == "")
        #expect(result.status == 0)
        try expectGolden(name, withoutSizes(result.output))
    }

    @Test("a delta stream is added up, and its rates are over its time")
    func deltas() throws {
        let folder = try TemporaryDirectory()
        var bytes: [UInt8] = []
        for number in 1...3 {
            let (start, end) = (second(number - 1), second(number))
            var builder = BatchBuilder(start: start, end: end)
            builder.view("hits", .count, keys: ["page"], temporality: .delta) {
                $0.row(["a"], start: start, Int64(number * 1000))
                if number == 2 { $0.row(["b"], start: start, 5) }
            }
            bytes += try ShopFiles.frame(builder.batch, UInt64(number))
        }
        try folder.write(bytes, to: "deltas.weir.zst")
        let result = try Command.weir("dump", folder.path("deltas.weir.zst"))
        #expect(result.status == 0)
        try expectGolden("table-deltas.txt", result.output)
    }

    private func second(_ number: Int) -> UInt64 { ShopBatches.begin + UInt64(number) * ShopBatches.second }
}
