internal import WeirBatch
internal import WeirRecording

/// What was told of the series of one view, and what is being told.
struct DeltaTable {
    /// The series that went on at the last collection, with the sums of all that was told.
    private var told = ViewColumns()
    /// For each of them when the last batch ended that had a row of it.
    private var toldTimes: [UInt64] = []
    /// Series that were there and are not, until their end is reported.
    private var missing: [Life: Missing] = [:]
    private var next: Next?
    private var collections: UInt64 = 0

    /// One life of a series, whatever dictionary its tags are in.
    private struct Life: Hashable {
        /// Keys and values, in turn, by the keys' bytes: a table's keys may be in another order the next time.
        let tags: [ExactString]
        let start: UInt64

        init(_ view: ViewColumns, _ row: Int, names: StringTable) {
            var present: [(key: String, value: String)] = []
            for (place, key) in view.tagKeys.enumerated() {
                let value = Int(view.tagValues[place * view.rows + row])
                if value > 0 { present.append((key, names[value - 1])) }
            }
            present.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            tags = present.flatMap { [ExactString($0.key), ExactString($0.value)] }
            start = view.startTimes[row]
        }

        private init(tags: [ExactString], start: UInt64) { (self.tags, self.start) = (tags, start) }

        func moved(by step: Int64) -> Life { Life(tags: tags, start: start.movedClamped(by: step)) }
    }

    private struct Missing {
        /// A table of one row.
        let told: ViewColumns
        let toldTime: UInt64
        /// The collection that did not have it.
        let since: UInt64

        func moved(by step: Int64) -> Missing {
            var told = told
            told.startTimes = told.startTimes.map { $0.movedClamped(by: step) }
            return Missing(told: told, toldTime: toldTime.movedClamped(by: step), since: since)
        }
    }

    /// What ``commit(names:end:)`` makes true.
    private struct Next {
        /// What was told of the rows of this collection; nil where that is ``told`` as it lies.
        var aligned: ViewColumns?
        var toldTimes: [UInt64]?
        var growth: ViewColumns.Growth
        var keys: [String]
        /// Rows that were told now; nil for all.
        var changed: [Int]?
        /// Rows of ``told`` that are not in this collection, and lives of ``missing`` that are.
        var absent: [Int] = []
        var found: [Life] = []
    }

    var isEmpty: Bool { told.rows == 0 && missing.isEmpty }

    /// Tells all times by a clock that was set.
    mutating func follow(_ step: Int64) {
        told.startTimes = told.startTimes.map { $0.movedClamped(by: step) }
        toldTimes = toldTimes.map { $0.movedClamped(by: step) }
        let lives = missing
        missing = [:]
        for (life, found) in lives { missing[life.moved(by: step)] = found.moved(by: step) }
    }

    /// Gives the tags other numbers.
    mutating func rename(_ values: [UInt32]) { told.renameTagValues(values) }

    // MARK: - Subtracting

    /// What was added to the rows of a table since they were told. Left out are rows that go on and did not change, unless
    /// they are less than a sixteenth.
    ///
    /// - Parameter names: What the tag values refer to, the table's and the kept ones'.
    mutating func subtract(from current: ViewColumns, names: StringTable, _ span: DeltaSpan) -> ViewColumns {
        var current = current
        let keys = current.tagKeys
        var next: Next
        var origins: Origins?
        if hasRows(of: current) {
            next = Next(growth: current.growth(since: told), keys: keys)
        } else {
            if told.rows == 0 { told = current.withoutRows }
            // A key that comes and goes is the overflow series'.
            told.align(with: &current)
            let found = match(current, names)
            let aligned = found.source.values(at: found.rows, like: current)
            next = Next(
                aligned: aligned, toldTimes: found.rows.map { $0 < 0 ? 0 : found.times[$0] },
                growth: current.growth(since: aligned), keys: keys, absent: found.absent, found: found.lives)
            origins = found
        }
        restart(next.growth.columns.shrunkenRows(), current, &next)
        var changed = next.growth.columns.changedRows()
        if let origins {
            for row in 0..<current.rows where origins.rows[row] < 0 { changed[row] = true }
            for (row, end) in current.endTimes.enumerated() where end != 0 { changed[row] = true }
        }
        if case .moment(let moment) = span.base {
            self.next = next
            return next.growth.columns.totals(since: moment, starts: current.startTimes, keys: keys)
        }
        // To leave out a few of many would cost more than it spares.
        let unchanged = changed.count { !$0 }
        if unchanged > 0, unchanged >= current.rows / 16 { next.changed = changed.indices.filter { changed[$0] } }
        var growth = next.growth.columns
        self.next = next
        growth.temporality = .delta
        growth.startTimes = starts(of: current, origins, span)
        if let changed = next.changed { growth = growth.selecting(changed) }
        growth.setKeys(keys)
        return growth
    }

    /// When each row's growth began.
    private func starts(of current: ViewColumns, _ origins: Origins?, _ span: DeltaSpan) -> [UInt64] {
        guard let origins else { return [UInt64](repeating: span.start, count: current.rows) }
        return origins.rows.enumerated().map { row, origin in
            let end = current.endTimes.isEmpty ? 0 : current.endTimes[row]
            if origin < 0 { return span.start(ofNew: current.startTimes[row], end: end) }
            return origin < told.rows ? span.start : origins.times[origin]
        }
    }

    private func hasRows(of current: ViewColumns) -> Bool {
        current.endTimes.isEmpty && told.rows == current.rows && told.tagKeys == current.tagKeys
            && told.tagValues.isIdentical(to: current.tagValues) && told.startTimes.isIdentical(to: current.startTimes)
    }

    /// A counter that fell began anew: all that it says is growth.
    private func restart(_ rows: [Int], _ current: ViewColumns, _ next: inout Next) {
        guard !rows.isEmpty else { return }
        var places = Array(0..<current.rows)
        for row in rows { places[row] = -1 }
        let aligned = (next.aligned ?? told).values(at: places, like: current)
        next.aligned = aligned
        next.toldTimes = next.toldTimes ?? toldTimes
        next.growth = current.growth(since: aligned)
    }

    // MARK: - Which row is which

    /// Where the rows of a collection come from.
    private struct Origins {
        /// For each a row of ``source``, or -1 where it is new. Past the rows that went on it is one that was missing.
        var rows: [Int]
        var source: ViewColumns
        var times: [UInt64]
        var absent: [Int]
        var lives: [Life]
    }

    private func match(_ current: ViewColumns, _ names: StringTable) -> Origins {
        var rows = [Int](repeating: -1, count: current.rows)
        var isTaken = [Bool](repeating: false, count: told.rows)
        var index: RowIndex?
        var guess = 0
        for row in 0..<current.rows {
            // Mostly the order is that of the last collection.
            if guess < told.rows, isSame(guess, current, row), !isTaken[guess] {
                rows[row] = guess
            } else if told.rows > 0 {
                if index == nil { index = RowIndex(told) }
                index?.forEachRow(of: told, like: current, row) { candidate in
                    if rows[row] < 0, !isTaken[candidate], told.startTimes[candidate] == current.startTimes[row] {
                        rows[row] = candidate
                    }
                }
            }
            guard rows[row] >= 0 else { continue }
            isTaken[rows[row]] = true
            guess = rows[row] + 1
        }
        var origins = Origins(
            rows: rows, source: told, times: toldTimes, absent: isTaken.indices.filter { !isTaken[$0] }, lives: [])
        if !missing.isEmpty { findMissing(current, names, &origins) }
        return origins
    }

    private func isSame(_ row: Int, _ current: ViewColumns, _ currentRow: Int) -> Bool {
        told.startTimes[row] == current.startTimes[currentRow] && told.hasTags(at: row, of: current, at: currentRow)
    }

    private func findMissing(_ current: ViewColumns, _ names: StringTable, _ origins: inout Origins) {
        var returned = current.withoutRows
        for row in 0..<current.rows where origins.rows[row] < 0 {
            let life = Life(current, row, names: names)
            guard let found = missing[life], !origins.lives.contains(life) else { continue }
            origins.rows[row] = told.rows + returned.rows
            origins.times.append(found.toldTime)
            origins.lives.append(life)
            // Tags matter no more: these rows are only looked up by their place.
            var told = found.told
            told.setKeys(returned.tagKeys)
            returned.append(told, values: [UInt32](repeating: 0, count: Int(told.tagValues.max() ?? 0) + 1))
        }
        guard returned.rows > 0 else { return }
        if origins.source.rows == 0 { origins.source = current.withoutRows }
        origins.source.append(returned, values: [0])
    }

    // MARK: - Told

    /// What was subtracted last was told. A table that nothing was subtracted from is not in the collection.
    ///
    /// - Parameters:
    ///   - base: Where growth is counted from a moment, what was told of the rows then stays what it is.
    ///   - keepsAll: Whether the collection lacks the table although its series go on.
    mutating func commit(names: StringTable, end: UInt64, base: Delta.Base, keepsAll: Bool) {
        guard var next = next.take() else { return forget(Array(0..<told.rows), names, keepsAll: keepsAll) }
        for life in next.found { missing[life] = nil }
        forget(next.absent, names)
        if let aligned = next.aligned.take() { told = aligned }
        if let times = next.toldTimes { toldTimes = times }
        if base == .lastBatch { told.add(next.growth) }
        if let changed = next.changed {
            for row in changed { toldTimes[row] = end }
        } else {
            toldTimes = [UInt64](repeating: end, count: told.rows)
        }
        let ends = next.growth.columns.endTimes
        if !ends.isEmpty {
            let goingOn = ends.indices.filter { ends[$0] == 0 }
            told = told.selecting(goingOn)
            toldTimes = goingOn.map { toldTimes[$0] }
        }
        told.setKeys(next.keys)
    }

    /// Rows that are not in the collection: their series have ended, and that is reported when nobody can record into
    /// them any more. Some never are, as Weir's own of a view that is gone; of those that have waited for long, a bounded
    /// number is kept.
    private mutating func forget(_ rows: [Int], _ names: StringTable, keepsAll: Bool = false) {
        collections += 1
        for row in rows {
            missing[Life(told, row, names: names)] = Missing(
                told: told.selecting([row]), toldTime: toldTimes[row], since: collections)
        }
        if rows.count == told.rows { (told, toldTimes) = (told.withoutRows, []) }
        let (patience, limit): (UInt64, Int) = (16, 1_024)
        guard missing.count > limit, !keepsAll else { return }
        let old = missing.filter { collections - $0.value.since > patience }
        guard old.count > limit else { return }
        // Half of them at once, so that this is rare.
        for (life, _) in old.sorted(by: { $0.value.since < $1.value.since }).dropLast(limit / 2) { missing[life] = nil }
    }
}

extension ViewColumns {
    /// A growth since a moment as totals that begin there, or where their series do.
    fileprivate func totals(since moment: UInt64, starts: [UInt64], keys: [String]) -> ViewColumns {
        var totals = self
        totals.temporality = .cumulative
        totals.startTimes = starts.indices.map { row in
            let end = endTimes.isEmpty ? 0 : endTimes[row]
            return min(max(starts[row], moment), end == 0 ? .max : end)
        }
        totals.setKeys(keys)
        return totals
    }
}
