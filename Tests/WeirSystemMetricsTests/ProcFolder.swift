import Foundation
import WeirTestSupport

@testable import WeirSystemMetrics

/// A folder that looks like /proc.
struct ProcFolder {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try write("1000.00 1900.00\n", to: "uptime")
    }

    var files: ProcFiles { ProcFiles(root: directory.path) }

    /// All files, without what folders of descriptors hold.
    var names: [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: directory.path)) ?? []
        return all.filter { name in !name.contains("/fd/") && (try? read(name)) != nil }.sorted()
    }

    func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: directory.path + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + name)), as: UTF8.self)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: directory.path + "/" + name) }

    func writeProcess(
        _ number: String, name: String, user: Int, system: Int, start: Int, pages: Int
    ) throws {
        try write(
            "\(number) (\(name)) S 1 2 3 4 5 6 11 0 12 0 \(user) \(system) 0 0 20 0 4 0 \(start) 8192000 \(pages) 1 2\n",
            to: "\(number)/stat")
        try write("rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n", to: "\(number)/io")
        try write("", to: "\(number)/fd/0")
        try write("", to: "\(number)/fd/1")
    }

    func writeHost(idle: Int = 40_000, interfaces: [String] = ["lo", "eth0:1"]) throws {
        try write(
            "cpu  100 2 300 \(idle) 500 6 7 8 0 0\ncpu0 50 1 150 20000 250 3 3 4 0 0\n"
                + "cpu1 50 1 150 20000 250 3 4 4 0 0\nintr 1 2 3\nctxt 5\n", to: "stat")
        try write(
            """
            MemTotal:           1000 kB
            MemFree:             200 kB
            MemAvailable:        500 kB
            Buffers:              50 kB
            Cached:              300 kB
            SReclaimable:         50 kB
            SwapTotal:           100 kB
            SwapFree:             40 kB
            HugePages_Total:       0

            """, to: "meminfo")
        let disks = [
            "sda", "sda1", "nvme0n1", "nvme0n1p1", "mmcblk0", "mmcblk0p2", "loop0", "ram0", "zram0", "vda3", "dm-0",
        ]
        try write(
            disks.map { "   8       0 \($0) 5 6 7 8 9 10 11 12 0 13 14\n" }.joined(), to: "diskstats")
        let counts = ["lo": "10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0", "eth0:1": "100 20 3 4 0 0 0 0 500 60 7 8 0 0 0 0"]
        try write(
            "Inter-|   Receive  |  Transmit\n face |bytes packets errs|bytes packets errs\n"
                + interfaces.map { "  \($0): \(counts[$0] ?? "")\n" }.joined(), to: "net/dev")
        try write("0.50 0.25 0.125 3/200 4711\n", to: "loadavg")
        try write(
            """
            proc /proc proc rw 0 0
            /dev/sda1 / ext4 rw 0 0
            server:/home /home nfs rw 0 0
            /dev/sda1 /bound ext4 rw 0 0
            /dev/sdb1 /with\\040space\\134 xfs rw 0 0
            tmpfs /run tmpfs rw 0 0
            overlay /var/lib/a overlay rw 0 0
            overlay /var/lib/b overlay rw 0 0

            """, to: "self/mounts")
    }
}
