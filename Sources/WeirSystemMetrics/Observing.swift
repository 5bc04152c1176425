internal import Synchronization
public import WeirRecording

extension Stats {
    /// Records this process's CPU time, memory, threads, file descriptors, context switches, page faults, disk traffic and
    /// uptime from now on, at each collection, under the names of OpenTelemetry's semantic conventions (`process.*`).
    ///
    /// ```swift
    /// let figures = try Stats.default.observeProcess()
    /// ```
    ///
    /// Costs some 100 µs a collection, on the collector's thread. On Linux; elsewhere nothing is recorded.
    ///
    /// - Returns: What ends the observation, and its series, when it is no longer held. Observed twice, totals count twice.
    /// - Throws: Where a view of such a name is registered already and is another one.
    public func observeProcess() throws(StatsError) -> Observation {
        try observeProcess("self", tags: Tags())
    }

    /// Records the host's CPU time, memory, disks, network and file systems from now on, at each collection, under the
    /// names of OpenTelemetry's semantic conventions (`system.*`).
    ///
    /// In a container, memory and CPU are the host's and not the container's. File systems of the network are left out. On
    /// Linux; elsewhere nothing is recorded.
    ///
    /// - Returns: What ends the observation, and its series, when it is no longer held. Observed twice, totals count twice.
    /// - Throws: Where a view of such a name is registered already and is another one.
    public func observeHost() throws(StatsError) -> Observation {
        try observeHost(ProcFiles())
    }

    /// The same of another process, as long as it lives.
    ///
    /// - Parameters:
    ///   - number: The process's.
    ///   - name: Stands at its series as `process.executable.name`, its number as `process.pid`.
    package func observeProcess(_ number: Int32, name: String) throws(StatsError) -> Observation {
        try observeProcess("\(number)", tags: Tags(["process.executable.name": name, "process.pid": "\(number)"]))
    }

    func observeProcess(
        _ process: String, tags: Tags, _ files: ProcFiles = ProcFiles()
    ) throws(StatsError) -> Observation {
        let metrics = try ProcessMetrics(process, tags: tags, files: files, in: self)
        metrics.record()
        let shared = Mutex(metrics)
        return Observation(in: self, name: "process \(process)") { shared.withLock { $0.record() } }
    }

    func observeHost(_ files: ProcFiles) throws(StatsError) -> Observation {
        let metrics = try HostMetrics(files: files, in: self)
        metrics.record()
        let shared = Mutex(metrics)
        return Observation(in: self, name: "host") { shared.withLock { $0.record() } }
    }
}
