package import WeirExporterKit

extension DeliveredBatch {
    /// Calls `body` with each series that a view is at a destination, under its name there, each name once.
    ///
    /// Rows whose names are the same are put together where their values add up; last values get names of their own. Of a
    /// series that ended and came back the life that goes on stands for all, unless values count from the batch before:
    /// then they are added too. Reads the rows twice, and keeps their names meanwhile.
    ///
    /// - Parameters:
    ///   - time: When the batch was collected: a row whose time is earlier has ended.
    ///   - distinguish: The name with a mark, for last values whose names are the same.
    ///   - name: What a row is called.
    /// - Returns: How many rows have become part of another.
    @discardableResult
    package func forEachSeries<Name: Hashable, Failure: Error>(
        of view: DeliveredView, at time: UInt64, distinguish: (Name, String) -> Name, name: (DeliveredRow) -> Name,
        _ body: (Name, DeliveredRow) throws(Failure) -> Void
    ) throws(Failure) -> UInt64 {
        var names: [Name] = []
        names.reserveCapacity(view.rows)
        forEachRow(of: view) { names.append(name($0)) }
        let groups = RepeatedNames.groups(names)
        var groupOf: [Int: Int] = [:]
        for (number, group) in groups.enumerated() { for place in group { groupOf[place] = number } }
        var held = [[DeliveredRow]](repeating: [], count: groups.count)
        var place = 0
        try forEachRow(of: view) { row throws(Failure) in
            defer { place += 1 }
            guard place < names.count else { return }
            if let group = groupOf[place] { held[group].append(row) } else { try body(names[place], row) }
        }
        guard !groups.isEmpty else { return 0 }
        var known = Set(names)
        var joined: UInt64 = 0
        for (group, rows) in zip(groups, held) where !rows.isEmpty {
            let name = names[group[0]]
            let lives = view.isDelta ? rows : DeliveredRow.lasting(rows, at: time)
            joined += UInt64(rows.count)
            guard view.kind == .lastValue else {
                joined -= 1
                try body(name, DeliveredRow.sum(lives))
                continue
            }
            joined -= UInt64(lives.count)
            let marks = RepeatedNames.marks(lives.map(\.tags)) { known.contains(distinguish(name, $0)) }
            for (row, mark) in zip(lives, marks) {
                let own = mark.map { distinguish(name, $0) } ?? name
                known.insert(own)
                try body(own, row)
            }
        }
        return joined
    }
}

extension DeliveredRow {
    /// Of rows with one name those that stand for it now: of a series' lives the last, and only such as go on where any
    /// does. Totals of what has ended are in none that goes on.
    fileprivate static func lasting(_ rows: [DeliveredRow], at time: UInt64) -> [DeliveredRow] {
        let goesOn = rows.contains { $0.endTime >= time }
        var lives: [DeliveredRow] = []
        for row in rows where !goesOn || row.endTime >= time {
            let tags = Mark.canonical(row.tags)
            guard let known = lives.firstIndex(where: { Mark.canonical($0.tags).isExactly(tags) }) else {
                lives.append(row)
                continue
            }
            if (lives[known].endTime, lives[known].startTime) < (row.endTime, row.startTime) { lives[known] = row }
        }
        return lives
    }
}

extension [DeliveredTag] {
    /// By bytes: Swift's strings are equal also where they are spelled differently.
    fileprivate func isExactly(_ other: [DeliveredTag]) -> Bool {
        elementsEqual(other) { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value.utf8.elementsEqual($1.value.utf8) }
    }
}
