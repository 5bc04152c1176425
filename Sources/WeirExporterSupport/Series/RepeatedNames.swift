package import WeirExporterKit

/// Series that have one name at a destination, since names there lose what it does not know: what is to become of them.
///
/// Values that add up are added. Last values stay apart: the first of them by its tags has the name as it is, all others
/// have a mark beside it. Neither depends on the order in which they come.
package enum RepeatedNames {
    /// Which of several names are there more than once: their places, ascending, in the order of the first of each.
    package static func groups<Name: Hashable>(_ names: some Sequence<Name>) -> [[Int]] {
        var firsts: [Name: Int] = [:]
        var groups: [Int: [Int]] = [:]
        for (place, name) in names.enumerated() {
            if let first = firsts[name] { groups[first, default: [first]].append(place) } else { firsts[name] = place }
        }
        return groups.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The marks of series that stay apart, by their tags; nil for the one that has the name as it is.
    ///
    /// - Parameter isTaken: Whether somebody has the name with that mark already.
    package static func marks(_ series: [[DeliveredTag]], unless isTaken: (String) -> Bool) -> [String?] {
        var marks = [String?](repeating: nil, count: series.count)
        var used: Set<String> = []
        let order = series.indices.sorted { Mark.precedes(series[$0], series[$1]) }
        for place in order.dropFirst() {
            let mark = Mark.of(series[place])
            var (free, number) = (mark, 2)
            while isTaken(free) || !used.insert(free).inserted {
                free = "\(mark)-\(number)"
                number += 1
            }
            marks[place] = free
        }
        return marks
    }
}
