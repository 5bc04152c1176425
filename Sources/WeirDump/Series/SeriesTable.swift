package import WeirBatch

/// Every series seen, each with its latest point and its increase: all that a dump keeps, however many batches it reads.
///
/// Series are told apart by their source, their view and the tags that they have, whatever other keys their view's table
/// has in a batch and wherever they stand there. The points of a delta series merge into one that spans them all.
package struct SeriesTable {
    /// One series.
    package struct Series {
        package let tags: [Tag]
        /// Whether it is shown at all; nothing else is kept of one that is not.
        package let isSelected: Bool
        package fileprivate(set) var latest: Point?
        package fileprivate(set) var increase = Increase()
        /// Where ``latest`` comes from: stream and the batch's last number.
        package fileprivate(set) var stream = StreamID(high: 0, low: 0)
        package fileprivate(set) var batch: UInt64 = 0
        /// Whether ``latest`` changed since ``SeriesTable/takeChanges(_:)``.
        fileprivate var hasChanged = false
    }

    /// The series of one view from one source.
    package struct Group {
        package let source: Int
        /// As the latest batch has it, with the keys of all batches in the order in which they were first seen.
        package fileprivate(set) var view: ViewDescription
        package fileprivate(set) var series: [Series] = []
        /// Where each key is among those of ``view``.
        fileprivate var keyPlaces: [ExactString: Int] = [:]
        fileprivate var identities = SeriesIdentities()

        /// The positions of the series that are shown, by their tags' values.
        package var sorted: [Int] {
            series.indices.filter { series[$0].isSelected && series[$0].latest != nil }.sorted { left, right in
                let (left, right) = (series[left].tags, series[right].tags)
                if left.elementsEqual(right, by: { $0.value == $1.value }) {
                    return left.lexicographicallyPrecedes(right) { $0.key < $1.key }
                }
                return left.lexicographicallyPrecedes(right) { $0.value < $1.value }
            }
        }
    }

    /// In the order in which they were first seen.
    package private(set) var groups: [Group] = []

    private var groupIndexes: [GroupKey: Int] = [:]
    private var strings: [ExactString: UInt32] = [:]
    private let selection: Selection
    private let limit: Int
    private var count = 0
    /// Whether there were more series than are kept: what came after is not in the table.
    package private(set) var isOverLimit = false

    private struct GroupKey: Hashable {
        var source: Int
        var view: ViewDescription.Identity
    }

    /// - Parameter limit: How many series are kept, those that are not selected too.
    package init(selection: Selection, limit: Int = .max) {
        self.selection = selection
        self.limit = limit
    }

    /// Takes in a batch; calls `visit` with each of its points that is selected, in the batch's order.
    ///
    /// - Parameters:
    ///   - source: who wrote it, as ``StreamTracker`` numbers them.
    ///   - windowStart: the time of the source's first batch that is looked at.
    package mutating func add(
        _ batch: Batch, header: FrameHeader, source: Int, windowStart: UInt64,
        visit: (_ view: ViewDescription, _ tags: [Tag], _ point: Point) -> Void = { _, _, _ in }
    ) {
        let numbers = intern(batch.strings)
        for view in batch.views where selection.mayMatch(name: view.name) {
            let index = group(source: source, view: ViewDescription(view))
            let description = groups[index].view
            let tags = TableTags(view, places: groups[index].places(of: view.tagKeys), numbers: numbers)
            var reader = RowReader(view, strings: batch.strings, endTime: batch.endTime)
            let before = groups[index].series.count
            defer { count += groups[index].series.count - before }
            while let row = reader.nextRow() {
                guard count + groups[index].series.count - before <= limit else { return isOverLimit = true }
                let series = groups[index].find(tags, row, strings: batch.strings, selection: selection)
                guard groups[index].series[series].isSelected else { continue }
                let point = reader.point(of: row)
                visit(description, groups[index].series[series].tags, point)
                groups[index].series[series].take(
                    point, of: description, header: header, windowStart: windowStart)
            }
        }
    }

    /// Calls `body` with each series shown whose latest point changed since this was last asked.
    package mutating func takeChanges(_ body: (_ group: Group, _ series: Series) -> Void) {
        for index in groups.indices {
            for position in groups[index].sorted where groups[index].series[position].hasChanged {
                groups[index].series[position].hasChanged = false
                body(groups[index], groups[index].series[position])
            }
        }
    }

    /// The numbers of a batch's strings; 0 stands for a missing tag.
    private mutating func intern(_ table: StringTable) -> [UInt32] {
        var numbers: [UInt32] = [0]
        numbers.reserveCapacity(table.count + 1)
        for index in 0..<table.count {
            let string = ExactString(table[index])
            if let known = strings[string] {
                numbers.append(known)
            } else {
                let number = UInt32(truncatingIfNeeded: strings.count + 1)
                strings[string] = number
                numbers.append(number)
            }
        }
        return numbers
    }

    /// The group of a view, with the view's keys among its own.
    private mutating func group(source: Int, view: ViewDescription) -> Int {
        let key = GroupKey(source: source, view: view.identity)
        let index = groupIndexes[key] ?? groups.count
        if index == groups.count {
            groupIndexes[key] = index
            var view = view
            view.tagKeys = []
            groups.append(Group(source: source, view: view))
        }
        groups[index].note(view)
        return index
    }
}

extension SeriesTable.Group {
    /// Takes over what may change of a view that stays the same, and its keys that are new.
    fileprivate mutating func note(_ later: ViewDescription) {
        for key in later.tagKeys where keyPlaces[ExactString(key)] == nil {
            keyPlaces[ExactString(key)] = view.tagKeys.count
            view.tagKeys.append(key)
        }
        view.description = later.description
    }

    /// The columns of a batch's table by where their keys are here, as pairs in the order of the group's keys.
    fileprivate func places(of keys: [String]) -> [TableTags.Place] {
        let places = keys.enumerated().compactMap { column, key in
            keyPlaces[ExactString(key)].map { TableTags.Place(key: $0, column: column) }
        }
        return places.sorted { ($0.key, $0.column) < ($1.key, $1.column) }
    }

    /// The series of a row, made where there is none yet.
    fileprivate mutating func find(
        _ table: TableTags, _ row: Int, strings: StringTable, selection: Selection
    ) -> Int {
        let (index, isNew) = identities.find(table, row)
        if isNew {
            let tags = table.tags(of: row, keys: view.tagKeys, strings)
            series.append(SeriesTable.Series(tags: tags, isSelected: selection.matches(name: view.name, tags: tags)))
        }
        return index
    }
}

extension SeriesTable.Series {
    fileprivate mutating func take(
        _ point: Point, of view: ViewDescription, header: FrameHeader, windowStart: UInt64
    ) {
        // Of a series that ended and came back within one interval, a batch may have the old row after the new one.
        if let latest, point.end < latest.end, view.temporality == .cumulative { return }
        var point = point
        // A batch has what is new; what was there before is still an example.
        if point.exemplars.isEmpty { point.exemplars = latest?.exemplars ?? [] }
        switch view.temporality {
        case .cumulative:
            increase.add(
                cumulative: point.value.quantity, start: point.start, end: point.end, windowStart: windowStart)
            latest = point
        case .delta:
            increase.add(delta: point.value.quantity, start: point.start, end: point.end)
            latest = Self.merged(latest, point, view)
        }
        hasChanged = true
        (stream, batch) = (header.stream, header.last)
    }

    /// Last values do not add up; everything else does.
    private static func merged(_ earlier: Point?, _ later: Point, _ view: ViewDescription) -> Point {
        guard view.aggregation != .lastValue, let earlier, let value = earlier.value.merged(with: later.value)
        else { return later }
        return Point(
            start: min(earlier.start, later.start), end: max(earlier.end, later.end), hasEnded: later.hasEnded,
            value: value, exemplars: later.exemplars)
    }
}
