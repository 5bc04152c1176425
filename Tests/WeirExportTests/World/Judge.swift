@testable import WeirExport

/// What must hold of what a sink was told, once all is told.
struct Judge {
    let model: Model
    let hasGreatAmounts: Bool

    func faults(of line: Line) -> [String] {
        let growth = model.growth.filter { line.wants($0.key) }
        let levels = model.levels.filter { line.wants($0.key) }
        let told = ToldFigures.together(line.told.growth)
        var faults: [String] = []
        for place in Set(growth.keys).union(told.keys) {
            let (wanted, found) = (growth[place] ?? Figure(), told[place] ?? Figure())
            // Totals are rounded beside great amounts, once for each life; deltas never.
            let isClose = hasGreatAmounts && !line.feed.isDelta && place.view.hasPrefix("x/")
            if isClose ? !wanted.isClose(to: found) : wanted != found {
                faults.append("\(line.name): \(place) came to \(wanted), and was told as \(found)")
            }
        }
        for place in Set(levels.keys).union(line.told.levels.keys) {
            let (wanted, found) = (levels[place], line.told.levels[place])
            let isClose = hasGreatAmounts && place.view.hasPrefix("x/")
            if isClose ? ((wanted ?? 0) - (found ?? 0)).magnitude > Figure.ulps : wanted != found {
                faults.append("\(line.name): \(place) stands at \(wanted as Any), and was told as \(found as Any)")
            }
        }
        return faults
    }
}

extension Line {
    fileprivate func wants(_ place: Place) -> Bool { wants(place.view) }
}

extension Figure {
    /// What some dozens of totals beside 3e18 are rounded by at most, in eighths.
    fileprivate static let ulps: UInt128 = 1 << 18

    fileprivate func isClose(to other: Figure) -> Bool {
        count == other.count && buckets == other.buckets && (sum - other.sum).magnitude <= Self.ulps
    }
}
