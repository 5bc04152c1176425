import Foundation
import Testing
import WeirTestSupport

private var worldSeeds: Range<UInt64> {
    func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap(UInt64.init) }
    if let seed = number("WEIR_LIVE_WORLD_SEED") { return seed..<seed + 1 }
    let first = number("WEIR_LIVE_WORLD_FIRST") ?? 0
    return first..<first + (number("WEIR_LIVE_WORLD_SEEDS") ?? 0)
}

/// Random lives of an application in which everything changes, held against arithmetic: what every destination was told is what
/// was recorded, or a gap, an account or a log line says why not.
///
/// Run by hand: `.ci/long live 1000 7` runs a thousand from the seventh on, and `WEIR_LIVE_WORLD_SEED=7` that one. The pipeline has
/// its own threads, so a seed does not always come out alike. ``World`` is driven by hand instead, and always comes out alike.
@Suite(
    "A simulated world with its threads", .serialized, .timeLimit(.minutes(60)),
    .enabled(if: !worldSeeds.isEmpty))
struct LiveWorldTests {
    @Test("whatever changes, every destination is told what was recorded")
    func lives() async throws {
        for seed in worldSeeds {
            let world = try LiveWorld(seed: seed)
            for _ in 0..<60 { try await world.live() }
            let problems = try await world.judge()
            #expect(
                problems.isEmpty,
                "seed \(seed):\n  \(problems.joined(separator: "\n  "))\n\(world.events.joined(separator: "\n"))")
            if !problems.isEmpty { return }
        }
    }
}
