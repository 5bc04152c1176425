internal import Weir
package import WeirDump

/// Drives sinks that are slower than what comes, and watches what their policies make of it.
package struct Overload: Sendable {
    private let options: OverloadOptions
    private let line: ProgressLine
    private let isQuiet: Bool

    /// Between two looks at the accounts, and between two words of them.
    private static let look = Duration.milliseconds(20)
    private static let glance = Duration.milliseconds(250)

    /// - Parameter line: Shows how it goes: at every moment on a terminal, and once a second otherwise.
    package init(_ options: OverloadOptions, line: ProgressLine, isQuiet: Bool = false) {
        self.options = options
        self.line = line
        self.isQuiet = isQuiet
    }

    /// Runs for as long as it should, or until SIGINT or SIGTERM.
    ///
    /// - Throws: What starting a pipeline throws; nothing runs then.
    package func run() async throws -> OverloadReport {
        System.catchInterrupts(alsoTermination: true)
        let load = try Load(series: options.series, payloadBytes: options.payloadBytes)
        var report = OverloadReport()
        report.recordingBefore = load.costOfRecording(measurements: 2_000_000)
        report.residentBefore = System.residentBytes()
        var lanes: [Lane] = []
        do {
            for policy in options.policies { lanes.append(try Lane(policy, options, load)) }
        } catch {
            for lane in lanes { await lane.finish() }
            throw error
        }
        report.elapsed = await watch(lanes, load, &report)
        report.isInterrupted = System.isInterrupted
        for lane in lanes { lane.sample() }
        for lane in lanes { await lane.finish() }
        report.lanes = lanes.map(\.figures)
        line.clear()
        return report
    }

    private func watch(_ lanes: [Lane], _ load: Load, _ report: inout OverloadReport) async -> Duration {
        let clock = ContinuousClock()
        let began = clock.now
        var (nextGlance, nextSecond) = (Self.glance, Duration.seconds(1))
        var costs: (sum: Double, count: Double) = (0, 0)
        while true {
            let elapsed = clock.now - began
            guard elapsed < options.duration, !System.isInterrupted else { return elapsed }
            for lane in lanes { lane.sample() }
            report.residentPeak = [report.residentPeak, System.residentBytes()].compactMap { $0 }.max()
            if elapsed >= nextSecond {
                costs = (costs.sum + load.costOfRecording(), costs.count + 1)
                report.recordingMeanwhile = costs.sum / costs.count
            }
            if elapsed >= (line.isShown ? nextGlance : nextSecond), !isQuiet {
                let text = OverloadLine.text(
                    lanes.map(\.figures), elapsed: elapsed, residentBytes: System.residentBytes())
                if line.isShown { line.show(text) } else { line.say(text) }
                nextGlance = elapsed + Self.glance
            }
            if elapsed >= nextSecond { nextSecond += .seconds(1) }
            try? await Task.sleep(for: min(Self.look, options.duration - elapsed))
        }
    }
}
