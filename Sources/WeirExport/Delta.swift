package import WeirBatch
internal import WeirRecording

/// Turns cumulative collections into what was added from one to the next, for one feed.
///
/// What was told so far is kept for every series, so the deltas of a feed add up to what a cumulative batch says. Between
/// ``subtract(from:)`` and ``commit()`` nothing is forgotten: a collection that could not be encoded is told with the
/// next one.
///
/// A series is known by its view's definition, its tags and its start. Where the rows of a view are those of the last
/// collection, and mostly they are, its columns are subtracted as they lie.
package struct Delta {
    /// What growth is counted from.
    enum Base: Equatable {
        /// The batch before.
        case lastBatch
        /// A moment, since which all growth is told each time: totals that begin anew there. Nanoseconds since 1970.
        case moment(UInt64)
    }

    private struct Key: Hashable {
        let definition: ViewDefinition
        let scale: Int32

        init(_ view: borrowing ViewColumns) {
            definition = ViewDefinition(view)
            scale = view.scale
        }
    }

    private var base = Base.lastBatch
    private var tables: [Key: DeltaTable] = [:]
    /// What the tables' tag values refer to, and what they will refer to.
    private var strings = StringTable()
    private var nextStrings = StringTable()
    /// Those that every tag value at hand refers to, the tables' and the collection's.
    private var names = StringTable()
    /// When the last collection ended that was told; nil where none was.
    private var lastEnd: UInt64?
    private var nextEnd: UInt64 = 0

    package init() {}

    /// As if a collection had been told, maybe by a clock that was set then.
    init(knowing collection: Batch, until end: UInt64, following step: Int64 = 0) {
        var batch = collection
        batch.endTime = end
        subtract(from: &batch)
        commit()
        if step != 0 { follow(step) }
    }

    /// Replaces the tables of a batch by their growth. Levels stay as they are: last values, and sums that may shrink.
    ///
    /// The batch's start must be the end of the last one that was told.
    package mutating func subtract(from batch: inout Batch) {
        adopt(batch.strings)
        let span = DeltaSpan(start: batch.startTime, end: batch.endTime, isFirst: lastEnd == nil, base: base)
        var views: [ViewColumns] = []
        for (key, view) in grouped(batch.views) {
            guard let key else {
                views.append(view.beginning(at: base))
                continue
            }
            // Taken out and put back, or its columns would be copied.
            var table = tables.removeValue(forKey: key) ?? DeltaTable()
            let growth = table.subtract(from: view, names: names, span)
            tables[key] = table
            if growth.rows > 0 { views.append(growth) }
        }
        batch.views = views
        nextEnd = batch.endTime
    }

    /// The batch was told: what it says is known from now on.
    ///
    /// - Parameter views: Names of views that the batch lacks although they go on: what was told of them stays known, or
    ///   it would be told again.
    package mutating func commit(keeping views: Set<String> = []) {
        // An array, since a dictionary that is looked through keeps a second hold on what is changed.
        for key in Array(tables.keys) {
            guard var table = tables.removeValue(forKey: key) else { continue }
            let keepsAll = views.contains(key.definition.name)
            table.commit(names: names, end: nextEnd, base: base, keepsAll: keepsAll)
            if !table.isEmpty { tables[key] = table }
        }
        strings = nextStrings
        // Those of before a dictionary began anew are not kept beyond.
        names = nextStrings
        lastEnd = nextEnd
    }

    /// Goes on by a clock that was set: all that was told, was told by the one before.
    mutating func follow(_ step: Int64) {
        for key in Array(tables.keys) { tables[key]?.follow(step) }
        lastEnd = lastEnd?.movedClamped(by: step)
        if case .moment(let moment) = base { base = .moment(moment.movedClamped(by: step)) }
    }

    /// Totals that begin anew behind a collection: what it says is told no more.
    static func totals(behind collection: Batch, until end: UInt64) -> Delta {
        var delta = Delta(knowing: collection, until: end)
        delta.base = .moment(end)
        return delta
    }

    /// Takes what another feed told to its sinks as told, of views that this one knows nothing of.
    ///
    /// Nothing happens where the two do not stand at the same collection.
    ///
    /// - Parameter isTold: Whether the other one tells a view of this name. Of one that it no longer tells it knows too
    ///   little.
    mutating func merge(_ other: Delta, where isTold: (String) -> Bool = { _ in true }) {
        guard lastEnd == nil || lastEnd == other.lastEnd && strings.isPrefix(of: other.strings) else { return }
        for (key, table) in other.tables where tables[key] == nil && isTold(key.definition.name) { tables[key] = table }
        (strings, nextStrings, names) = (other.strings, other.nextStrings, other.names)
        lastEnd = other.lastEnd
    }

    /// Makes the tables' tag values mean the same as a collection's.
    private mutating func adopt(_ table: StringTable) {
        nextStrings = table
        names = table
        guard !strings.isPrefix(of: table) else { return }
        // The source began its dictionary anew.
        let values = names.add(strings)
        for key in Array(tables.keys) { tables[key]?.rename(values) }
        strings = names
    }

    /// Tables that grow, one a definition, and levels, which have no key.
    private func grouped(_ views: [ViewColumns]) -> [(key: Key?, view: ViewColumns)] {
        var groups: [(key: Key?, view: ViewColumns)] = []
        var places: [Key: Int] = [:]
        for view in views {
            guard view.isGrowth else {
                groups.append((nil, view))
                continue
            }
            let key = Key(view)
            guard let place = places[key] else {
                places[key] = groups.count
                groups.append((key, view))
                continue
            }
            // A view that went and came back.
            var other = view
            other.align(with: &groups[place].view)
            groups[place].view.append(other, values: (0...UInt32(names.count)).map { $0 })
        }
        return groups
    }
}

/// The time that a delta batch is of.
struct DeltaSpan {
    let start: UInt64
    let end: UInt64
    /// Whether nothing was told before.
    let isFirst: Bool
    let base: Delta.Base

    /// A row that goes on from before starts with its batch. So that no other does, one that began in the moment when the
    /// last collection ended begins a nanosecond later.
    func start(ofNew start: UInt64, end rowEnd: UInt64) -> UInt64 {
        if isFirst || start > self.start { return start }
        return rowEnd == 0 || rowEnd > self.start ? min(self.start + 1, max(end, self.start)) : start
    }
}

extension ViewColumns {
    /// A level, which is told whole, in totals that begin at a moment. What had ended by then is none of theirs.
    fileprivate func beginning(at base: Delta.Base) -> ViewColumns {
        guard case .moment(let moment) = base else { return self }
        let isOver = endTimes.map { $0 != 0 && $0 <= moment }
        var view = isOver.contains(true) ? selecting(isOver.indices.filter { !isOver[$0] }) : self
        let (startTimes, endTimes) = (view.startTimes, view.endTimes)
        view.startTimes = startTimes.indices.map { row in
            let end = endTimes.isEmpty ? 0 : endTimes[row]
            return min(max(startTimes[row], moment), end == 0 ? .max : end)
        }
        return view
    }

    /// Whether the values add up, so that their growth says all.
    fileprivate var isGrowth: Bool {
        guard temporality == .cumulative else { return false }
        return switch aggregation {
        case .count, .distribution, .exponentialDistribution: true
        case .sum: isMonotonic
        case .lastValue: false
        }
    }
}
