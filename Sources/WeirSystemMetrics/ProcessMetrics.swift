internal import WeirRecording
private import WeirSystem

/// A process's figures as views, by OpenTelemetry's semantic conventions.
struct ProcessMetrics: Sendable {
    private let process: String
    private let isOwn: Bool
    private let files: ProcFiles
    private let tags: Tags
    private let cpuTime: Total<Double>
    private let memory: Total<Int64>
    private let virtualMemory: Total<Int64>
    private let threads: Total<Int64>
    private let fileDescriptors: Total<Int64>
    private let switches: Total<Int64>
    private let faults: Total<Int64>
    private let disk: Total<Int64>
    private let uptime: ObservedSeries

    private static let mode: TagKey = "cpu.mode"
    private static let fault: TagKey = "system.paging.fault.type"
    private static let change: TagKey = "process.context_switch.type"
    private static let direction: TagKey = "disk.io.direction"
    /// Tells processes apart where several are observed.
    static let identity: [TagKey] = ["process.executable.name", "process.pid"]

    /// - Parameter tags: What all series have besides.
    init(_ process: String, tags: Tags, files: ProcFiles, in stats: Stats) throws(StatsError) {
        self.process = process
        isOwn = process == "self" || process == "\(getpid())"
        self.files = files
        self.tags = tags
        let keys = Self.identity
        cpuTime = try Total(
            "process.cpu.time", unit: .seconds, "Time of cores that the process used", by: [Self.mode] + keys,
            in: stats)
        memory = try Total(
            "process.memory.usage", unit: .bytes, "Physical memory in use", by: keys, isMonotonic: false, in: stats)
        virtualMemory = try Total(
            "process.memory.virtual", unit: .bytes, "Address space in use", by: keys, isMonotonic: false, in: stats)
        threads = try Total(
            "process.thread.count", unit: "{thread}", "Threads", by: keys, isMonotonic: false, in: stats)
        fileDescriptors = try Total(
            "process.unix.file_descriptor.count", unit: "{file_descriptor}", "Open file descriptors", by: keys,
            isMonotonic: false, in: stats)
        switches = try Total(
            "process.context_switches", unit: "{context_switch}", "How often a thread gave up its core, or had to",
            by: [Self.change] + keys, in: stats)
        faults = try Total(
            "process.paging.faults", unit: "{fault}", "Page faults", by: [Self.fault] + keys, in: stats)
        disk = try Total(
            "process.disk.io", unit: .bytes, "Bytes read from and written to disks", by: [Self.direction] + keys,
            in: stats)
        uptime = try ObservedSeries(
            "process.uptime", unit: .seconds, "Since the process was started", by: keys, tags, in: stats)
    }

    /// Records what the process is at now.
    func record() {
        let figures = ProcessFigures(process, in: files)
        uptime.set(figures?.uptime)
        if let figures { set(figures) }
        cpuTime.finish()
        memory.finish()
        virtualMemory.finish()
        threads.finish()
        fileDescriptors.finish()
        switches.finish()
        faults.finish()
        disk.finish()
    }

    private func set(_ figures: ProcessFigures) {
        func with(_ key: TagKey, _ value: String) -> Tags { tags.merging(Tags([key: value])) }
        cpuTime.set(figures.userTime, with(Self.mode, "user"))
        cpuTime.set(figures.systemTime, with(Self.mode, "system"))
        memory.set(figures.memory, tags)
        virtualMemory.set(figures.virtualMemory, tags)
        threads.set(figures.threads, tags)
        fileDescriptors.set(figures.fileDescriptors, tags)
        let own = isOwn ? ContextSwitches.ofThisProcess : nil
        switches.set(own?.voluntary, with(Self.change, "voluntary"))
        switches.set(own?.involuntary, with(Self.change, "involuntary"))
        faults.set(figures.minorFaults, with(Self.fault, "minor"))
        faults.set(figures.majorFaults, with(Self.fault, "major"))
        disk.set(figures.readBytes, with(Self.direction, "read"))
        disk.set(figures.writtenBytes, with(Self.direction, "write"))
    }
}
