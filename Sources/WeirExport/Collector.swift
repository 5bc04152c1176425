package import WeirBatch
package import WeirRecording

/// Fills batches from the stripes of a ``Stats``: one table a view, its series in the order in which they were made.
///
/// What does not change from one collection to the next is kept: names, bounds, tags and start times of a view whose
/// series are the same are neither looked up nor allocated again.
package final class Collector: BatchSource {
    private let stats: Stats
    private let runner: CallbackRunner
    private let lock = Lock()
    // Sendable: under the lock.
    nonisolated(unsafe) private var state = State()

    fileprivate struct State {
        /// By the number of the view, which no other view ever has.
        var columns: [UInt64: CachedColumns] = [:]
        var strings = TagDictionary()
        /// When its last collection was, by the clock of now; nil before the first.
        var endTime: UInt64?
        /// By how much the clock was set in all, of what this collector has told.
        var steps: Int64?
        /// By how much it was set of what the last collection told.
        var lastStep: Int64 = 0
        var lateCallbacks: [String] = []
        /// Integers that no Int64 holds, in all collections.
        var clampedValues: UInt64 = 0
    }

    package convenience init(stats: Stats) { self.init(stats: stats, runner: CallbackRunner()) }

    init(stats: Stats, runner: CallbackRunner) {
        self.stats = stats
        self.runner = runner
        stats.addCollector()
    }

    deinit { stats.removeCollector() }

    package var currentTime: UInt64 { stats.currentTime }

    package var lateCallbacks: [String] { lock.withLock { unsafe state.lateCallbacks } }

    package var clockStep: Int64 { lock.withLock { unsafe state.lastStep } }

    package func takeProblems() -> [String] {
        stats.takeInstrumentProblems().map {
            "\($0). What it records goes to other views of its measure or, where there are none, is counted as lost"
        }
    }

    package func takePosition(of sink: String) -> FeedPosition? {
        let kept = stats.attachments.take("sink:" + sink) as? (FeedPosition, Int64)
        guard let (position, steps) = kept else { return nil }
        // The clock may have been set since.
        return position.moved(by: stats.clockSteps - steps)
    }

    package func keepPosition(_ position: FeedPosition, of sink: String) {
        let steps = lock.withLock { unsafe state.steps } ?? stats.clockSteps
        stats.attachments.keep((position, steps), for: "sink:" + sink)
    }

    /// One collection. Takes some nanoseconds for each cell of each stripe; recorders do not wait for it.
    package func collect(into batch: inout Batch) {
        // The cached columns and strings must be the only ones, or writing them would copy them.
        batch.views.removeAll(keepingCapacity: true)
        batch.strings = StringTable()
        lock.withLock {
            stats.collect(calling: runner.call) { views, counts, moment in
                unsafe state.collect(views, counts, at: moment, from: stats, into: &batch)
            }
        }
    }
}

/// A view's table, and which series its fixed columns are of.
private struct CachedColumns {
    var columns = ViewColumns()
    var version: Int
    /// Whether the fixed columns are of exactly the live series.
    var isComplete = false
    /// Of the dictionary that the tag columns refer to.
    var dictionary = 0
    /// By how much the clock was set in all, of its start times.
    var steps: Int64 = 0
}

extension Collector.State {
    mutating func collect(
        _ views: [ViewSnapshot], _ counts: RecordingCounts, at moment: CollectionMoment, from stats: Stats,
        into batch: inout Batch
    ) {
        // What another collector noticed of the clock, this one has yet to tell: until then its times are by the one before.
        let unfollowed = moment.stepsBefore - (steps ?? moment.stepsBefore)
        lastStep = unfollowed + moment.step
        lateCallbacks = moment.lateCallbacks
        steps = moment.stepsBefore + moment.step
        batch.startTime = endTime ?? stats.startTime
        batch.endTime = max(moment.time.movedClamped(by: -unfollowed), batch.startTime.movedClamped(by: 1))
        endTime = batch.endTime.movedClamped(by: lastStep)
        // Where the clock stands still, there is no time behind the last collection.
        let interval = min(batch.startTime &+ 1, batch.endTime)...batch.endTime

        // Strings of series that are gone are thrown away when they are most of them.
        strings.beginCollection()
        var kept: [UInt64: CachedColumns] = [:]
        for view in views {
            var cached = columns.removeValue(forKey: view.state.number)
            let filled = fill(view, &cached, interval, steps: moment.stepsBefore, from: stats)
            clampedValues += filled.columns.clampedCount
            batch.views.append(filled.columns)
            kept[view.state.number] = filled
        }
        if !columns.isEmpty { strings.noteChange() }
        columns = kept
        RecordingMetrics(
            views: views, counts: counts, stats: stats, startTime: stats.startTime, clampedValues: clampedValues
        ).append(to: &batch, &strings)
        batch.strings = strings.table
        strings.endCollection(batch)
        if unfollowed != 0 { batch.moveRowTimes(by: -unfollowed) }
    }

    /// A view's columns with the values of now.
    ///
    /// - Parameters:
    ///   - interval: The nanoseconds that the collection is of.
    ///   - steps: By how much the clock was set in all, of the series' times.
    private mutating func fill(
        _ view: ViewSnapshot, _ cached: inout CachedColumns?, _ interval: ClosedRange<UInt64>, steps: Int64,
        from stats: Stats
    ) -> CachedColumns {
        var lists = [view.live, view.ended]
        if case .lastValue = view.state.form { lists = lists.map(stats.settled) }
        let isComplete = lists[1].count == 0 && lists[0].count == view.live.count

        // Taken and not copied: columns that somebody else holds too would be allocated anew.
        var filled = cached.take() ?? CachedColumns(version: -1)
        if !isComplete || !filled.isComplete || filled.version != view.version
            || filled.dictionary != strings.generation || filled.steps != steps
        {
            strings.noteChange()
            filled = CachedColumns(
                columns: ViewColumns(view.state), version: view.version, isComplete: isComplete,
                dictionary: strings.generation, steps: steps)
            filled.columns.appendFixed(lists, keys: view.keys(lists), &strings)
        }
        filled.columns.removeValues()
        for list in lists where list.count > 0 { filled.columns.appendValues(list, view.state, from: stats) }
        if view.state.view.exemplars != .alwaysOff {
            var row = 0
            for list in lists {
                filled.columns.appendExemplars(list, behind: row, interval, from: stats, &strings)
                row += list.count
            }
        }
        return filled
    }
}

extension ViewSnapshot {
    /// The view's keys or, where it keeps all tags, those that its series have, in the order in which they came up.
    fileprivate func keys(_ lists: [SeriesList]) -> [TagKey] {
        guard state.view.allTagsBut != nil else { return state.view.tagKeys }
        var keys: [TagKey] = []
        var known: Set<TagKey> = [.overflow]
        for list in lists {
            for index in 0..<list.count {
                for (key, _) in list.tags(at: index) where known.insert(key).inserted { keys.append(key) }
            }
        }
        return keys
    }
}

// MARK: - Columns

extension Batch {
    /// Tells all rows' times by a clock that was set.
    fileprivate mutating func moveRowTimes(by step: Int64) {
        for view in views.indices {
            views[view].startTimes = views[view].startTimes.map { $0.movedClamped(by: step) }
            views[view].endTimes = views[view].endTimes.map { $0 == 0 ? 0 : max($0.movedClamped(by: step), 1) }
        }
    }
}

extension ViewColumns {
    fileprivate init(_ state: ViewState) {
        self.init()
        name = state.view.name
        description = state.view.description
        measure = state.measureName
        number = state.isDouble ? .double : .int64
        unit = state.unit
        isMonotonic = true
        switch state.form {
        case .count:
            aggregation = .count
            number = .int64
            unit = "1"
        case .sum(let isMonotonic):
            aggregation = .sum
            self.isMonotonic = isMonotonic
        case .lastValue:
            aggregation = .lastValue
            isMonotonic = false
        case .distribution:
            aggregation = .distribution
            bounds = state.bounds
        case .exponentialDistribution:
            aggregation = .exponentialDistribution
            scale = Int32(state.scale)
        }
    }

    /// Everything of the rows but their values.
    fileprivate mutating func appendFixed(_ lists: [SeriesList], keys: [TagKey], _ strings: inout TagDictionary) {
        rows = lists.reduce(0) { $0 + $1.count }
        tagKeys = keys.map(\.name)
        var places: [TagKey: Int] = [:]
        for (place, key) in keys.enumerated() { places[key] = place }
        var values = [UInt32](repeating: 0, count: keys.count * rows)
        // Mostly of the overflow series; of a view that keeps all tags, an application's own may be called like its.
        var overflowed: [(row: Int, value: UInt32)] = []
        var row = 0
        let hasEnded = lists[1].count > 0
        startTimes.reserveCapacity(rows)
        for list in lists {
            for index in 0..<list.count {
                let (start, end) = list.times(at: index)
                startTimes.append(start)
                if hasEnded { endTimes.append(end) }
                for (key, value) in list.tags(at: index) {
                    if let place = places[key] {
                        values[place * rows + row] = strings.index(of: value) + 1
                    } else if key == .overflow {
                        overflowed.append((row, strings.index(of: value) + 1))
                    }
                }
                row += 1
            }
        }
        if !overflowed.isEmpty {
            tagKeys.append(TagKey.overflow.name)
            values.append(contentsOf: repeatElement(0, count: rows))
            for (row, value) in overflowed { values[keys.count * rows + row] = value }
        }
        tagValues = values
    }

    fileprivate mutating func removeValues() {
        integers.removeAll(keepingCapacity: true)
        doubles.removeAll(keepingCapacity: true)
        remainders.removeAll(keepingCapacity: true)
        squareRemainders.removeAll(keepingCapacity: true)
        exactIntegers.removeAll()
        bucketCounts.removeAll(keepingCapacity: true)
        minima.removeAll(keepingCapacity: true)
        maxima.removeAll(keepingCapacity: true)
        squares.removeAll(keepingCapacity: true)
        zeroCounts.removeAll(keepingCapacity: true)
        positive.removeAll()
        negative.removeAll()
        exemplars = Exemplars()
    }

    /// The latest exemplars of the series that stand behind so many rows.
    fileprivate mutating func appendExemplars(
        _ series: SeriesList, behind first: Int, _ interval: ClosedRange<UInt64>, from stats: Stats,
        _ strings: inout TagDictionary
    ) {
        stats.takeExemplars(series, interval) { row, exemplar in
            let (trace, tags) = (exemplar.span?.traceID, exemplar.filteredTags)
            exemplars.append(
                row: first + row, value: exemplar.value, time: exemplar.time,
                trace: (trace?.high ?? 0, trace?.low ?? 0), span: exemplar.span?.spanID ?? 0, tagCount: tags.count)
            for (key, value) in tags {
                exemplars.tagKeys.append(strings.index(of: key) + 1)
                exemplars.tagValues.append(strings.index(of: value) + 1)
            }
        }
    }

    fileprivate mutating func appendValues(_ series: SeriesList, _ state: ViewState, from stats: Stats) {
        switch aggregation {
        case .count:
            stats.mergeIntegers(series, into: &integers, exact: &exactIntegers)
        case .sum:
            if number == .double {
                stats.mergeDoubles(series, into: &doubles, remainders: &remainders)
            } else {
                stats.mergeIntegers(series, into: &integers, exact: &exactIntegers)
            }
        case .lastValue:
            stats.mergeLastValues(series) { bits in
                if number == .double {
                    doubles.append(Double(bitPattern: bits))
                } else {
                    integers.append(Int64(bitPattern: bits))
                }
            }
        case .distribution, .exponentialDistribution:
            appendDistributions(series, state, from: stats)
        }
    }

    private mutating func appendDistributions(_ series: SeriesList, _ state: ViewState, from stats: Stats) {
        if aggregation == .distribution {
            stats.mergeBuckets(series, of: state, into: &bucketCounts)
        } else {
            stats.mergeExponential(series, of: state) { zeros, above, below in
                zeroCounts.append(zeros)
                positive.append(above)
                negative.append(below)
            }
        }
        if number == .double {
            stats.mergeDistributionSums(series, into: &doubles, remainders: &remainders)
        } else {
            stats.mergeIntegers(series, into: &integers, exact: &exactIntegers)
        }
        if state.keepsExtremes { stats.mergeExtremes(series, of: state, minima: &minima, maxima: &maxima) }
        if state.keepsSquares { stats.mergeSquares(series, of: state, into: &squares, remainders: &squareRemainders) }
    }
}

extension ViewColumns {
    /// Rows whose integer is not the sum but the nearest that there is.
    fileprivate var clampedCount: UInt64 {
        exactIntegers.isEmpty ? 0 : UInt64(zip(integers, exactIntegers).count { Int128($0) != $1 })
    }
}

extension ViewColumns.ExponentialBuckets {
    fileprivate mutating func append(_ row: [(Int32, UInt64)]) {
        lengths.append(UInt32(row.count))
        for (index, count) in row {
            indexes.append(index)
            counts.append(count)
        }
    }

    fileprivate mutating func removeAll() {
        lengths.removeAll(keepingCapacity: true)
        indexes.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }
}
