/// Finds rows of a table by their tags. Rows with equal tags are lives of one series: it ended, and came back.
///
/// Two arrays and no object a row; a search looks at the rows whose tags have the same hash.
package struct RowIndex: Sendable {
    /// By the hash's low bits: a row plus one, or 0.
    private var heads: [UInt32]
    /// For each row the next one of the same hash, plus one, or 0.
    private var next: [UInt32]

    /// - Parameter view: A table of fewer than 2^32 - 1 rows.
    package init(_ view: ViewColumns) {
        var capacity = 16
        while capacity < view.rows * 2 { capacity *= 2 }
        heads = [UInt32](repeating: 0, count: capacity)
        next = [UInt32](repeating: 0, count: view.rows)
        // From the last row on, so that searches meet the first one first.
        for row in stride(from: view.rows - 1, through: 0, by: -1) {
            let place = Self.hash(view, row) & (capacity - 1)
            next[row] = heads[place]
            heads[place] = UInt32(truncatingIfNeeded: row + 1)
        }
    }

    /// Calls `body` with each row of `table` that has the tags of a row of `view`, in order. Both tables must have the
    /// same keys in the same order, and refer to the same strings.
    package func forEachRow(of table: ViewColumns, like view: ViewColumns, _ row: Int, _ body: (Int) -> Void) {
        var candidate = heads[Self.hash(view, row) & (heads.count - 1)]
        while candidate > 0 {
            let found = Int(candidate) - 1
            if table.hasTags(at: found, of: view, at: row) { body(found) }
            candidate = next[found]
        }
    }

    private static func hash(_ view: ViewColumns, _ row: Int) -> Int {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        var place = row
        while place < view.tagValues.count {
            hash = (hash ^ UInt64(view.tagValues[place])) &* 0xBF58_476D_1CE4_E5B9
            hash ^= hash >> 29
            place += view.rows
        }
        return Int(truncatingIfNeeded: hash >> 1)
    }
}

extension ViewColumns {
    /// Whether two rows, of tables with the same keys and strings, have the same tags.
    package func hasTags(at row: Int, of other: ViewColumns, at otherRow: Int) -> Bool {
        var (mine, theirs) = (row, otherRow)
        while mine < tagValues.count {
            if tagValues[mine] != other.tagValues[theirs] { return false }
            mine += rows
            theirs += other.rows
        }
        return true
    }
}
