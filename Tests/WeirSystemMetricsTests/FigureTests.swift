import Testing
import WeirTestSupport

@testable import WeirSystemMetrics

@Suite("Figures of /proc")
struct FigureTests {
    private let folder: ProcFolder

    init() throws {
        folder = try ProcFolder()
    }

    @Test("a process's figures are read whatever it is called")
    func process() throws {
        try folder.writeProcess("17", name: "a) R 1 (b", user: 250, system: 50, start: 1_000, pages: 3)
        let figures = try #require(
            ProcessFigures("17", in: folder.files, units: KernelUnits(ticksPerSecond: 100, pageSize: 4_096)))
        #expect(figures.userTime == 2.5)
        #expect(figures.systemTime == 0.5)
        #expect(figures.uptime == 1_000 - 10)
        #expect(figures.memory == 12_288)
        #expect(figures.virtualMemory == 8_192_000)
        #expect(figures.threads == 4)
        #expect(figures.minorFaults == 11 && figures.majorFaults == 12)
        #expect(figures.fileDescriptors == .some(2))
        #expect(figures.readBytes == .some(4_096) && figures.writtenBytes == .some(8_192))
    }

    @Test("what whoever asks may not see is left out, and a process that is gone is none")
    func absent() throws {
        try folder.writeProcess("17", name: "x", user: 1, system: 1, start: 0, pages: 1)
        for name in ["17/io", "17/fd/0", "17/fd/1", "17/fd"] { try folder.remove(name) }
        let figures = try #require(ProcessFigures("17", in: folder.files))
        #expect(figures.fileDescriptors == nil && figures.readBytes == nil)
        #expect(ProcessFigures("18", in: folder.files) == nil)
    }

    @Test("a file that is cut anywhere, or says nonsense, is no crash")
    func hostile() throws {
        try folder.writeProcess("17", name: "x", user: 1, system: 1, start: 0, pages: 1)
        try folder.writeHost()
        for name in folder.names {
            let text = try folder.read(name)
            for length in 0..<text.utf8.count {
                try folder.write(String(decoding: text.utf8.prefix(length), as: UTF8.self), to: name)
                _ = ProcessFigures("17", in: folder.files)
                _ = HostFigures(in: folder.files)
                _ = Mount.local(in: folder.files)
            }
            for number in ["-1", "9223372036854775807", "99999999999999999999", "x"] {
                let digits = text.map { $0.isNumber ? "#" : String($0) }.joined()
                    .split(separator: "#", omittingEmptySubsequences: true).joined(separator: number)
                try folder.write(digits, to: name)
                _ = ProcessFigures("17", in: folder.files)
                _ = HostFigures(in: folder.files)
                _ = Mount.local(in: folder.files)
            }
            try folder.write(text, to: name)
        }
    }

    @Test("the host's figures are read")
    func host() throws {
        try folder.writeHost()
        let figures = HostFigures(in: folder.files, units: KernelUnits(ticksPerSecond: 100, pageSize: 4_096))
        #expect(figures.cpuTimes.map(\.mode) == ["user", "nice", "system", "idle", "iowait", "interrupt", "steal"])
        #expect(figures.cpuTimes.map(\.seconds) == [1, 0.02, 3, 400, 5, 0.13, 0.08])
        #expect(figures.cores == 2)
        #expect(figures.memory.map(\.state) == ["used", "free", "cached", "buffers"])
        #expect(figures.memory.map(\.bytes) == [400 << 10, 200 << 10, 350 << 10, 50 << 10])
        #expect(figures.memoryLimit == .some(1_000 << 10) && figures.memoryAvailable == .some(500 << 10))
        #expect(figures.swap.map(\.bytes) == [60 << 10, 40 << 10])
        #expect(figures.loads == [0.5, 0.25, 0.125])
        #expect(figures.uptime == .some(1_000))
        #expect(
            figures.interfaces == [
                .init(
                    name: "lo", receive: .init(bytes: 10, packets: 1, errors: 0, dropped: 0),
                    transmit: .init(bytes: 10, packets: 1, errors: 0, dropped: 0)),
                .init(
                    name: "eth0:1", receive: .init(bytes: 100, packets: 20, errors: 3, dropped: 4),
                    transmit: .init(bytes: 500, packets: 60, errors: 7, dropped: 8)),
            ])
    }

    @Test("disks are told, and neither their parts nor loops")
    func disks() throws {
        try folder.writeHost()
        let figures = HostFigures(in: folder.files)
        #expect(figures.disks.map(\.device) == ["sda", "nvme0n1", "mmcblk0", "dm-0"])
        #expect(
            figures.disks.first
                == .some(.init(device: "sda", reads: 5, readBytes: 7 * 512, writes: 9, writtenBytes: 11 * 512)))
    }

    @Test("file systems of this host are told once, by their names as they are")
    func mounts() throws {
        try folder.writeHost()
        #expect(
            Mount.local(in: folder.files) == [
                Mount(device: "/dev/sda1", point: "/", type: "ext4"),
                Mount(device: "/dev/sdb1", point: "/with space\\", type: "xfs"),
                Mount(device: "overlay", point: "/var/lib/a", type: "overlay"),
                Mount(device: "overlay", point: "/var/lib/b", type: "overlay"),
            ])
        let usage = try #require(Mount(device: "", point: "/", type: "").usage)
        #expect(usage.used + usage.free + usage.reserved > 0)
        #expect(Mount(device: "", point: "/is/not/there", type: "").usage == nil)
    }
}
