import Foundation
import Testing
import WeirBatch
import WeirTestSupport

private let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

private let hasTools = ["zstd", "protoc"].allSatisfy { tool in
    (try? Program.run("/usr/bin/env", [tool, "--version"]))?.status == 0
}

/// What tools that know nothing of Weir read out of its files, against what `weir dump` says.
@Suite(
    "zstd and protoc",
    .enabled(if: hasTools, "zstd or protoc is not installed: apt-get install zstd protobuf-compiler"))
struct ProtocTests {
    /// A view of one batch: its numbers, in no order, and how many measurements its buckets hold.
    private struct Numbers: Hashable, CustomStringConvertible {
        var time: UInt64
        var name: String
        var rows = 0
        var integers: [Int64] = []
        var doubles: [Double] = []
        var measurements: UInt64 = 0

        var description: String { "\(time) \(name): \(rows) rows, \(integers) \(doubles) \(measurements)" }
    }

    @Test("read the numbers that weir dump shows")
    func equal() throws {
        let folder = try ShopFiles.folder()
        let line = "zstd -dcq \"$1\"/*.weir.zst | protoc --decode=weir.v1.Batches -I proto proto/weir/v1/batch.proto"
        let decoded = try Program.run("/bin/sh", ["-c", "cd \"$0\" && \(line)", repository, folder.path])
        try #require(decoded.status == 0, "\(decoded.errors)")
        let shown = try Command.weir("dump", folder.path, "--batches", "--format", "json")
        let expected = try numbers(json: shown.output)
        #expect(expected.count == 36)
        #expect(Set(numbers(protoc: decoded.output)) == Set(expected))
    }

    /// Reads protobuf's text form, in which every value has a line.
    private func numbers(protoc text: String) -> [Numbers] {
        var result: [Numbers] = []
        var time: UInt64 = 0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            let value = words.count > 1 ? words[1] : ""
            switch (words[0], line.prefix { $0 == " " }.count) {
            case ("end_time:", 2): time = UInt64(value) ?? 0
            case ("views", 2): result.append(Numbers(time: time, name: ""))
            case ("name:", 4): result[result.count - 1].name = value.trimmingCharacters(in: ["\""])
            case ("rows:", 4): result[result.count - 1].rows = Int(value) ?? -1
            case ("integers:", 4): result[result.count - 1].integers.append(Int64(value) ?? -1)
            case ("doubles:", 4): result[result.count - 1].doubles.append(Double(value) ?? -1)
            case ("bucket_counts:", 4), ("zero_counts:", 4), ("positive_counts:", 4), ("negative_counts:", 4):
                result[result.count - 1].measurements += UInt64(value) ?? 0
            default: break
            }
        }
        return result.map(ordered)
    }

    private func numbers(json text: String) throws -> [Numbers] {
        var views: [String: Numbers] = [:]
        for line in text.split(separator: "\n") {
            let point = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let name = try #require(point["name"] as? String)
            let key = "\(point["stream"] ?? "") \(point["batch"] ?? "") \(name)"
            var numbers = views[key] ?? Numbers(time: 0, name: name)
            numbers.rows += 1
            numbers.time = max(numbers.time, try nanoseconds(try #require(point["end"] as? String)))
            let value = try #require((point["value"] ?? point["sum"]) as? NSNumber)
            if point["type"] as? String == "int64" {
                numbers.integers.append(value.int64Value)
            } else {
                numbers.doubles.append(value.doubleValue)
            }
            numbers.measurements += (point["count"] as? NSNumber)?.uint64Value ?? 0
            views[key] = numbers
        }
        return views.values.map(ordered)
    }

    private func nanoseconds(_ text: String) throws -> UInt64 {
        let seconds = try #require(ISO8601DateFormatter().date(from: text.prefix(19) + "Z")).timeIntervalSince1970
        return UInt64(seconds) * ShopBatches.second
    }

    private func ordered(_ numbers: Numbers) -> Numbers {
        var numbers = numbers
        numbers.integers.sort()
        numbers.doubles.sort()
        return numbers
    }
}
