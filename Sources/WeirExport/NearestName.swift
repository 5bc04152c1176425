/// The known name that takes the fewest edits to reach, if they are few for a word of that length.
package func nearestName(to name: String, among known: [String]) -> String? {
    let distances = known.map { (name: $0, edits: editDistance(name.lowercased(), $0.lowercased())) }
    guard let best = distances.min(by: { $0.edits < $1.edits }), best.edits <= max(2, name.count / 3) else {
        return nil
    }
    return best.name
}

/// Insertions, removals and replacements of a character.
private func editDistance(_ left: String, _ right: String) -> Int {
    // A name that somebody made a megabyte long is nobody's typing mistake.
    let left = Array(left.prefix(64))
    let right = Array(right.prefix(64))
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let replaced = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}
