private import WeirSystem

/// What the kernel says of one process at a moment.
struct ProcessFigures: Equatable {
    /// Seconds of a core's time.
    var userTime = 0.0
    var systemTime = 0.0
    /// Seconds since it was started.
    var uptime = 0.0
    /// Bytes.
    var memory: Int64 = 0
    var virtualMemory: Int64 = 0
    var threads: Int64 = 0
    var minorFaults: Int64 = 0
    var majorFaults: Int64 = 0
    /// nil where whoever asks may not know, as of another user's process.
    var fileDescriptors: Int64?
    /// Bytes from and to disks.
    var readBytes: Int64?
    var writtenBytes: Int64?

    /// - Parameter process: Its number, or `self`.
    /// - Returns: nil where there is no such process any more.
    init?(_ process: String, in files: ProcFiles, units: KernelUnits = .current) {
        // The name, in parentheses, may hold anything, parentheses too: the last one closes it.
        guard let line = files.text("\(process)/stat"), let close = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: close)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
        /// By proc(5)'s numbers, of which the first behind the name is 3.
        func field(_ number: Int) -> Int64? { number - 3 < fields.count ? Int64(fields[number - 3]) : nil }
        guard let user = field(14), let system = field(15), let start = field(22), let resident = field(24) else {
            return nil
        }
        userTime = Double(user) / units.ticksPerSecond
        systemTime = Double(system) / units.ticksPerSecond
        memory = resident.multipliedReportingOverflow(by: units.pageSize).partialValue
        virtualMemory = field(23) ?? 0
        threads = field(20) ?? 0
        minorFaults = field(10) ?? 0
        majorFaults = field(12) ?? 0
        if let uptime = files.words("uptime")?.first?.first.flatMap({ Double($0) }) {
            self.uptime = max(uptime - Double(start) / units.ticksPerSecond, 0)
        }
        fileDescriptors = files.entries("\(process)/fd")
        for words in files.words("\(process)/io") ?? [] where words.count == 2 {
            switch words[0] {
            case "read_bytes:": readBytes = Int64(words[1])
            case "write_bytes:": writtenBytes = Int64(words[1])
            default: break
            }
        }
    }
}

/// How often this process's threads gave up their cores, or had to. Of another process only what its main thread did could
/// be told.
struct ContextSwitches: Equatable {
    var voluntary: Int64
    var involuntary: Int64

    static var ofThisProcess: ContextSwitches? {
        var usage = rusage()
        // RUSAGE_SELF, which not every C library shows as the number that it is.
        guard unsafe getrusage(0, &usage) == 0 else { return nil }
        return ContextSwitches(voluntary: Int64(usage.ru_nvcsw), involuntary: Int64(usage.ru_nivcsw))
    }
}
