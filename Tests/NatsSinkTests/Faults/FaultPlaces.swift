import Foundation
import WeirTestSupport

/// Where sinks of a round write: a small disk of its own where mounting is possible, a folder otherwise.
final class FaultPlaces {
    let directory: TemporaryDirectory
    let hasDisk: Bool
    private var numbers = 0

    init() throws {
        directory = try TemporaryDirectory()
        let disk = directory.path("disk")
        for name in ["disk", "child"] { try Self.make(directory.path(name)) }
        hasDisk = try Program.shell("mount -t tmpfs -o size=16m weir-faults \"$0\"", disk).status == 0
        for name in ["disk/files", "disk/spill", "disk/server"] { try Self.make(directory.path(name)) }
    }

    deinit {
        _ = try? Program.shell(
            "grep -F \"$0/\" /proc/mounts | cut -d' ' -f2 | tac | while read -r m; do umount -l \"$m\"; done",
            directory.path)
    }

    private static func make(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { directory.path(name) }

    /// All folders that ever had a name, and what was mounted over it.
    func all(_ name: String) throws -> [String] {
        let url = directory.url(name)
        let folder = url.deletingLastPathComponent()
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { $0 == url.lastPathComponent || $0.hasPrefix(url.lastPathComponent + ".") }
            .map { folder.appendingPathComponent($0).path }
    }

    private func shell(_ script: String, _ arguments: String...) throws -> Bool {
        let result = try Program.run("/bin/sh", ["-c", script] + arguments)
        return result.status == 0
    }

    private func next(_ name: String) -> String {
        numbers += 1
        return path("\(name).\(numbers)")
    }

    // MARK: - Faults

    /// Takes all room, to the last byte.
    func fill() throws -> Bool {
        try shell("head -c 33554432 /dev/zero >\"$0\" 2>/dev/null; true", path("disk/ballast"))
    }

    func free() throws -> Bool { try shell("rm -f \"$0\"", path("disk/ballast")) }

    func rename(_ name: String) throws -> Bool {
        try shell("mv -T \"$0\" \"$1\" 2>/dev/null", path(name), next(name))
    }

    /// Comes back under its name, unless somebody made another.
    func renameBack(_ name: String) throws -> Bool {
        guard !FileManager.default.fileExists(atPath: path(name)) else { return true }
        guard let last = try all(name).last(where: { $0.hasSuffix(".\(numbers)") }) ?? all(name).last else {
            return false
        }
        return try shell("mv -T \"$0\" \"$1\"", last, path(name))
    }

    /// Nothing can be opened for writing there; what is open goes on.
    func makeReadOnly(_ name: String) throws -> Bool {
        try shell("mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"", path(name))
    }

    /// Another file system lies over it, which stays readable elsewhere.
    func cover(_ name: String) throws -> Bool {
        let other = next(name)
        try Self.make(other)
        return try shell(
            "mount -t tmpfs -o size=8m weir-faults \"$0\" && mount --bind \"$0\" \"$1\"", other, path(name))
    }

    func uncover(_ name: String) throws -> Bool { try shell("umount -l \"$0\"", path(name)) }
}
