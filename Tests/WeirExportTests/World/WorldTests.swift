import Foundation
import Testing

@Suite("The simulated world", .serialized, .timeLimit(.minutes(60)))
struct WorldTests {
    /// `WEIR_WORLD_SEED` runs one program, `WEIR_WORLD_SEEDS` that many, from `WEIR_WORLD_FIRST` on: `.ci/long world`.
    private static let seeds: Range<UInt64> = {
        func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap(UInt64.init) }
        if let seed = number("WEIR_WORLD_SEED") { return seed..<seed + 1 }
        let first = number("WEIR_WORLD_FIRST") ?? 0
        return first..<first + (number("WEIR_WORLD_SEEDS") ?? 300)
    }()

    @Test("every sink is told all that happened, whatever happens")
    func programs() throws { try Self.run(Self.seeds, hasFork: false) }

    @Test("so are those of a fork's child, and of its parent")
    func forks() async {
        // In a process of its own, whose other threads sleep: what the runtime has locked at a fork, a child waits for.
        await #expect(processExitsWith: .success) {
            let seeds = WorldTests.seeds
            try WorldTests.run(seeds.prefix(max(1, seeds.count / 5)), hasFork: true)
        }
    }

    private static func run(_ seeds: Range<UInt64>, hasFork: Bool) throws {
        var failures = 0
        // Some say all that there is to know.
        for seed in seeds where failures < 2 {
            let program = Event.program(seed: seed, hasFork: hasFork)
            let faults = try World.run(program)
            guard !faults.isEmpty else { continue }
            failures += 1
            let short = try shortened(program)
            let last = try World.run(short)
            Issue.record(
                """
                seed \(seed): \(last.prefix(4).joined(separator: "\n"))
                \(short.enumerated().map { "\($0): \($1)" }.joined(separator: "\n"))
                """)
        }
    }

    /// The program without all that it fails without, as far as some hundred runs find that.
    private static func shortened(_ program: [Event]) throws -> [Event] {
        var program = program
        var length = max(program.count / 2, 1)
        var runs = 0
        while true {
            var place = 0
            while place < program.count {
                runs += 1
                if runs > 300 { return program }
                var shorter = program
                shorter.removeSubrange(place..<min(place + length, program.count))
                if try !World.run(shorter).isEmpty { program = shorter } else { place += length }
            }
            if length == 1 { return program }
            length /= 2
        }
    }
}
