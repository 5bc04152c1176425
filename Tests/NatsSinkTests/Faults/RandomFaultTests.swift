import Foundation
import Testing

/// `.ci/long faults` gives it hours; otherwise it takes a few seconds.
@Suite(
    "Random faults with real files, processes and servers", .enabled(if: Nats.isInstalled, "nats-server"),
    .timeLimit(.minutes(60 * 24)), .serialized)
struct RandomFaultTests {
    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init)
    }

    @Test("what arrived and what is named as dropped is what was recorded")
    func everythingAccountedFor() async throws {
        let seconds = Self.number("WEIR_FAULTS_SECONDS") ?? 4
        var seed = UInt64(max(Self.number("WEIR_FAULTS_SEED") ?? 1, 0))
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
