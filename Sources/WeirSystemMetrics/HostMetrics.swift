internal import WeirRecording

/// The host's figures as views, by OpenTelemetry's semantic conventions.
struct HostMetrics: Sendable {
    private let files: ProcFiles
    private let cpuTime: Total<Double>
    private let cores: Total<Int64>
    private let memory: Total<Int64>
    private let memoryLimit: Total<Int64>
    private let memoryAvailable: Total<Int64>
    private let swap: Total<Int64>
    private let diskBytes: Total<Int64>
    private let diskOperations: Total<Int64>
    private let networkBytes: Total<Int64>
    private let networkPackets: Total<Int64>
    private let networkErrors: Total<Int64>
    private let networkDropped: Total<Int64>
    private let fileSystem: Total<Int64>
    /// Of the last 1, 5 and 15 minutes.
    private let loads: [ObservedSeries]
    private let uptime: ObservedSeries

    private static let mode: TagKey = "cpu.mode"
    private static let memoryState: TagKey = "system.memory.state"
    private static let swapState: TagKey = "system.paging.state"
    private static let device: TagKey = "system.device"
    private static let diskDirection: TagKey = "disk.io.direction"
    private static let interface: TagKey = "network.interface.name"
    private static let networkDirection: TagKey = "network.io.direction"
    private static let mountPoint: TagKey = "system.filesystem.mountpoint"
    private static let mountType: TagKey = "system.filesystem.type"
    private static let mountState: TagKey = "system.filesystem.state"

    init(files: ProcFiles, in stats: Stats) throws(StatsError) {
        self.files = files
        cpuTime = try Total(
            "system.cpu.time", unit: .seconds, "Time of cores by what was done in it", by: [Self.mode], in: stats)
        cores = try Total(
            "system.cpu.logical.count", unit: "{cpu}", "Cores that work", isMonotonic: false, in: stats)
        memory = try Total(
            "system.memory.usage", unit: .bytes, "Memory by state; the states add up to the limit",
            by: [Self.memoryState], isMonotonic: false, in: stats)
        memoryLimit = try Total("system.memory.limit", unit: .bytes, "Memory", isMonotonic: false, in: stats)
        memoryAvailable = try Total(
            "system.linux.memory.available", unit: .bytes, "Memory that can be had without swapping",
            isMonotonic: false, in: stats)
        swap = try Total(
            "system.paging.usage", unit: .bytes, "Swap space by state", by: [Self.swapState], isMonotonic: false,
            in: stats)
        let disk = [Self.device, Self.diskDirection]
        diskBytes = try Total("system.disk.io", unit: .bytes, "Bytes read and written", by: disk, in: stats)
        diskOperations = try Total(
            "system.disk.operations", unit: "{operation}", "Reads and writes", by: disk, in: stats)
        let network = [Self.interface, Self.networkDirection]
        networkBytes = try Total("system.network.io", unit: .bytes, "Bytes in and out", by: network, in: stats)
        networkPackets = try Total(
            "system.network.packet.count", unit: "{packet}", "Packets in and out", by: network, in: stats)
        networkErrors = try Total(
            "system.network.errors", unit: "{error}", "Packets that were damaged", by: network, in: stats)
        networkDropped = try Total(
            "system.network.packet.dropped", unit: "{packet}", "Packets that there was no room for", by: network,
            in: stats)
        fileSystem = try Total(
            "system.filesystem.usage", unit: .bytes, "Space by state; reserved is what only root may take",
            by: [Self.device, Self.mountPoint, Self.mountType, Self.mountState], isMonotonic: false, in: stats)
        var loads: [ObservedSeries] = []
        for minutes in [1, 5, 15] {
            loads.append(
                try ObservedSeries(
                    "system.cpu.load_average.\(minutes)m", unit: "{thread}",
                    "Threads that ran or waited to, averaged over \(minutes) min", in: stats))
        }
        self.loads = loads
        uptime = try ObservedSeries("system.uptime", unit: .seconds, "Since the host was started", in: stats)
    }

    /// Records what the host is at now.
    func record() {
        let figures = HostFigures(in: files)
        for (mode, seconds) in figures.cpuTimes { cpuTime.set(seconds, Tags([Self.mode: mode])) }
        if figures.cores > 0 { cores.set(figures.cores) }
        for (state, bytes) in figures.memory { memory.set(bytes, Tags([Self.memoryState: state])) }
        memoryLimit.set(figures.memoryLimit)
        memoryAvailable.set(figures.memoryAvailable)
        for (state, bytes) in figures.swap { swap.set(bytes, Tags([Self.swapState: state])) }
        for disk in figures.disks { set(disk) }
        for interface in figures.interfaces {
            set(interface.receive, Tags([Self.interface: interface.name, Self.networkDirection: "receive"]))
            set(interface.transmit, Tags([Self.interface: interface.name, Self.networkDirection: "transmit"]))
        }
        for mount in Mount.local(in: files) { set(mount) }
        for (place, load) in loads.enumerated() {
            load.set(place < figures.loads.count ? figures.loads[place] : nil)
        }
        uptime.set(figures.uptime)
        finish()
    }

    private func set(_ disk: HostFigures.Disk) {
        let read = Tags([Self.device: disk.device, Self.diskDirection: "read"])
        let write = Tags([Self.device: disk.device, Self.diskDirection: "write"])
        diskBytes.set(disk.readBytes, read)
        diskBytes.set(disk.writtenBytes, write)
        diskOperations.set(disk.reads, read)
        diskOperations.set(disk.writes, write)
    }

    private func set(_ direction: HostFigures.Interface.Direction, _ tags: Tags) {
        networkBytes.set(direction.bytes, tags)
        networkPackets.set(direction.packets, tags)
        networkErrors.set(direction.errors, tags)
        networkDropped.set(direction.dropped, tags)
    }

    private func set(_ mount: Mount) {
        guard let usage = mount.usage else { return }
        for (state, bytes) in [("used", usage.used), ("free", usage.free), ("reserved", usage.reserved)] {
            fileSystem.set(
                bytes,
                Tags([
                    Self.device: mount.device, Self.mountPoint: mount.point, Self.mountType: mount.type,
                    Self.mountState: state,
                ]))
        }
    }

    private func finish() {
        cpuTime.finish()
        cores.finish()
        memory.finish()
        memoryLimit.finish()
        memoryAvailable.finish()
        swap.finish()
        diskBytes.finish()
        diskOperations.finish()
        networkBytes.finish()
        networkPackets.finish()
        networkErrors.finish()
        networkDropped.finish()
        fileSystem.finish()
    }
}
