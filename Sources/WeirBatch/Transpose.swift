/// Writes a table that lies row by row, each `width` long, column by column. The table is whole rows, `target` as long.
///
/// Goes over it in blocks of rows that stay in the first-level cache while each of their columns is picked out.
func transpose(
    _ table: UnsafeBufferPointer<UInt64>, width: Int, into target: UnsafeMutableBufferPointer<UInt64>
) {
    precondition(width > 0 && table.count % width == 0 && target.count >= table.count)
    let rows = table.count / width
    let blockRows = max(8, 2048 / width)
    for blockStart in stride(from: 0, to: rows, by: blockRows) {
        let blockEnd = min(blockStart + blockRows, rows)
        for column in 0..<width {
            for row in blockStart..<blockEnd { unsafe target[column &* rows &+ row] = table[row &* width &+ column] }
        }
    }
}
