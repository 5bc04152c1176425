extension Batch {
    /// The batch with its overflow series told once a view; nil where they are, as nearly always.
    ///
    /// An application may have a tag of its own that is called like that of the overflow series. What adds up is then one
    /// row. Of last values the one that was there first gets another tag: its place among those of its tags, from 2.
    var withOneOverflow: Batch? {
        var result: Batch?
        for (place, view) in views.enumerated() {
            let groups = view.repeatedOverflow
            guard !groups.isEmpty else { continue }
            var united = result ?? self
            united.unite(groups, in: place)
            result = united
        }
        return result
    }

    private mutating func unite(_ groups: [[Int]], in place: Int) {
        guard views[place].aggregation == .lastValue else {
            views[place] = views[place].adding(groups)
            return
        }
        var marks = [UInt32](repeating: 0, count: views[place].rows)
        for group in groups {
            // The overflow series is the last of those that go on.
            for (number, row) in group.reversed().enumerated() where number > 0 {
                marks[row] = strings.append("\(number + 1)") + 1
            }
        }
        var key = ViewColumns.markKey
        while views[place].tagKeys.contains(key) { key += "_" }
        views[place].tagKeys.append(key)
        views[place].tagValues += marks
    }
}

extension ViewColumns {
    /// The key of a tag that tells series apart whose own tags do not.
    static let markKey = "weir_series"

    /// Rows that go on and have the same tags, that of the overflow series among them; none as a rule.
    fileprivate var repeatedOverflow: [[Int]] {
        guard rows > 1, let key = tagKeys.firstIndex(of: Self.overflowKey), tagValues.count == tagKeys.count * rows,
            endTimes.isEmpty || endTimes.count == rows
        else { return [] }
        let candidates = (0..<rows).filter {
            tagValues[key * rows + $0] != 0 && (endTimes.isEmpty || endTimes[$0] == 0)
        }
        guard candidates.count > 1 else { return [] }
        var groups: [[UInt32]: [Int]] = [:]
        for row in candidates {
            groups[tagKeys.indices.map { tagValues[$0 * rows + row] }, default: []].append(row)
        }
        return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    }

    /// The rows with each group's added to its last one.
    fileprivate func adding(_ groups: [[Int]]) -> ViewColumns {
        var result = self
        for group in groups {
            guard let last = group.last else { continue }
            for other in group.dropLast() {
                var partners = [Int](repeating: -1, count: rows)
                partners[last] = other
                result.addValues(of: self, partners)
                result.addExemplars(of: self, partners)
                result.startTimes[last] = min(result.startTimes[last], startTimes[other])
            }
        }
        let joined = Set(groups.flatMap { $0.dropLast() })
        return result.selecting((0..<rows).filter { !joined.contains($0) })
    }
}
