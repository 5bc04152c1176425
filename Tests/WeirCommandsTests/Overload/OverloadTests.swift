import Testing
import Weir
import WeirBatch
import WeirDump
import WeirExport
import WeirTestSupport

@testable import WeirCommands

@Suite("An overload")
struct OverloadTests {
    /// Four times as much as can be delivered.
    private func run(
        _ policies: [OverflowPolicy], _ change: (inout OverloadOptions) -> Void = { _ in }
    ) async throws -> OverloadReport {
        var options = OverloadOptions(policies: policies.map(OverloadPolicy.init))
        options.rate = 200
        options.sinkDelay = .milliseconds(20)
        options.duration = .milliseconds(500 * testScale)
        options.series = 10
        options.maximumBatches = 8
        change(&options)
        return try await Overload(options, line: ProgressLine(isShown: false), isQuiet: true).run()
    }

    @Test("every policy stays within its bounds and accounts for every batch, side by side")
    func all() async throws {
        let report = try await run(OverloadPolicy.all(delay: .milliseconds(20)).map(\.policy))
        #expect(report.lanes.count == 9)
        #expect(report.isBalanced)
        for lane in report.lanes {
            #expect(lane.accounts.offered.batches > 8, "\(lane.policy.name)")
            #expect(lane.accounts.delivered.batches > 0, "\(lane.policy.name)")
            #expect((1...8).contains(lane.peakBatches), "\(lane.policy.name)")
            #expect(lane.worstAge ?? 0 >= (lane.medianAge ?? .infinity) * 0.98, "\(lane.policy.name)")
            // The shutdown leaves nothing.
            #expect(lane.end.queued == Amount() && lane.end.inflight == Amount(), "\(lane.policy.name)")
            #expect(lane.end.offered.batches >= lane.accounts.offered.batches, "\(lane.policy.name)")
        }
    }

    @Test(
        "what goes has the cause that is the policy's own",
        arguments: [
            (.dropOldest, .overflowOldest, nil), (.lifo, .overflowOldest, nil), (.dropNewest, nil, .overflowNewest),
            (.random(low: 0, high: 0.9), nil, .random), (.block(deadline: .milliseconds(1)), nil, .timedOut),
            (.expire(age: .milliseconds(30)), .expired, nil),
        ] as [(OverflowPolicy, Gap.Cause?, Gap.Cause?)])
    func causes(policy: OverflowPolicy, dropped: Gap.Cause?, refused: Gap.Cause?) async throws {
        let lane = try #require(try await run([policy]).lanes.first)
        if let dropped { #expect(lane.accounts.dropped[dropped].batches > 0) }
        if let refused { #expect(lane.accounts.refused[refused].batches > 0) }
        if dropped == nil { #expect(lane.accounts.dropped.total == Amount()) }
        if refused == nil { #expect(lane.accounts.refused.total == Amount()) }
    }

    @Test("deltas are merged, also those that do not compress", arguments: [0, 4096])
    func coalesce(payload: Int) async throws {
        let lane = try #require(try await run([.coalesce]) { $0.payloadBytes = payload }.lanes.first)
        #expect(lane.policy.temporality == .delta)
        #expect(lane.accounts.coalesced.batches > 0)
        #expect(lane.isOrdered)
        if payload > 0 { #expect(lane.accounts.offered.bytes / lane.accounts.offered.batches > UInt64(payload)) }
    }

    @Test("a policy that waits tells how long, one that does not never did")
    func waiting() async throws {
        let report = try await run([.block(deadline: .seconds(1)), .dropOldest])
        #expect(report.lanes[0].counts.waitedNanoseconds > 10_000_000)
        #expect(report.lanes[1].counts.waitedNanoseconds < report.lanes[0].counts.waitedNanoseconds / 10)
    }

    @Test("a destination that keeps up gets everything, in order")
    func noOverload() async throws {
        let report = try await run([.dropOldest, .lifo]) {
            $0.sinkDelay = .zero; $0.rate = 50
        }
        for lane in report.lanes {
            #expect(lane.accounts.delivered.batches > 0)
            #expect(lane.accounts.dropped.total == Amount() && lane.accounts.refused.total == Amount())
            #expect(lane.isOrdered)
        }
    }

    @Test("a destination that hangs gets nothing, holds no more than the bound, and delays no end")
    func hung() async throws {
        let report = try await run([.dropOldest, .block(deadline: .seconds(60))]) { $0.sinkDelay = .seconds(86_400) }
        #expect(report.isBalanced)
        for lane in report.lanes {
            #expect(lane.accounts.delivered == Amount())
            #expect(lane.peakBatches == 8)
            #expect(lane.medianAge == nil && lane.worstAge == nil)
        }
        #expect(report.lanes[0].end.dropped[.shutdown].batches > 0)
    }

    @Test("what waits on disk is there for the next run")
    func spill() async throws {
        let folder = try TemporaryDirectory()
        let first = try await run([.dropOldest]) { $0.spillDirectory = folder.path }
        #expect(first.isBalanced)
        let left = try #require(first.lanes.first).end.spilled
        #expect(left.batches > 0)
        let second = try await run([.dropOldest]) { $0.spillDirectory = folder.path }
        #expect(second.isBalanced)
        #expect(second.lanes.first?.accounts.recovered.batches == left.batches)
        #expect(try folder.names() == ["dropOldest"])
    }

    @Test("several exporters deliver more")
    func workers() async throws {
        let one = try #require(try await run([.dropOldest]).lanes.first)
        let four = try #require(try await run([.dropOldest]) { $0.workers = 4 }.lanes.first)
        #expect(four.accounts.delivered.batches > one.accounts.delivered.batches)
    }

    @Test("where one pipeline cannot start, none runs")
    func refused() async throws {
        await #expect(throws: ExportingError.self) {
            try await run([.dropOldest, .lifo]) { $0.spillDirectory = "/dev/null/spill" }
        }
    }
}
