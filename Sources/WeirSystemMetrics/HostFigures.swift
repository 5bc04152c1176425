/// What the kernel says of the host at a moment.
struct HostFigures: Equatable {
    /// Seconds of all cores' time since the host was started, by what was done in it.
    var cpuTimes: [(mode: String, seconds: Double)] = []
    var cores: Int64 = 0
    /// Bytes, by state.
    var memory: [(state: String, bytes: Int64)] = []
    var memoryLimit: Int64?
    var memoryAvailable: Int64?
    var swap: [(state: String, bytes: Int64)] = []
    var disks: [Disk] = []
    var interfaces: [Interface] = []
    /// Of the last 1, 5 and 15 minutes.
    var loads: [Double] = []
    /// Seconds.
    var uptime: Double?

    /// A whole disk, not a part of one.
    struct Disk: Equatable {
        var device: String
        var reads: Int64
        var readBytes: Int64
        var writes: Int64
        var writtenBytes: Int64
    }

    struct Interface: Equatable {
        struct Direction: Equatable {
            var bytes: Int64
            var packets: Int64
            var errors: Int64
            var dropped: Int64
        }

        var name: String
        var receive: Direction
        var transmit: Direction
    }

    init(in files: ProcFiles, units: KernelUnits = .current) {
        readCPU(files, units)
        readMemory(files)
        disks = (files.words("diskstats") ?? []).compactMap(Self.disk)
        interfaces = (files.text("net/dev") ?? "").split(separator: "\n").compactMap(Self.interface)
        loads = files.words("loadavg")?.first?.prefix(3).compactMap { Double($0) } ?? []
        uptime = files.words("uptime")?.first?.first.flatMap { Double($0) }
    }

    /// `cpu  user nice system idle iowait irq softirq steal`, in ticks; what guests used is in user already.
    private mutating func readCPU(_ files: ProcFiles, _ units: KernelUnits) {
        for words in files.words("stat") ?? [] {
            guard let name = words.first, name.hasPrefix("cpu") else { continue }
            guard name == "cpu" else {
                cores += 1
                continue
            }
            let ticks = words.dropFirst().map { Double($0) ?? 0 }
            guard ticks.count >= 8 else { continue }
            let modes = [
                ("user", ticks[0]), ("nice", ticks[1]), ("system", ticks[2]), ("idle", ticks[3]),
                ("iowait", ticks[4]), ("interrupt", ticks[5] + ticks[6]), ("steal", ticks[7]),
            ]
            cpuTimes = modes.map { ($0, $1 / units.ticksPerSecond) }
        }
    }

    private mutating func readMemory(_ files: ProcFiles) {
        var sizes: [Substring: Int64] = [:]
        for words in files.words("meminfo") ?? [] where words.count == 3 && words[2] == "kB" {
            // `MemTotal:  24689148 kB`
            if let size = Int64(words[1]), (0...Int64.max >> 13).contains(size) { sizes[words[0]] = size * 1_024 }
        }
        if let total = sizes["MemTotal:"], let free = sizes["MemFree:"] {
            let buffers = sizes["Buffers:"] ?? 0
            // What the kernel can give back of its own counts as cached, as `free` has it.
            let cached = (sizes["Cached:"] ?? 0) + (sizes["SReclaimable:"] ?? 0)
            memoryLimit = total
            memoryAvailable = sizes["MemAvailable:"]
            memory = [
                ("used", max(total - free - buffers - cached, 0)), ("free", free), ("cached", cached),
                ("buffers", buffers),
            ]
        }
        if let total = sizes["SwapTotal:"], let free = sizes["SwapFree:"] {
            swap = [("used", max(total - free, 0)), ("free", free)]
        }
    }

    /// `8 0 sda reads merged sectors ms writes merged sectors ms …`
    private static func disk(_ words: [Substring]) -> Disk? {
        guard words.count >= 11, isWhole(words[2]), let reads = Int64(words[3]), let readSectors = Int64(words[5]),
            let writes = Int64(words[7]), let writtenSectors = Int64(words[9])
        else { return nil }
        return Disk(
            device: String(words[2]), reads: reads,
            readBytes: readSectors.multipliedReportingOverflow(by: KernelUnits.sector).partialValue, writes: writes,
            writtenBytes: writtenSectors.multipliedReportingOverflow(by: KernelUnits.sector).partialValue)
    }

    /// Parts would count what their disk counts already; loops and memory disks are no disks.
    private static func isWhole(_ device: Substring) -> Bool {
        if ["loop", "ram", "zram", "fd"].contains(where: { device.hasPrefix($0) }) { return false }
        guard device.last?.isNumber == true else { return true }
        if ["sd", "hd", "vd", "xvd"].contains(where: { device.hasPrefix($0) }) { return false }
        guard ["nvme", "mmcblk"].contains(where: { device.hasPrefix($0) }) else { return true }
        // nvme0n1p2, mmcblk0p1
        let name = device.reversed().drop { $0.isNumber }
        return name.first != "p"
    }

    /// `  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …`
    private static func interface(_ line: Substring) -> Interface? {
        // An alias has a colon of its own.
        guard let colon = line.lastIndex(of: ":") else { return nil }
        let numbers = line[line.index(after: colon)...].split(separator: " ").compactMap { Int64($0) }
        guard numbers.count >= 12 else { return nil }
        let name = line[..<colon].drop { $0 == " " }
        func direction(_ first: Int) -> Interface.Direction {
            Interface.Direction(
                bytes: numbers[first], packets: numbers[first + 1], errors: numbers[first + 2],
                dropped: numbers[first + 3])
        }
        return Interface(name: String(name), receive: direction(0), transmit: direction(8))
    }

    static func == (left: HostFigures, right: HostFigures) -> Bool {
        left.cpuTimes.elementsEqual(right.cpuTimes, by: ==) && left.cores == right.cores
            && left.memory.elementsEqual(right.memory, by: ==) && left.memoryLimit == right.memoryLimit
            && left.memoryAvailable == right.memoryAvailable && left.swap.elementsEqual(right.swap, by: ==)
            && left.disks == right.disks && left.interfaces == right.interfaces && left.loads == right.loads
            && left.uptime == right.uptime
    }
}
