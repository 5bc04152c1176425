import WeirRecording

/// The measures, tags and views of every world.
enum Layout {
    static let a: TagKey = "world.a"
    static let b: TagKey = "world.b"

    /// Integers and Doubles that only grow, and such that do not.
    static let grows = Measure<Int64>("world.grows")
    static let moves = Measure<Int64>("world.moves")
    static let growsDouble = Measure<Double>("world.grows.double")
    static let movesDouble = Measure<Double>("world.moves.double")

    static let tags: [[String: String]] =
        [[:], ["world.a": "0"], ["world.b": "1"]]
        + ["0", "1"].flatMap { a in ["0", "1", "2"].map { ["world.a": a, "world.b": $0] } }

    static func tags(_ number: Int) -> Tags {
        Tags(tags[number].sorted { $0.key < $1.key }.map { (TagKey($0.key), $0.value) })
    }

    enum Kind { case sum, count, level, last, spread, wide }

    /// A view as the code asks for it, and which rules may come over it.
    struct Asked {
        let name: String
        let measure: Int
        let kind: Kind
        let keys: [String]
        var limit: Int?
        let rules: [Int]
    }

    static let both = ["world.a", "world.b"]
    static let bounds = [0.0, 4, 10]
    static let otherBounds = [1.0, 6]

    static let views: [Asked] = [
        Asked(name: "n/sum", measure: 0, kind: .sum, keys: both, rules: plain),
        Asked(name: "n/count", measure: 0, kind: .count, keys: ["world.a"], rules: plain),
        Asked(name: "n/few", measure: 0, kind: .sum, keys: both, limit: 3, rules: [0, 2, 8]),
        Asked(name: "d/level", measure: 1, kind: .level, keys: both, rules: plain),
        Asked(name: "d/last", measure: 1, kind: .last, keys: ["world.a"], rules: plain),
        Asked(name: "d/spread", measure: 1, kind: .spread, keys: both, rules: plain + [6, 7]),
        Asked(name: "x/sum", measure: 2, kind: .sum, keys: both, rules: plain),
        Asked(name: "x/level", measure: 2, kind: .level, keys: ["world.b"], rules: plain),
        Asked(name: "x/wide", measure: 2, kind: .wide, keys: ["world.a"], rules: plain),
        Asked(name: "y/level", measure: 3, kind: .level, keys: both, rules: plain),
        Asked(name: "y/spread", measure: 3, kind: .spread, keys: both, rules: plain + [6, 7]),
        Asked(name: "y/last", measure: 3, kind: .last, keys: both, rules: plain),
    ]

    private static let plain = [0, 0, 1, 2, 3, 4, 5, 9]
}

extension Layout.Asked {
    var view: View {
        let aggregation: Aggregation =
            switch kind {
            case .sum: .sum
            case .count: .count
            case .level: .upDownSum
            case .last: .lastValue
            case .spread: .distribution(bounds: Layout.bounds, squares: true)
            case .wide: .exponentialDistribution()
            }
        let keys = keys.map { TagKey($0) }
        let limit = limit ?? View.defaultSeriesLimit
        return switch measure {
        case 0: View(name, of: Layout.grows, by: keys, as: aggregation, seriesLimit: limit)
        case 1: View(name, of: Layout.moves, by: keys, as: aggregation, seriesLimit: limit)
        case 2: View(name, of: Layout.growsDouble, by: keys, as: aggregation, seriesLimit: limit)
        default: View(name, of: Layout.movesDouble, by: keys, as: aggregation, seriesLimit: limit)
        }
    }

    /// The rule of a number; nil for none.
    func rule(_ number: Int) -> ViewRule? {
        switch number {
        case 1: .dropping(name)
        case 2: ViewRule(name, name: name + "/new")
        case 3: ViewRule(name, removing: [Layout.b])
        case 4: ViewRule(name, keepingOnly: [])
        case 5: ViewRule(name, name: name + "/less", removing: [Layout.b])
        case 6: ViewRule(name, buckets: .bounds(Layout.otherBounds))
        case 7: ViewRule(name, removing: [Layout.b], buckets: .bounds(Layout.otherBounds))
        case 8: ViewRule(name, seriesLimit: 2)
        case 9: ViewRule(name, seriesLimit: 500)
        default: nil
        }
    }
}
