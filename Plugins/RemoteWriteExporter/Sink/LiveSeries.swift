internal import WeirExporterSupport

/// A row's series as they were sent last, so that their end can be told.
struct LiveSeries: Equatable {
    /// What tells rows apart: a family and the row's labels.
    struct Key: Hashable {
        var family: String
        var labels: [Label]
    }

    enum Shape: Equatable {
        case number
        /// Upper bounds of all buckets but the last.
        case classic([Double])
        case native(scale: Int32)
    }

    var name: FamilyName
    var shape: Shape
    /// Whether the end has been told already.
    var hasEnded = false

    /// Which of the series are not among those that the row has now, as names and bounds: their servers go on showing the
    /// last value unless they are told.
    func ended(since now: LiveSeries?) -> Ended {
        guard let now else { return .all }
        switch (shape, now.shape) {
        case (.classic(let before), .classic(let after)):
            let left = before.filter { !after.contains($0) }
            return left.isEmpty ? .none : .bounds(left)
        case (.number, .number), (.native, .native): return .none
        default: return .all
        }
    }

    enum Ended: Equatable {
        case none
        case all
        case bounds([Double])
    }
}
