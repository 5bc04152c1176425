internal import WeirBatch

/// Numbers series by the tags that they have: from 0, in the order in which they were first seen.
struct SeriesIdentities {
    /// The tags of all series, one series behind the other, and where each begins.
    private var tags: [TableTags.Tag] = []
    private var starts: [Int] = [0]
    private var numbers: [[TableTags.Tag]: Int] = [:]
    /// Which series each row of the last table was; the next one mostly has the same rows.
    private var rowOrder: [Int] = []

    /// The number of a row's series.
    mutating func find(_ table: TableTags, _ row: Int) -> (number: Int, isNew: Bool) {
        // Where the rows are as in the table before, comparing spares the hashing.
        if row < rowOrder.count, isSeries(rowOrder[row], table, row) { return (rowOrder[row], false) }
        let key = table.places.compactMap { table.tag(of: row, at: $0) }
        let known = numbers[key]
        let number = known ?? numbers.count
        if known == nil {
            numbers[key] = number
            tags += key
            starts.append(tags.count)
        }
        if row < rowOrder.count {
            rowOrder[row] = number
        } else if row == rowOrder.count {
            rowOrder.append(number)
        }
        return (number, known == nil)
    }

    private func isSeries(_ number: Int, _ table: TableTags, _ row: Int) -> Bool {
        var next = starts[number]
        let end = starts[number + 1]
        for place in table.places {
            guard let tag = table.tag(of: row, at: place) else { continue }
            guard next < end, tags[next] == tag else { return false }
            next += 1
        }
        return next == end
    }
}

/// The tags of a table's rows, by numbers that mean the same in all tables of a view.
struct TableTags {
    /// A key by its place among the view's, and a value by its number among all strings.
    struct Tag: Hashable {
        var key: UInt32
        var value: UInt32
    }

    /// A column of the table, and where its key is among the view's.
    struct Place {
        var key: Int
        var column: Int
    }

    /// Ascending by key.
    let places: [Place]
    private let values: [UInt32]
    private let rows: Int
    private let numbers: [UInt32]

    /// - Parameter numbers: What each tag value of the table is: 0, no such tag, for 0.
    init(_ view: ViewColumns, places: [Place], numbers: [UInt32]) {
        (values, rows) = (view.tagValues, view.rows)
        (self.places, self.numbers) = (places, numbers)
    }

    func tag(of row: Int, at place: Place) -> Tag? {
        let value = numbers[Int(values[place.column * rows + row])]
        return value == 0 ? nil : Tag(key: UInt32(truncatingIfNeeded: place.key), value: value)
    }

    /// A row's tags as text.
    ///
    /// - Parameter keys: The view's.
    func tags(of row: Int, keys: [String], _ strings: StringTable) -> [WeirDump.Tag] {
        places.compactMap { place in
            let value = Int(values[place.column * rows + row])
            return value == 0 ? nil : WeirDump.Tag(key: keys[place.key], value: strings[value - 1])
        }
    }
}
