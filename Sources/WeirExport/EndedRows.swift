internal import WeirBatch

/// Rows of series that ended, kept for a feed until its next collection: a source reports an end once, to whoever
/// collects first.
struct EndedRows {
    /// Roughly the bytes that are kept; past that, rows are lost to this feed, and counted.
    private let limit: Int
    private var kept = Batch()
    private var weight = 0

    init(limit: Int = 32 << 20) { self.limit = limit }

    var isEmpty: Bool { kept.views.isEmpty }

    /// The rows of a collection whose series have ended, without the strings of all others; nil where none has.
    static func rows(of batch: Batch) -> Batch? {
        guard batch.views.contains(where: { !$0.endTimes.isEmpty }), batch.isSound else { return nil }
        var ended = Batch()
        ended.strings = batch.strings
        ended.views = batch.views.compactMap { view in
            let rows = view.endTimes.indices.filter { view.endTimes[$0] != 0 }
            return rows.isEmpty ? nil : view.selecting(rows)
        }
        ended.dropUnusedStrings()
        return ended
    }

    /// Keeps the rows of ``rows(of:)``.
    ///
    /// - Returns: How many there was no room for.
    mutating func keep(_ rows: Batch, _ filter: ViewFilter) -> Int {
        var rows = rows
        if !filter.isAll {
            rows.views.removeAll { !filter.matches($0.name) }
            rows.dropUnusedStrings()
        }
        weight += rows.weight
        guard weight <= limit else {
            weight -= rows.weight
            return rows.rows
        }
        kept.add(rows)
        return 0
    }

    /// Adds what is kept to a collection.
    func add(to batch: inout Batch) { batch.add(kept) }
}

extension Batch {
    /// Adds another batch's rows, to the tables of the same definition where there are any.
    fileprivate mutating func add(_ other: Batch) {
        let values = strings.add(other.strings)
        let definitions = views.map { ViewDefinition($0) }
        for view in other.views {
            let definition = ViewDefinition(view)
            let place = definitions.indices.first { definitions[$0] == definition && views[$0].scale == view.scale }
            var view = view
            guard let place else {
                view.renameTagValues(values)
                views.append(view)
                continue
            }
            view.align(with: &views[place])
            views[place].append(view, values: values)
        }
    }
}
