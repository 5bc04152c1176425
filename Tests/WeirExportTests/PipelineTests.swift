import Foundation
import Testing
import WeirBatch
import WeirExport
import WeirExporterKit
import WeirTestSupport

@Suite("A pipeline")
struct PipelineTests {
    private let source = CountingSource()

    @Test("every sink gets the same bytes, numbered from 1, and the end mark last")
    func sharesBatches() async throws {
        let destinations = (0..<3).map { _ in Destination(.accepting) }
        let pipeline = try Pipeline.started(source, destinations.enumerated().map { try $1.sink("sink \($0)") })
        await source.collections.wait(for: 20)
        let report = await pipeline.end()
        #expect(report.isComplete)
        let first = destinations[0].state
        #expect(first.facts.map(\.numbers.lowerBound) == Array(1...UInt64(first.facts.count)))
        #expect(UInt64(first.facts.count) == source.count)
        for destination in destinations {
            let state = destination.state
            #expect(state.frames == first.frames)
            #expect(state.endMarks.map(\.numbers) == [source.count...source.count])
            #expect(state.isClosed && !state.wasStopped)
        }
        for sink in report.sinks {
            #expect(sink.accounts.imbalance == nil)
            #expect(sink.accounts.delivered.batches == source.count)
            #expect(sink.hasEndMark && sink.isFinished && sink.lastMessage.isEmpty)
        }
    }

    @Test("the last collection is made at the shutdown, and every batch holds its own")
    func collectsOnceMore() async throws {
        let destination = Destination(.accepting)
        let pipeline = try Pipeline.started(
            source, [destination.sink("a")], intervalNanoseconds: 3_600_000_000_000)
        #expect(source.count == 0)
        _ = await pipeline.end()
        #expect(source.count == 1)
        let state = destination.state
        var header = FrameHeader(stream: pipeline.streams[0], first: 1, last: 1)
        let facts = try #require(state.facts.first)
        header.payloadLength = facts.payloadLength
        header.rawLength = facts.rawLength
        header.rows = facts.rows
        header.points = facts.points
        header.startTime = facts.startTime
        header.endTime = facts.endTime
        let reader = try BatchReader(MemorySource(header.encoded() + state.frames[0]))
        guard case .frame(let frame) = try reader.next() else {
            Issue.record("wanted a frame")
            return
        }
        #expect(try frame.batch().views.first?.integers == [1])
    }

    @Test("a sink that never returns delays neither the others nor the shutdown")
    func survivesHang() async throws {
        let hanging = Destination(.hanging)
        let working = Destination(.accepting)
        let pipeline = try Pipeline.started(
            source, [hanging.sink("hanging", bounds: QueueBounds(batches: 5)), working.sink("working")])
        await source.collections.wait(for: 30)
        // Nothing lets the hanging call return before the report is there.
        let report = await pipeline.end(deadlineNanoseconds: 2_000_000_000)
        #expect(!report.sinks[0].isFinished && !report.sinks[0].hasEndMark)
        #expect(report.sinks[0].accounts.imbalance == nil)
        #expect(report.sinks[0].accounts.uncertain.batches == 1)
        #expect(report.sinks[0].accounts.dropped[.shutdown].batches == 5)
        #expect(report.sinks[0].accounts.dropped.total.batches == report.offered(source))
        #expect(report.sinks[1].accounts.delivered.batches == report.offered(source, sink: 1))
        #expect(report.sinks[1].hasEndMark && report.sinks[1].isFinished)
        #expect(working.state.endMarks.count == 1)
        hanging.release()
        await hanging.changes.wait { hanging.state.isClosed }
        // What came late changes nothing that was reported.
        #expect(pipeline.snapshots()[0].accounts == report.sinks[0].accounts)
        #expect(hanging.state.endMarks.isEmpty)
    }

    @Test("at the deadline a running call is asked to return, and the stream still gets its end mark")
    func asksToStop() async throws {
        let destination = Destination(.stoppable)
        let pipeline = try Pipeline.started(source, [destination.sink("a")])
        await source.collections.wait(for: 5)
        let report = await pipeline.end(deadlineNanoseconds: 50_000_000)
        await destination.changes.wait { destination.state.isClosed }
        #expect(destination.state.wasStopped)
        #expect(report.sinks[0].accounts.dropped[.shutdown].batches == report.offered(source))
        #expect(report.sinks[0].accounts.imbalance == nil)
        // On a machine too busy to come back in time, the sink is given up instead.
        #expect(report.sinks[0].isFinished || !report.sinks[0].hasEndMark)
    }

    @Test("an exporter is not closed while it is being asked to stop")
    func closesAfterStop() async throws {
        let destination = Destination(.stoppableSlowly)
        let pipeline = try Pipeline.started(source, [destination.sink("a")])
        await source.collections.wait(for: 5)
        let report = await pipeline.end(deadlineNanoseconds: 50_000_000)
        #expect(!report.sinks[0].isFinished)
        #expect(destination.state.wasStopped && !destination.state.isClosed)
        destination.release()
        await destination.changes.wait { destination.state.isClosed }
    }

    @Test("what a sink could not deliver by the deadline is dropped, and its end mark tells")
    func dropsAtDeadline() async throws {
        let destination = Destination(.failing)
        let pipeline = try Pipeline.started(source, [destination.sink("a")])
        await source.collections.wait(for: 5)
        let report = await pipeline.end(deadlineNanoseconds: 100_000_000)
        #expect(report.sinks[0].accounts.dropped[.shutdown].batches == report.offered(source))
        #expect(report.sinks[0].accounts.imbalance == nil)
        #expect(report.sinks[0].lastMessage == "away")
        // On a machine too busy to come back in time, the sink is given up instead.
        #expect(report.sinks[0].isFinished || !report.sinks[0].hasEndMark)
        await destination.changes.wait { destination.state.isClosed }
        #expect(destination.state.endMarks.allSatisfy { $0.gaps == 1 })
    }

    @Test("a source that never returns does not delay the shutdown")
    func survivesHangingSource() async throws {
        final class Hanging: BatchSource {
            let destination = Destination(.hanging)
            func collect(into batch: inout Batch) { destination.hang { _ in false } }
        }
        let source = Hanging()
        let working = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [working.sink("a")])
        // Nothing lets the collection return before the report is there.
        let report = await pipeline.end(deadlineNanoseconds: 50_000_000)
        #expect(!report.isComplete)
        #expect(report.sinks[0].isFinished)
        source.destination.release()
    }

    @Test("a second shutdown gives the same report")
    func shutdownTwice() async throws {
        let destination = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [destination.sink("a")])
        async let first = pipeline.end()
        async let second = pipeline.end()
        let reports = await [first, second, pipeline.end()]
        #expect(Set(reports.map { $0.sinks[0].accounts.delivered.batches }).count == 1)
        #expect(destination.state.endMarks.count == 1)
    }

    @Test("ticks that pass during a collection are counted and folded into the next")
    func foldsLateTicks() async throws {
        let slow = CountingSource(durationNanoseconds: 5_000_000)
        let pipeline = try Pipeline.started(slow, [], intervalNanoseconds: 1_000_000)
        await slow.collections.wait(for: 5)
        _ = await pipeline.end()
        let counts = pipeline.counts
        // The last one is the shutdown's, which answers for no tick.
        #expect(counts.lateTicks >= 4 * (counts.collections - 1))
        #expect(counts.lastDurationNanoseconds >= 5_000_000)
    }

    @Test("all sinks together hold no more than their bound, besides what is in flight")
    func boundsTotal() async throws {
        let hanging = (0..<3).map { _ in Destination(.hanging) }
        let working = Destination(.accepting)
        let pipeline = try Pipeline.started(
            source, hanging.enumerated().map { try $1.sink("hanging \($0)") } + [working.sink("working")],
            totalBytes: 20_000)
        await source.collections.wait(for: 60)
        for sink in pipeline.snapshots().prefix(3) {
            #expect(sink.accounts.queued.bytes <= 20_000)
            #expect(sink.accounts.dropped[.overflowOldest].batches > 0)
            #expect(sink.accounts.imbalance == nil)
        }
        for destination in hanging { destination.release() }
        let report = await pipeline.end()
        for sink in report.sinks {
            #expect(sink.accounts.imbalance == nil)
            #expect(sink.accounts.dropped[.overflowOldest] == sink.accounts.dropped.total)
        }
    }

    @Test("the accounts travel as metrics, and their identity can be read from a batch")
    func exportsAccounts() async throws {
        let destination = Destination(.accepting)
        let pipeline = try Pipeline.started(source, [destination.sink("a"), Destination(.failing).sink("b")])
        await source.collections.wait(for: 10)
        _ = await pipeline.end(deadlineNanoseconds: 100_000_000)
        let state = destination.state
        let facts = try #require(state.facts.last)
        var header = FrameHeader(stream: pipeline.streams[0], first: 1, last: 1)
        header.payloadLength = facts.payloadLength
        header.rawLength = facts.rawLength
        header.rows = facts.rows
        header.points = facts.points
        header.startTime = facts.startTime
        header.endTime = facts.endTime
        let reader = try BatchReader(MemorySource(header.encoded() + (state.frames.last ?? [])))
        guard case .frame(let frame) = try reader.next() else {
            Issue.record("wanted a frame")
            return
        }
        let batch = try frame.batch()
        // A sink that has not failed yet has no time of that.
        #expect(
            batch.views.map(\.name).filter { $0 != "weir.sink.failure.time" } == [
                "collections", "weir.sink.batches", "weir.sink.held.batches", "weir.sink.rows", "weir.sink.held.rows",
                "weir.sink.bytes", "weir.sink.held.bytes", "weir.sink.deliveries", "weir.sink.state",
                "weir.sink.failing.since", "weir.sink.success.time", "weir.collections", "weir.feed.rows.lost",
                "weir.collection.duration",
            ])
        for unit in ["batches", "rows", "bytes"] {
            for sink in ["a", "b"] {
                let accounts = try values("weir.sink.\(unit)", sink, in: batch)
                let held = try values("weir.sink.held.\(unit)", sink, in: batch)
                let ends = ["delivered", "coalesced", "dropped"].reduce(0) { $0 + accounts[$1, default: 0] }
                #expect(accounts["offered", default: 0] > 0)
                #expect(accounts["offered"] == accounts["accepted", default: 0] + accounts["refused", default: 0])
                #expect(accounts["accepted"] == ends + held.values.reduce(0, +))
            }
        }
    }

    /// A sink's rows of a view by their second tag, which is the account or the state.
    private func values(_ name: String, _ sink: String, in batch: Batch) throws -> [String: Int64] {
        let view = try #require(batch.views.first { $0.name == name })
        var values: [String: Int64] = [:]
        for row in 0..<view.rows where batch.strings[Int(view.tagValues[row]) - 1] == sink {
            values[batch.strings[Int(view.tagValues[view.rows + row]) - 1], default: 0] += view.integers[row]
        }
        return values
    }

    @Test("what cannot start leaves nothing open behind")
    func refuses() throws {
        let open = Destination(.accepting)
        #expect(throws: ExportError.exporter(sink: "b", message: "no destination x", isTransient: false)) {
            var lost = try open.sink("b")
            lost.settings = ["id": "x"]
            _ = try Pipeline.started(source, [open.sink("a"), lost])
        }
        #expect(open.state.isClosed)
        #expect(throws: ExportError.duplicateSink("a")) {
            try Pipeline.started(source, [open.sink("a"), open.sink("a")])
        }
        #expect(throws: ExportError.interval(nanoseconds: 0)) {
            try Pipeline.started(source, [], intervalNanoseconds: 0)
        }
    }

    @Test("a fork's child has no threads and shuts down at once, without a word to the parent's sinks")
    func fork() async throws {
        await #expect(processExitsWith: .success) {
            typealias Fork = @convention(c) () -> pid_t
            // Swift hides fork from programs that would go on running Swift in the child, as this test does on purpose.
            let fork = unsafe unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)
            let destination = Destination(.accepting)
            let pipeline = try Pipeline.started(
                CountingSource(), [destination.sink("a")], intervalNanoseconds: 3_600_000_000_000)
            let child = fork()
            if child == 0 {
                pipeline.shutdown(deadlineNanoseconds: 5_000_000_000) { report in
                    // Nothing generic: the runtime may have been looking that up at the fork, with a lock held.
                    _exit(report.isComplete || report.sinks.count > 0 ? 1 : 0)
                }
                _exit(2)
            }
            var status: Int32 = -1
            while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
            #expect(status == 0)
            let report = await pipeline.end()
            #expect(report.isComplete)
            #expect(destination.state.facts.count == 1)
        }
    }
}
