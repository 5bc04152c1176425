import Foundation
import Testing
import WeirTestSupport

/// A tree of random files, and what `find` and `stat` say about it.
struct DemoTree {
    struct Total: Equatable {
        var files: Int64 = 0
        var bytes: Int64 = 0
    }

    private let folder: TemporaryDirectory
    let root: String
    private(set) var totals: [String: Total] = [:]

    var count: Int64 { totals.values.reduce(0) { $0 + $1.files } }

    init(files: Int, seed: UInt64) throws {
        folder = try TemporaryDirectory()
        root = folder.path + "/tree"
        var generator = SeededGenerator(seed: seed)
        let names = [
            "a.txt", "b.tar.gz", ".hidden", "plain", "x.TXT", "dot.", "ünï.çode", "with space.log", "new\nline.log",
        ]
        for number in 0..<files {
            var directory = root
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                directory += "/d\(Int.random(in: 0...3, using: &generator))"
            }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let name = names.randomElement(using: &generator)!
            // The number goes in front, or behind the dot of a hidden file, so that the extension stays.
            let path = directory + (name.hasPrefix(".") ? "/.h\(number)" : "/\(number)\(name)")
            let size = [0, 1, 100, 5_000, 128 << 10, 300_000].randomElement(using: &generator)!
            let bytes = (0..<min(size, 64)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var data = Data()
            while data.count < size { data.append(contentsOf: bytes.prefix(size - data.count)) }
            try data.write(to: URL(filePath: path))
        }
        // Neither is a regular file, and a link to a directory is not walked.
        try FileManager.default.createSymbolicLink(atPath: root + "/link.txt", withDestinationPath: "/etc/passwd")
        try FileManager.default.createSymbolicLink(atPath: root + "/link", withDestinationPath: "/etc")
        _ = try Program.shell("mkfifo \"$0/pipe.txt\"", root)
        totals = try Self.measured(root)
    }

    /// By `find` and `stat`, with the extension cut here: nothing of ours.
    private static func measured(_ root: String) throws -> [String: Total] {
        let script = #"find "$0" -type f -print0 | xargs -0 stat --printf '%s %n\0'"#
        let result = try Program.shell(script, root)
        var totals: [String: Total] = [:]
        for record in result.output.split(separator: "\0") {
            let space = try #require(record.firstIndex(of: " "))
            let size = try #require(Int64(record[..<space]))
            let name = record[record.index(after: space)...].split(separator: "/").last ?? ""
            let parts = name.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
            let key = parts.count > 1 && !parts.last!.isEmpty ? String(parts.last!) : ""
            totals[key, default: Total()].files += 1
            totals[key, default: Total()].bytes += size
        }
        return totals
    }

    private struct Line: Decodable {
        var name: String
        var tags: [String: String]
        var value: Int64?
    }

    /// What `weir dump` says that a demo recorded.
    static func recorded(in directory: String) throws -> [String: Total] {
        let result = try Command.weir(
            "dump", directory, "--format", "json", "--match", "{__name__=~\"demo.(files|input)\"}")
        var totals: [String: Total] = [:]
        for line in result.output.split(separator: "\n") {
            let point = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
            let key = point.tags["extension"] ?? ""
            let value = try #require(point.value)
            if point.name == "demo.files" { totals[key, default: Total()].files = value }
            if point.name == "demo.input" { totals[key, default: Total()].bytes = value }
        }
        return totals
    }
}
