/// Makes one batch of two neighbours of a feed, so that a sink which falls behind loses resolution and no counts.
///
/// In a delta batch a row that starts with its batch goes on from before it, and every row that does not has its own
/// start: so it is known which row of the newer batch continues which of the older, also where a series ended and came
/// back with the same tags. Rows that continue are added: sums, counts and buckets; the start is the older one's, the end
/// and the last value the newer one's; smallest and greatest are the smaller and the greater. All other rows are kept as
/// they are.
///
/// A view whose definition differs (its bounds, its unit, its kind) stands in the result as two tables: refusing the whole
/// batch for it would drop every other view's counts.
package enum BatchMerge {
    /// Both batches in one; nil where they are not neighbours, have another resource, hold columns that contradict
    /// themselves, or add up to an integer that no Int64 holds.
    ///
    /// A view that is cumulative within them, as levels are in a delta feed, has the newer values. Merging in any order
    /// of neighbours gives the same. The parts of a split collection are not each other's neighbours: see ``join(_:)``.
    ///
    /// - Parameter isOlderWhole: Whether the older one is all of its collection. Where not, what it lacks is told by
    ///   another batch, and goes on from that.
    package static func merge(older: Batch, newer: Batch, isOlderWhole: Bool = true) -> Batch? {
        guard older.endTime == newer.startTime, older.resource == newer.resource, older.isSound, newer.isSound else {
            return nil
        }
        var result = newer
        result.startTime = older.startTime
        result.views = []
        let values = result.strings.add(older.strings)
        let unchanged = (0...UInt32(newer.strings.count)).map { $0 }
        var (olderTables, newerTables) = (older.tables(values: values), newer.tables(values: unchanged))
        for definition in newerTables.order {
            guard var new = newerTables.tables.removeValue(forKey: definition) else { continue }
            var old = olderTables.tables.removeValue(forKey: definition) ?? new.withoutRows
            old.align(with: &new)
            let merge = TableMerge(
                older: old, newer: new, olderStart: isOlderWhole ? older.startTime : newer.startTime,
                newerStart: newer.startTime)
            guard let table = merge.table else { return nil }
            result.views.append(table)
        }
        for definition in olderTables.order {
            if let old = olderTables.tables.removeValue(forKey: definition) { result.views.append(old) }
        }
        return result
    }

    /// The parts of one collection as one batch, one table a definition; nil where their times or resources differ, or
    /// columns contradict themselves.
    package static func join(_ parts: [Batch]) -> Batch? {
        guard var result = parts.first, parts.allSatisfy(\.isSound) else { return nil }
        for part in parts.dropFirst() {
            guard part.startTime == result.startTime, part.endTime == result.endTime, part.resource == result.resource
            else { return nil }
            let values = result.strings.add(part.strings)
            for var view in part.views {
                view.renameTagValues(values)
                result.views.append(view)
            }
        }
        var tables = result.tables(values: (0...UInt32(result.strings.count)).map { $0 })
        result.views = tables.order.compactMap { tables.tables.removeValue(forKey: $0) }
        return result
    }
}

extension Batch {
    /// One table a definition, with its tag values renamed, in the order of first sight. A batch has several where a view
    /// went and came back.
    fileprivate func tables(values: [UInt32]) -> (order: [ViewDefinition], tables: [ViewDefinition: ViewColumns]) {
        var order: [ViewDefinition] = []
        var tables: [ViewDefinition: ViewColumns] = [:]
        for var view in views where view.rows > 0 {
            let definition = ViewDefinition(view)
            guard var table = tables.removeValue(forKey: definition) else {
                order.append(definition)
                view.renameTagValues(values)
                tables[definition] = view
                continue
            }
            view.align(with: &table)
            table.append(view, values: values)
            tables[definition] = table
        }
        return (order, tables)
    }
}

/// Two tables of one definition, keys and scale.
private struct TableMerge {
    let older: ViewColumns
    let newer: ViewColumns
    let olderStart: UInt64
    let newerStart: UInt64

    /// The newer one's rows, with what they continue added, and behind them those that are in the older one alone. `nil` where
    /// no Int64 holds a sum.
    var table: ViewColumns? {
        let partners = partners()
        var isTaken = [Bool](repeating: false, count: older.rows)
        for partner in partners where partner >= 0 { isTaken[partner] = true }
        var result = newer
        if newer.temporality == .delta {
            if newer.aggregation != .lastValue && overflows(partners) { return nil }
            add(partners, to: &result)
        }
        result.addExemplars(of: older, partners)
        result.append(
            older.selecting((0..<older.rows).filter { !isTaken[$0] }),
            values: (0...older.greatestName).map { $0 })
        return result
    }

    private func overflows(_ partners: [Int]) -> Bool {
        guard !newer.integers.isEmpty, !older.integers.isEmpty else { return false }
        return partners.enumerated().contains { row, partner in
            partner >= 0 && newer.integers[row].addingReportingOverflow(older.integers[partner]).overflow
        }
    }

    /// For each row of the newer table the row of the older one that it continues, or -1.
    private func partners() -> [Int] {
        var partners = [Int](repeating: -1, count: newer.rows)
        var isTaken = [Bool](repeating: false, count: older.rows)
        let index = RowIndex(older)
        for row in newerRowsByLife {
            index.forEachRow(of: older, like: newer, row) { candidate in
                guard !isTaken[candidate], isContinued(candidate, by: row) else { return }
                if partners[row] < 0 || older.startTimes[candidate] > older.startTimes[partners[row]] {
                    partners[row] = candidate
                }
            }
            if partners[row] >= 0 { isTaken[partners[row]] = true }
        }
        return partners
    }

    /// Of lives with the same tags the earlier one first: those that ended, by their end, before the one that goes on.
    private var newerRowsByLife: [Int] {
        guard !newer.endTimes.isEmpty else { return Array(0..<newer.rows) }
        let ended = (0..<newer.rows).filter { newer.end(of: $0) != 0 }.sorted { newer.end(of: $0) < newer.end(of: $1) }
        return ended + (0..<newer.rows).filter { newer.end(of: $0) == 0 }
    }

    /// Whether a row may be the same life as one of the newer table with its tags.
    private func isContinued(_ row: Int, by newerRow: Int) -> Bool {
        guard older.end(of: row) == 0 else { return false }
        let start = newer.startTimes[newerRow]
        // A cumulative row's start is its series'.
        if newer.temporality == .cumulative { return older.startTimes[row] == start }
        return start <= newerStart && older.startTimes[row] <= start
    }

    private func add(_ partners: [Int], to result: inout ViewColumns) {
        for (row, partner) in partners.enumerated() {
            if partner >= 0 {
                result.startTimes[row] = older.startTimes[partner]
            } else if result.startTimes[row] == newerStart {
                // It goes on from before, and the older batch left it out since nothing had changed.
                result.startTimes[row] = olderStart
            }
        }
        if result.aggregation != .lastValue { result.addValues(of: older, partners) }
    }
}

extension ViewColumns {
    /// Adds to each row the values of its partner in another table of the same definition and scale, where it has one (not
    /// -1). Neither starts nor exemplars change. Of integers that no Int64 holds it has the nearest.
    mutating func addValues(of older: ViewColumns, _ partners: [Int]) {
        integers.combine(older.integers, partners) { Int64(clamping: Int128($0) + Int128($1)) }
        doubles.combine(older.doubles, partners, +)
        zeroCounts.combine(older.zeroCounts, partners, &+)
        squares.combine(older.squares, partners, +)
        minima.combine(older.minima, partners) { $0.isNaN || $1 < $0 ? $1 : $0 }
        maxima.combine(older.maxima, partners) { $0.isNaN || $1 > $0 ? $1 : $0 }
        if aggregation == .distribution {
            let width = bounds.count + 1
            for (row, partner) in partners.enumerated() where partner >= 0 {
                for bucket in 0..<width {
                    bucketCounts[row * width + bucket] &+= older.bucketCounts[partner * width + bucket]
                }
            }
        }
        positive = positive.adding(older.positive, partners)
        negative = negative.adding(older.negative, partners)
    }

    /// 0 while it goes on.
    fileprivate func end(of row: Int) -> UInt64 { endTimes.isEmpty ? 0 : endTimes[row] }
}

extension Array {
    /// Combines each element with its partner's; an empty column stays empty.
    fileprivate mutating func combine(
        _ other: [Element], _ partners: [Int], _ operation: (_ mine: Element, _ other: Element) -> Element
    ) {
        guard !isEmpty, !other.isEmpty else { return }
        for (row, partner) in partners.enumerated() where partner >= 0 {
            self[row] = operation(self[row], other[partner])
        }
    }
}
