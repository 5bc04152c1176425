internal import ArgumentParser
internal import Logging
internal import Weir
internal import WeirConfiguration
internal import WeirDump
internal import WeirCommands

/// `weir overload`: arguments in, a table out; the work is done by WeirCommands.
struct OverloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overload",
        abstract: "Drive a sink that is too slow, and show what each overflow policy makes of it.",
        usage: "weir overload [--policy POLICY]... [OPTIONS]",
        discussion: """
            Each policy gets a pipeline of its own, in this process: batches come at the same \
            rate, and a destination that takes its time for each of them gets what the policy \
            lets through. With the defaults 20 batches a second come and 5 can be delivered, \
            so that three of four have to go somewhere.

            EXAMPLES
              weir overload                                    all policies, side by side
              weir overload --policy block --policy lifo --for 30s
              weir overload --policy 'codel: {target: 1s, interval: 2s}'
              weir overload --policy dropOldest --sink-delay 1d   a sink that hangs
              weir overload --policy coalesce --rate 100 --series 5000
              weir overload --json | jq '{policy, age, dropped}'

            POLICIES
              are spelled as in a configuration. A name alone gets what suits the delay.
              dropOldest     the oldest waiting batch goes: afterwards the newest are there.
              dropNewest     the arriving batch goes: how it began is there, and old.
              lifo           the newest is delivered first: as fresh as can be, out of order.
              coalesce       the two oldest become one: no count is lost, only resolution.
              block          the collector waits for room, half an interval at most.
              asyncThenSync  waits from the high mark on, until down to the low mark.
              random         refuses ever more often as the queue fills: holes are spread.
              expire         what has waited too long goes: ages have a limit.
              codel          a burst passes, a queue that stands is worked down.

            WHAT TO LOOK FOR
              dropped, refused   the price, and its cause: given up in the queue, or turned
                                 away before it. coalesced is no loss.
              peak, held         the bound is never passed: memory stays flat.
              age p50, worst     how old a batch was when the destination had it. Where the
                                 whole queue waits before a batch, that is queue x delay.
              waited, late       what the policy cost the collector, and ticks it missed.
              order              lost where an older batch came after a newer one: under lifo
                                 whenever the rate falls, and where several deliver.
              balanced           offered = accepted + refused, and accepted = delivered +
                                 coalesced + dropped + waiting + spilled, at every look.
              Recording a measurement costs the same before and meanwhile: no sink is ever
              waited for there.

            EXIT CODES
              0    all accounts balance
              2    it could not begin
              3    accounts do not balance: a mistake of Weir's, which we want to hear of
              64   wrong usage
              130  interrupted; the accounts are of what came until then
            """)

    @Option(help: "A policy, or all. Can be given several times.")
    var policy = ["all"]

    @Option(help: ArgumentHelp("Batches a second, 0.1 to 1000.", valueName: "number"))
    var rate = 20.0

    @Option(
        help: ArgumentHelp("How long a delivery takes: 0s to 1d. (default: 200ms)", valueName: "duration"),
        transform: SettingArguments.duration(0...86_400_000_000_000))
    var sinkDelay = Duration.milliseconds(200)

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long it goes on: 100ms to 1d. (default: 10s)", valueName: "duration"),
        transform: SettingArguments.duration(100_000_000...86_400_000_000_000))
    var duration = Duration.seconds(10)

    @Option(help: "Series in each batch, 1 to 100000.")
    var series = 100

    @Option(
        help: ArgumentHelp(
            "Bytes beside them, which do not compress: 0 to 1MiB. (default: 0)", valueName: "size"),
        transform: SettingArguments.bytes(0...1 << 20))
    var payload = 0

    @Option(help: ArgumentHelp("Batches that each queue may hold, 1 to 100000.", valueName: "batches"))
    var queue = 32

    @Option(
        help: ArgumentHelp("Bytes that each queue may hold, 4KiB to 1GiB. (default: 32MiB)", valueName: "size"),
        transform: SettingArguments.bytes(4096...1 << 30))
    var queueBytes = 32 << 20

    @Option(help: "Exporters that deliver side by side, 1 to 64.")
    var workers = 1

    @Option(help: ArgumentHelp("Batches wait here on disk, too.", valueName: "directory"))
    var spill: String?

    @Option(help: "delta or cumulative values. (default: delta for coalesce, cumulative for the others)")
    var temporality: TemporalityChoice?

    @Flag(help: "An object a line and policy.")
    var json = false

    @Flag(help: "Nothing while it runs.")
    var quiet = false

    @Option(help: "auto (on a terminal, and unless NO_COLOR is set), always or never.")
    var color = ColourChoice.auto

    enum TemporalityChoice: String, ExpressibleByArgument, CaseIterable {
        case cumulative, delta
    }

    func validate() throws {
        guard (0.1...1000).contains(rate) else { throw ValidationError("--rate is \(rate), expected 0.1 to 1000") }
        for (name, value, range) in [
            ("series", series, 1...100_000), ("queue", queue, 1...100_000), ("workers", workers, 1...64),
        ] where !range.contains(value) {
            throw ValidationError(
                "--\(name) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
        }
        _ = try policies()
    }

    private func policies() throws -> [OverloadPolicy] {
        var policies: [OverloadPolicy] = []
        for text in policy {
            do throws(ConfigurationError) {
                policies +=
                    text == "all"
                    ? OverloadPolicy.all(delay: sinkDelay) : [try OverloadPolicy(spelled: text, delay: sinkDelay)]
            } catch {
                throw ValidationError(error.description)
            }
        }
        guard policies.count <= 64 else { throw ValidationError("\(policies.count) policies, expected at most 64") }
        if spill != nil, Set(policies.map(\.name)).count < policies.count {
            throw ValidationError("with --spill, a policy can be there once: its directory has its name")
        }
        guard let temporality else { return policies }
        return policies.map { policy in
            var policy = policy
            policy.temporality = temporality == .delta ? .delta : .cumulative
            return policy
        }
    }

    func run() async throws {
        System.ignoreBrokenPipes()
        // That a sink drops is what is shown here, and needs no warning.
        LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
        var options = OverloadOptions(policies: try policies())
        options.rate = rate
        options.sinkDelay = sinkDelay
        options.duration = duration
        options.series = series
        options.payloadBytes = payload
        options.maximumBatches = queue
        options.maximumBytes = queueBytes
        options.workers = workers
        options.spillDirectory = spill
        let line = ProgressLine(isShown: System.isTerminal(System.standardError))
        let report: OverloadReport
        do {
            report = try await Overload(options, line: line, isQuiet: quiet).run()
        } catch {
            line.say(Terminal.safe("\(error)"))
            throw ExitCode(2)
        }
        let output = Output(descriptor: System.standardOutput)
        if json {
            OverloadJSON().write(report, to: output)
        } else {
            OverloadTable(report, options).write(to: output, terminal: color.terminal)
        }
        output.flush()
        if !report.isBalanced { throw ExitCode(3) }
        if report.isInterrupted { throw ExitCode(130) }
    }
}
