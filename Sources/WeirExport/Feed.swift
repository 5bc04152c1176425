internal import WeirBatch
internal import WeirRecording

/// A feed at work: what it needs to know from one collection to the next. On the collector's thread alone.
final class Feed {
    let definition: FeedDefinition
    /// Another one when the clock was set.
    private(set) var stream: StreamID
    var sinks: [SinkWorker]
    /// When it is due, by the monotonic clock.
    var tick: UInt64

    /// The number that the next batch gets.
    private var number: UInt64 = 1
    /// When the collection ended that the last batch told; nil before the first.
    private var lastEnd: UInt64?
    /// Of the source's views and of Weir's own, whose strings are apart.
    private var sourceDelta = Delta()
    private var ownDelta = Delta()
    /// By how much the clock was set when the stream began, if that is why it did. Nanoseconds.
    private var clockStep: Int64 = 0
    /// Whether totals are told less what the streams before said, which the deltas remember.
    private var isRebased = false
    private var ended = EndedRows()
    private var estimate = LengthEstimate()
    /// Rows that the last collection was told without, as each is too long for any reader.
    private(set) var oversized: [OversizedRow] = []

    /// - Parameter tick: Counts only for a feed that ticks.
    init(_ plan: FeedPlan, tick: UInt64) {
        definition = plan.definition
        stream = plan.stream
        sinks = plan.sinks
        self.tick = plan.definition.isTicking ? tick : .max
    }

    var isDelta: Bool { definition.temporality == .delta }

    /// Whether sinks may have got from it what nobody else has told them.
    var isPushed: Bool { definition.requester == nil }

    // MARK: - Where its sinks stand

    /// What its sinks were told, the last collection with it, for a feed that goes on with them. Nil where that is not known.
    func position(behind collection: borrowing Collected) -> FeedPosition? {
        guard isPushed, let lastEnd else { return nil }
        if isDelta || isRebased {
            return FeedPosition(delta: sourceDelta, end: lastEnd, isOfTotals: !isDelta, beginsAnew: isRebased)
        }
        let told = collection.source.endTime
        guard lastEnd == told.movedClamped(by: collection.step) else { return nil }
        var delta = Delta.totals(behind: collection.source, until: told)
        delta.follow(collection.step)
        return FeedPosition(delta: delta, end: lastEnd, isOfTotals: true, beginsAnew: false)
    }

    /// Goes on where sinks stand that export ended for before. Totals go on whole, unless the clock was set since they began.
    func resume(_ position: FeedPosition) {
        guard isPushed, position.isOfTotals == !isDelta, isDelta || position.beginsAnew else { return }
        sourceDelta = position.delta
        lastEnd = position.end
        isRebased = position.isOfTotals
    }

    /// Begins a new stream by a clock that was set, behind a collection that told all by the clock of before.
    ///
    /// Totals that are pushed begin with nothing, so that whoever adds streams up adds nothing twice. Who asks is told what
    /// there is.
    func follow(_ step: Int64, behind collection: borrowing Collected) {
        stream = .random()
        number = 1
        clockStep = step
        guard let told = lastEnd else { return }
        let end = told.movedClamped(by: step)
        lastEnd = end
        guard isPushed else { return }
        // Where the collection could not be encoded, nobody knows more than was told before.
        if !isDelta, told == collection.source.endTime {
            isRebased = true
            sourceDelta = .totals(behind: collection.source, until: told)
            ownDelta = .totals(behind: collection.own, until: told)
        }
        sourceDelta.follow(step)
        ownDelta.follow(step)
    }

    /// Takes sinks over from other feeds, which have told them a collection just now: it counts as known to them, also what
    /// they were not told of it because they did not want it.
    func takeOver(from others: [Feed], at collection: borrowing Collected) {
        // By the clock of now, which the feeds follow already.
        let (told, step) = (collection.source.endTime, collection.step)
        let end = told.movedClamped(by: step)
        let others = others.filter { $0.isPushed && $0.lastEnd == end }
        guard isPushed, !others.isEmpty else { return }
        lastEnd = end
        clockStep = step
        guard isDelta else { return begin(after: others) }
        // What has ended and is not reported yet, deltas alone remember.
        for other in others where other.isDelta {
            sourceDelta.merge(other.sourceDelta, where: other.definition.filter.matches)
            ownDelta.merge(other.ownDelta, where: other.definition.filter.matches)
        }
        sourceDelta.merge(Delta(knowing: collection.source, until: told, following: step))
        ownDelta.merge(Delta(knowing: collection.own, until: told, following: step))
    }

    /// Tells totals as the feeds before did: from a moment on if one of them did.
    private func begin(after others: [Feed]) {
        guard let rebased = others.first(where: \.isRebased) else { return }
        isRebased = true
        sourceDelta = rebased.sourceDelta
        ownDelta = rebased.ownDelta
    }

    /// Keeps the ends that a collection reports which is not told in this feed.
    ///
    /// One that is asked for tells of the moment in which it is, and keeps none: nobody may ever ask.
    ///
    /// - Returns: How many rows there was no room for.
    func keep(_ rows: Batch) -> UInt64 {
        definition.requester == nil ? UInt64(ended.keep(rows, definition.filter)) : 0
    }

    /// The collection as this feed's next batches: one, unless it is split. Nothing has happened where it throws. What is
    /// ``oversized`` is never told.
    ///
    /// The collection must be rid of views that cannot be encoded: see ``Collected/removeUnsound()``.
    ///
    /// - Parameter budget: Counts the bytes.
    func encode(
        _ collection: inout Collected, with encoder: inout BatchEncoder, upTo limit: Int, _ budget: MemoryBudget
    ) throws(BatchError) -> [SharedBatch] {
        let payloads: [Payload]
        var leftOut: [OversizedRow]? = []
        if !isDelta, !isRebased, definition.filter.isAll, ended.isEmpty, !collection.source.hasExemplars {
            // As it lies: nothing is copied, and columns that the source fills anew stay its own.
            collection.join()
            defer { collection.part() }
            collection.source.startTime = lastEnd ?? collection.beginning
            payloads = try encoder.encode(collection.source, upTo: limit, &estimate, leavingOut: &leftOut)
        } else {
            payloads = try encoder.encode(shaped(collection), upTo: limit, &estimate, leavingOut: &leftOut)
        }
        oversized = leftOut ?? []
        if isDelta || isRebased {
            sourceDelta.commit(keeping: collection.failedViews)
            ownDelta.commit()
        }
        ended = EndedRows()
        // Also where the source itself tells what was added.
        let isDelta = isDelta || collection.source.views.contains { $0.temporality == .delta }
        lastEnd = collection.source.endTime
        defer { number += UInt64(payloads.count) }
        return payloads.enumerated().map { index, payload in
            SharedBatch(
                stream: stream, numbers: number + UInt64(index)...number + UInt64(index),
                startTime: payload.startTime, endTime: payload.endTime, rows: payload.rows, points: payload.points,
                rawLength: payload.rawLength, bytes: payload.bytes, isDelta: isDelta, part: UInt32(index) + 1,
                parts: UInt32(payloads.count), clockStep: clockStep, budget: budget)
        }
    }

    /// What of a collection is this feed's.
    private func shaped(_ collection: borrowing Collected) -> Batch {
        let start = lastEnd ?? collection.beginning
        var batch = select(collection.source, start)
        var own = select(collection.own, start)
        own.endTime = batch.endTime
        if !ended.isEmpty { ended.add(to: &batch) }
        // Who asks is told what there is, as whoever asks beside him; all others what came since they were told last.
        if definition.requester == nil, let lastEnd { batch.dropExemplars(notAfter: lastEnd) }
        if isDelta || isRebased {
            sourceDelta.subtract(from: &batch)
            ownDelta.subtract(from: &own)
        }
        batch.join(own)
        batch.dropUnusedStrings()
        return batch
    }

    private func select(_ batch: Batch, _ start: UInt64) -> Batch {
        var batch = batch
        batch.startTime = start
        if !definition.filter.isAll { batch.views.removeAll { !definition.filter.matches($0.name) } }
        return batch
    }
}

/// Where the sinks of a feed stand: what they were told of the source's views, and until when.
package struct FeedPosition: Sendable {
    let delta: Delta
    /// Nanoseconds since 1970.
    let end: UInt64
    /// Whether they are told totals.
    let isOfTotals: Bool
    /// Whether totals are told less what was told before: the clock was set.
    let beginsAnew: Bool

    /// The same by a clock that was set.
    func moved(by step: Int64) -> FeedPosition {
        guard step != 0 else { return self }
        var delta = delta
        delta.follow(step)
        return FeedPosition(
            delta: delta, end: end.movedClamped(by: step), isOfTotals: isOfTotals, beginsAnew: isOfTotals)
    }
}

/// One collection: the source's views and Weir's own.
struct Collected {
    var source = Batch()
    /// Without times.
    var own = Batch()
    /// When recording began.
    var beginning: UInt64 = 0
    /// By how much the clock was set, of what it noticed: its own times are by the clock of before. Nanoseconds.
    var step: Int64 = 0
    /// Views that were left out, by name.
    private(set) var failedViews: Set<String> = []
    private var joined = 0
    private var strings = StringTable()

    /// Leaves out the views whose columns contradict each other, so that all others can be encoded.
    ///
    /// - Returns: The names of the views, and what is wrong with each.
    mutating func removeUnsound() -> [(view: String, error: BatchError)] {
        var failed: [(view: String, error: BatchError)] = []
        source.views.removeAll { view in
            do throws(BatchError) {
                try view.validateShape(strings: source.strings.count)
                return false
            } catch {
                failed.append((view.name, error))
                return true
            }
        }
        failedViews = Set(failed.map(\.view))
        return failed
    }

    /// Puts Weir's own views behind the source's.
    mutating func join() {
        strings = source.strings
        source.join(own)
        joined = own.views.count
    }

    /// Takes them out again.
    mutating func part() {
        source.views.removeLast(joined)
        joined = 0
        source.strings = strings
        strings = StringTable()
    }
}

extension Batch {
    /// Puts another batch's tables and strings behind those that are here.
    fileprivate mutating func join(_ other: Batch) {
        let offset = UInt32(strings.count)
        for index in 0..<other.strings.count { strings.append(other.strings, index) }
        let values = [0] + (0..<UInt32(other.strings.count)).map { $0 + offset + 1 }
        for var view in other.views {
            view.renameTagValues(values)
            views.append(view)
        }
    }

    fileprivate var hasExemplars: Bool { views.contains { !$0.exemplars.isEmpty } }

    /// Leaves out exemplars that an earlier batch has told.
    fileprivate mutating func dropExemplars(notAfter time: UInt64) {
        for index in views.indices where !views[index].exemplars.isEmpty {
            let times = views[index].exemplars.times
            if times.contains(where: { $0 <= time }) {
                views[index].exemplars = views[index].exemplars.filter { times[$0] > time }
            }
        }
    }
}
