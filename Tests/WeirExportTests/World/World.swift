import CWeirCPU
import WeirBatch
import WeirTestSupport

@testable import WeirExport
@testable import WeirRecording

/// An instance of statistics and its sinks, driven by hand, beside a model of what they have to be told.
@safe
final class World {
    let clock = SetClock()
    private(set) var stats: Stats
    private var collector: Collector
    private var collection = Collected()
    private var beginning: UInt64?
    private var collections = 0
    private var steps: Int64 = 0
    private let lines: [Line]
    private var encoder: BatchEncoder
    private var decoder: BatchDecoder
    private var model = Model()
    private var integers: [Int: Recorder<Int64>] = [:]
    private var doubles: [Int: Recorder<Double>] = [:]
    private var greatAmounts = 0
    private var faults: [String] = []
    private var visit: UnsafeMutablePointer<weir_reader>?
    /// Whom a fork's child tells what it found.
    private var parent: Fork.Parent?

    init() throws {
        stats = try Self.stats(clock)
        collector = Collector(stats: stats)
        encoder = try BatchEncoder()
        decoder = try BatchDecoder()
        lines = try [
            Line("deltas", .delta, every: 1), Line("totals", .cumulative, every: 2),
            Line("slow deltas", .delta, every: 3), Line("some totals", .cumulative, every: 1, match: "?/s*"),
        ]
    }

    deinit { endReading() }

    private func endReading() {
        if let inside = unsafe visit { unsafe weir_reader_leave(inside) }
        unsafe visit = nil
    }

    private static func stats(_ clock: SetClock) throws -> Stats {
        let stats = Stats(stripes: try StripeSet(cells: 1 << 12), clock: clock.clock)
        try stats.register(Layout.views.map(\.view))
        // A first collection in the nanosecond of the beginning would end a nanosecond ahead of the clock.
        clock.advance(1)
        return stats
    }

    /// Runs a program.
    ///
    /// - Returns: What is wrong; empty where nothing is.
    static func run(_ program: [Event]) throws -> [String] {
        let world = try World()
        for (place, event) in program.enumerated() {
            // A monotonic clock stands for nobody: a life's start tells it from the one before.
            world.clock.advance(1_000)
            try world.happen(event)
            world.faults += world.lines.flatMap { $0.takeFaults() }
            if !world.faults.isEmpty { return world.end(world.faults.map { "at \(place): \($0)" }) }
        }
        return world.end([])
    }

    /// A child's faults are its parent's to tell.
    private func end(_ faults: [String]) -> [String] {
        if let parent { parent.end(telling: faults) }
        return faults
    }

    private func happen(_ event: Event) throws {
        switch event {
        case .record(let measure, let tags, let amount): record(measure, tags, amount)
        case .recordGreat(let tags): try recordGreat(tags)
        case .bind(let slot, let measure, let tags): bind(slot, measure, tags)
        case .recordBound(let slot, let amount): recordBound(slot, amount)
        case .release(let slot): release(slot)
        case .reset(let slot):
            integers[slot]?.restartSums()
            doubles[slot]?.restartSums()
            model.reset(slot)
        case .destroy(let slot):
            integers[slot]?.endSeries(now: true)
            doubles[slot]?.endSeries(now: true)
            (integers[slot], doubles[slot]) = (nil, nil)
            model.destroy(slot)
        case .forget(let tags, let view):
            stats.forget(Layout.tags(tags), of: view.map { Layout.views[$0].name })
            model.forget(Layout.tags[tags], view: view)
        case .advance(let nanoseconds): clock.advance(nanoseconds)
        case .setClock(let step): clock.set(by: step)
        case .collect: try collect { $0.isMultiple(of: $1.interval) }
        case .applyRules(let rules):
            try stats.apply(ViewRules(zip(Layout.views, rules).compactMap { $0.rule($1) }))
            model.apply(rules)
        case .toggleView(let view): try toggle(view)
        case .move(let line, let interval):
            try collect { $1 === self.lines[line] }
            try lines[line].move(to: interval, at: collection)
        case .exportAgain: try exportAgain()
        case .deliver(let line): lines[line].deliverAll()
        case .retry(let line): lines[line].retryOne()
        case .reject(let line): lines[line].rejectOne()
        case .hang(let line): lines[line].hang()
        case .comeBack(let line): lines[line].comeBack()
        case .beginReading: if unsafe visit == nil { unsafe visit = weir_reader_enter() }
        case .endReading: endReading()
        case .restart: try restart()
        case .fork: try fork()
        case .settle: try settle()
        }
    }

    // MARK: - Recording

    /// What of an amount a measure takes: half of them only grow, and half are eighths.
    private func amount(_ amount: Int64, _ measure: Int) -> Int64 { measure % 2 == 0 ? abs(amount) : amount }

    private func record(_ measure: Int, _ tags: Int, _ amount: Int64) {
        let value = self.amount(amount, measure)
        let own = Layout.tags(tags)
        switch measure {
        case 0: Layout.grows.record(value, own, in: stats)
        case 1: Layout.moves.record(value, own, in: stats)
        case 2: Layout.growsDouble.record(Double(value) / 8, own, in: stats)
        default: Layout.movesDouble.record(Double(value) / 8, own, in: stats)
        }
        model.record(measure: measure, tags: Layout.tags[tags], eighths: Int128(value) * (measure < 2 ? 8 : 1))
    }

    private func recordGreat(_ tags: Int) throws {
        guard weir_cpu_restart() || !weir_cpu_is_rseq(), greatAmounts < 3 else { return }
        greatAmounts += 1
        try collect { _, _ in true }
        Layout.grows.record(1 << 60, Layout.tags(tags), in: stats)
        model.record(measure: 0, tags: Layout.tags[tags], eighths: Int128(1) << 63)
        Layout.growsDouble.record(1e18, Layout.tags(tags), in: stats)
        model.record(measure: 2, tags: Layout.tags[tags], eighths: Int128(8e18))
        try collect { _, _ in true }
    }

    private func bind(_ slot: Int, _ measure: Int, _ tags: Int) {
        release(slot)
        let own = Layout.tags(tags)
        switch measure {
        case 0: integers[slot] = Layout.grows.bound(to: own, in: stats)
        case 1: integers[slot] = Layout.moves.bound(to: own, in: stats)
        case 2: doubles[slot] = Layout.growsDouble.bound(to: own, in: stats)
        default: doubles[slot] = Layout.movesDouble.bound(to: own, in: stats)
        }
        model.recorders[slot] = (measure, Layout.tags[tags])
        model.hold(measure, Layout.tags[tags])
    }

    private func recordBound(_ slot: Int, _ amount: Int64) {
        guard let (measure, tags) = model.recorders[slot] else { return }
        let value = self.amount(amount, measure)
        integers[slot]?.record(value)
        doubles[slot]?.record(Double(value) / 8)
        model.record(measure: measure, tags: tags, eighths: Int128(value) * (measure < 2 ? 8 : 1))
    }

    private func release(_ slot: Int) {
        (integers[slot], doubles[slot]) = (nil, nil)
        model.recorders[slot] = nil
    }

    private func toggle(_ view: Int) throws {
        let asked = Layout.views[view]
        if stats.viewNames.contains(asked.name) {
            try stats.unregister(asked.name)
        } else {
            try stats.register(asked.view)
        }
        model.toggle(view)
    }

    // MARK: - Export, as a pipeline does it

    private func collect(isDue: (Int, Line) -> Bool) throws {
        collections += 1
        collector.collect(into: &collection.source)
        model.collected()
        collection.beginning = beginning ?? collection.source.startTime
        beginning = collection.beginning
        collection.step = collector.clockStep
        faults += collection.removeUnsound().map { "unsound: \($0)" }
        let ended = EndedRows.rows(of: collection.source)
        for line in lines {
            guard isDue(collections, line) || collection.step != 0 else {
                if let ended, line.feed.keep(ended) > 0 { faults.append("\(line.name) lost ends") }
                continue
            }
            for batch in try line.feed.encode(&collection, with: &encoder, upTo: 4 << 20, MemoryBudget()) {
                line.offer(batch, try decoder.decode(batch.bytes, header: batch.plainHeader), steps: steps)
            }
        }
        guard collection.step != 0 else { return }
        for line in lines { line.feed.follow(collection.step, behind: collection) }
        beginning = beginning?.movedClamped(by: collection.step)
        steps += collection.step
    }

    private func exportAgain() throws {
        try collect { _, _ in true }
        for line in lines where line.feed.isDelta {
            if let position = line.feed.position(behind: collection) { collector.keepPosition(position, of: line.name) }
        }
        for line in lines where line.feed.isDelta {
            guard let position = collector.takePosition(of: line.name) else {
                faults.append("nobody knows where \(line.name) stood")
                continue
            }
            try line.resume(position)
        }
    }

    private func restart() throws {
        try settle()
        for slot in 0..<4 { release(slot) }
        clock.advance(1_000_000_000)
        stats = try Self.stats(clock)
        collector = Collector(stats: stats)
        (collection, beginning, steps) = (Collected(), nil, 0)
        for line in lines { try line.restart() }
        model.restart()
    }

    /// A child tells what it records itself, and its parent goes on as if nothing had been.
    private func fork() throws {
        guard parent == nil else { return }
        switch try Fork() {
        case .child(let parent):
            self.parent = parent
            endReading()
            collector = Collector(stats: stats)
            (collection, beginning) = (Collected(), nil)
            for line in lines { try line.fork() }
            model.fork()
        case .parent(let faults): self.faults += faults.map { "in the child: \($0)" }
        }
    }

    /// Collects until all is told that ended, and judges.
    private func settle() throws {
        endReading()
        // Ends wait for readers of the whole process, other tests' too.
        for _ in 0..<1_000 {
            clock.advance(1_000_003)
            try collect { _, _ in true }
            for line in lines { line.deliverAll() }
            let waiting = stats.withState { state in unsafe state.gate.retiredCount + state.ended.count }
            if waiting == 0, !stats.hasDepartures { break }
        }
        clock.advance(1_000_003)
        try collect { _, _ in true }
        let judge = Judge(model: model, hasGreatAmounts: greatAmounts > 0)
        for line in lines {
            line.settle()
            faults += judge.faults(of: line)
        }
    }
}
