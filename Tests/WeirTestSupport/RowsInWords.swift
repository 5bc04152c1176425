package import WeirBatch

extension Batch {
    /// Every row of integers, as `tag,tag start-end: value`; `-` is a tag that a row has not, 0 an end that is not yet.
    ///
    /// - Parameter namesViews: Whether the view's name stands before it.
    package func rowsInWords(namesViews: Bool = false) -> [String] {
        views.flatMap { view in
            (0..<view.rows).map { row in
                let tags = view.tagKeys.indices.map { key in
                    let value = view.tagValues[key * view.rows + row]
                    return value == 0 ? "-" : strings[Int(value) - 1]
                }
                let end = view.endTimes.isEmpty ? 0 : view.endTimes[row]
                return (namesViews ? "\(view.name) " : "")
                    + "\(tags.joined(separator: ",")) \(view.startTimes[row])-\(end): \(view.integers[row])"
            }
        }
    }
}
