package import Weir
package import WeirConfiguration
internal import WeirExport
package import WeirRecording
private import WeirSystem
internal import WeirSystemMetrics

/// `weir run`: the figures of this host, of this process and of a command that runs beside, exported as a configuration says
/// until a signal comes or the command ends.
package struct Run: Sendable {
    /// How it ended.
    package struct End: Sendable {
        /// SIGTERM or SIGINT; nil where the command ended first.
        package var signal: Int32?
        /// What a shell would say of the command; nil where there was none.
        package var commandStatus: Int32?
        /// What the sinks came to.
        package var report: ShutdownReport

        /// What the process says: the command's own, or whether all was delivered.
        package var status: Int32 {
            commandStatus ?? (report.isComplete && report.sinks.allSatisfy(\.lost.isEmpty) ? 0 : 1)
        }
    }

    private let configuration: Configuration
    private let path: String
    private let command: [String]
    private let deadline: Duration
    private let stats: Stats
    private let say: @Sendable (String) -> Void

    /// - Parameters:
    ///   - configuration: What was read from the file.
    ///   - path: The file, which is followed.
    ///   - command: What runs beside, with its arguments; none where it is empty.
    ///   - deadline: How long the command has to end, and then deliveries have.
    ///   - stats: What to export.
    ///   - say: A line for the operator.
    package init(
        _ configuration: Configuration, path: String, command: [String], deadline: Duration, from stats: Stats,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.configuration = configuration
        self.path = path
        self.command = command
        self.deadline = deadline
        self.stats = stats
        self.say = say
    }

    /// Runs until a signal comes or the command ends, and shuts down.
    package func run() async throws(RunError) -> End {
        let exporting: Exporting
        let own: [Observation]
        do throws(ExportingError) {
            own = try observeHostAndSelf()
            exporting = try startExporting(configuration: configuration, from: stats)
        } catch {
            throw .exporting(error)
        }
        defer { withExtendedLifetime(own) {} }
        let watcher = ConfigurationWatcher(of: path, inForce: configuration, for: exporting, from: stats)
        defer { watcher.stop() }
        do throws(RunError) {
            return try await supervise(exporting, watcher)
        } catch {
            _ = await exporting.shutdown(deadline: deadline)
            throw error
        }
    }

    private func observeHostAndSelf() throws(ExportingError) -> [Observation] {
        do throws(StatsError) {
            return [try stats.observeHost(), try stats.observeProcess(getpid(), name: "weir")]
        } catch {
            throw .resources(reason: error.description)
        }
    }

    private func supervise(
        _ exporting: Exporting, _ watcher: ConfigurationWatcher
    ) async throws(RunError) -> End {
        let arrival = FirstSignal()
        let supervised = try command.isEmpty ? nil : SupervisedCommand(command) { arrival.noteEnd() }
        do throws(ExportingError) {
            // Until the process ends: a signal that is sent twice may come the second time when all is delivered.
            _ = try Exporting.watchSignals(
                arrival,
                onReload: {
                    // The watcher logs what is wrong.
                    _ = try? watcher.reload()
                },
                onSecond: { supervised?.signal(SIGKILL) })
        } catch {
            supervised?.signal(SIGKILL)
            throw .exporting(error)
        }
        let observation = supervised.flatMap { try? stats.observeProcess($0.number, name: name(of: command[0])) }
        defer { withExtendedLifetime(observation) {} }
        announce(supervised)

        let signal = await arrival.value()
        let status = supervised.map { end($0, by: signal) }
        say("ending: collecting once more and delivering what waits, for at most \(deadline)")
        let report = await exporting.shutdown(deadline: deadline)
        return End(signal: signal == 0 ? nil : signal, commandStatus: status, report: report)
    }

    /// The command ends before the last collection, which then has all of its figures.
    private func end(_ command: SupervisedCommand, by signal: Int32) -> Int32 {
        if signal != 0 {
            // A terminal sends SIGINT to all of its foreground: twice would mean something else.
            if signal != SIGINT || !isInForeground { command.signal(signal) }
        }
        let time = TimeSource.system
        let nanoseconds = UInt64(max(deadline, .zero) / .nanoseconds(1))
        let (limit, overflow) = time.monotonic().addingReportingOverflow(nanoseconds)
        return command.wait(until: overflow ? .max : limit, time: time).status
    }

    /// Whether the terminal of this process's session, whatever its input is, has this process and the command in its
    /// foreground.
    private var isInForeground: Bool {
        let terminal = unsafe open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard terminal >= 0 else { return false }
        defer { close(terminal) }
        return tcgetpgrp(terminal) == getpgrp()
    }

    private func name(of command: String) -> String {
        command.split(separator: "/").last.map(String.init) ?? command
    }

    private func announce(_ command: SupervisedCommand?) {
        let sinks = configuration.sinks.map(\.name)
        let names = sinks.isEmpty ? "no sink, so nothing is exported" : sinks.joined(separator: ", ")
        let beside = command.map { " beside process \($0.number)" } ?? ""
        say("process \(getpid())\(beside), every \(configuration.interval) to: \(names)")
        let reload =
            Configuration.isReadOnce(path)
            ? "\(path) is no regular file and is not read again" : "SIGHUP reloads \(path), as its changes do"
        say("\(reload); SIGTERM or SIGINT ends, a second one, a second later, at once")
    }
}
