package import WeirExporterKit

extension FamilyName {
    /// What an exporter calls a view that it was given.
    package init(_ view: DeliveredView) {
        let kind: Kind =
            switch view.kind {
            case .count: .counter
            case .sum: view.isMonotonic ? .counter : .sum
            case .lastValue: .gauge(isInteger: view.isInteger)
            case .distribution, .exponentialDistribution: .histogram
            }
        self.init(view: view.name, unit: view.unit, kind: kind)
    }
}
