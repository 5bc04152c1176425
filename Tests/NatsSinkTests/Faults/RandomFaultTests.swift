import Foundation
import Testing

private func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }

/// Run by hand: `.ci/long faults` gives it as long as it is told.
@Suite(
    "Random faults with real files, processes and servers", .enabled(if: Nats.isInstalled, "nats-server"),
    .enabled(if: number("WEIR_FAULTS_SECONDS") != nil, "WEIR_FAULTS_SECONDS"),
    .timeLimit(.minutes(60 * 24)), .serialized)
struct RandomFaultTests {
    @Test("what arrived and what is named as dropped is what was recorded")
    func everythingAccountedFor() async throws {
        let seconds = number("WEIR_FAULTS_SECONDS") ?? 4
        var seed = UInt64(max(number("WEIR_FAULTS_SEED") ?? 1, 0))
        let end = ContinuousClock.now + .seconds(seconds)
        var events: [String: Int] = [:]
        repeat {
            print("round with seed \(seed)")
            let round = try await FaultRound(seed: seed)
            let recorded = try await round.run(for: min(.seconds(40), .seconds(seconds)))
            try await round.check(recorded: recorded)
            events.merge(round.events) { $0 + $1 }
            seed += 1
        } while ContinuousClock.now < end
        for (event, count) in events.sorted(by: { $0.key < $1.key }) { print("\(count) × \(event)") }
    }
}
