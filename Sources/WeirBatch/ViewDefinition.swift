/// What a batch says of a view but its series: two tables with the same definition hold rows of the same kind, which may
/// be added.
///
/// The scale of an exponential distribution is not part of it, since buckets of different scales can be added too, nor are
/// the keys: those of a view that keeps all tags come and go with its series, and a row of a table without a key says the
/// same as one of a table with it that has no such tag.
package struct ViewDefinition: Hashable, Sendable {
    package let name: String
    package let temporality: ViewColumns.Temporality
    package let aggregation: ViewColumns.Aggregation
    private let description: String
    private let unit: String
    private let measure: String
    private let number: ViewColumns.Number
    private let isMonotonic: Bool
    private let bounds: [Double]
    private let keepsMinima: Bool
    private let keepsMaxima: Bool
    private let keepsSquares: Bool

    package init(_ view: borrowing ViewColumns) {
        name = view.name
        temporality = view.temporality
        aggregation = view.aggregation
        description = view.description
        unit = view.unit
        measure = view.measure
        number = view.aggregation == .count ? .int64 : view.number
        isMonotonic = view.isMonotonic || view.aggregation == .count
        bounds = view.bounds
        keepsMinima = !view.minima.isEmpty
        keepsMaxima = !view.maxima.isEmpty
        keepsSquares = !view.squares.isEmpty
    }
}

extension ViewColumns {
    /// The key of the one tag that the overflow series of a view has.
    package static let overflowKey = "otel.metric.overflow"
}
