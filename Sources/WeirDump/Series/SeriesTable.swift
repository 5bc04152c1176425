package import WeirBatch

/// Every series seen, each with its latest point and its increase: all that a dump keeps, however many batches it reads.
///
/// Series are told apart by their source, their view's description and their tags. The points of a delta series merge
/// into one that spans them all.
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
        package let view: ViewDescription
        package fileprivate(set) var series: [Series] = []
        /// Tag values by their numbers in ``SeriesTable/strings``, as many a series as the view has keys.
        fileprivate var tagNumbers: [UInt32] = []
        fileprivate var indexes: [[UInt32]: Int] = [:]
        /// Which series each row of the last batch was; the next batch mostly has the same rows.
        fileprivate var rowOrder: [Int] = []

        /// The positions of the series that are shown, by their tags' values.
        package var sorted: [Int] {
            series.indices.filter { series[$0].isSelected && series[$0].latest != nil }.sorted { left, right in
                series[left].tags.lexicographicallyPrecedes(series[right].tags) { $0.value < $1.value }
            }
        }
    }

    /// In the order in which they were first seen.
    package private(set) var groups: [Group] = []

    private var groupIndexes: [GroupKey: Int] = [:]
    private var strings: [ExactString: UInt32] = [:]
    private let selection: Selection

    private struct GroupKey: Hashable {
        var source: Int
        var view: ViewDescription
    }

    package init(selection: Selection) {
        self.selection = selection
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
            let description = ViewDescription(view)
            let index = group(source: source, view: description)
            var reader = RowReader(view, strings: batch.strings, endTime: batch.endTime)
            while let row = reader.nextRow() {
                let series = groups[index].find(
                    tagNumbers: view, row: row, numbers: numbers, batch: batch, selection: selection)
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

    private mutating func group(source: Int, view: ViewDescription) -> Int {
        let key = GroupKey(source: source, view: view)
        if let index = groupIndexes[key] { return index }
        groupIndexes[key] = groups.count
        groups.append(Group(source: source, view: view))
        return groups.count - 1
    }
}

extension SeriesTable.Group {
    /// The series of a row, made where there is none yet.
    fileprivate mutating func find(
        tagNumbers view: ViewColumns, row: Int, numbers: [UInt32], batch: Batch, selection: Selection
    ) -> Int {
        let width = view.tagKeys.count
        // Where the rows are as in the batch before, comparing spares the hashing.
        if row < rowOrder.count {
            let candidate = rowOrder[row]
            var isSame = true
            for key in 0..<width where isSame {
                isSame = tagNumbers[candidate * width + key] == numbers[Int(view.tagValues[key * view.rows + row])]
            }
            if isSame { return candidate }
        }
        let key = (0..<width).map { numbers[Int(view.tagValues[$0 * view.rows + row])] }
        let index = indexes[key] ?? add(key, view: view, row: row, batch: batch, selection: selection)
        if row < rowOrder.count {
            rowOrder[row] = index
        } else if row == rowOrder.count {
            rowOrder.append(index)
        }
        return index
    }

    private mutating func add(
        _ key: [UInt32], view: ViewColumns, row: Int, batch: Batch, selection: Selection
    ) -> Int {
        var tags: [Tag] = []
        for (index, name) in view.tagKeys.enumerated() {
            let value = Int(view.tagValues[index * view.rows + row])
            if value > 0 { tags.append(Tag(key: name, value: batch.strings[value - 1])) }
        }
        let isSelected = selection.matches(name: view.name, tags: tags)
        indexes[key] = series.count
        tagNumbers += key
        series.append(SeriesTable.Series(tags: tags, isSelected: isSelected))
        return series.count - 1
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
