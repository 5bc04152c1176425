package import WeirBatch
package import WeirExporterSupport

/// What was measured, by which view: everything that a batch says of a view but its series.
///
/// Whether two are one view, their ``identity`` says.
package struct ViewDescription: Equatable, Sendable {
    package var name: String
    package var description: String
    package var unit: String
    package var measure: String
    package var aggregation: ViewColumns.Aggregation
    package var number: ViewColumns.Number
    package var temporality: ViewColumns.Temporality
    package var isMonotonic: Bool
    package var tagKeys: [String]
    package var bounds: [Double]

    package init(_ view: borrowing ViewColumns) {
        name = view.name
        description = view.description
        unit = view.unit
        measure = view.measure
        aggregation = view.aggregation
        number = view.number
        temporality = view.temporality
        isMonotonic = view.isMonotonic || view.aggregation == .count
        tagKeys = view.tagKeys
        bounds = view.bounds
    }

    /// What makes the values of two views ones that can stand for each other, or be added. A view that changed in any of
    /// it, even if only its bounds did, is another. Its keys are not among it, since those of a view that keeps all tags
    /// come and go with its series, nor is what it says in words.
    package struct Identity: Hashable, Sendable {
        private let name: ExactString
        private let unit: ExactString
        private let measure: ExactString
        private let aggregation: ViewColumns.Aggregation
        private let number: ViewColumns.Number
        private let temporality: ViewColumns.Temporality
        private let isMonotonic: Bool
        private let bounds: [Double]

        fileprivate init(_ view: ViewDescription) {
            name = ExactString(view.name)
            unit = ExactString(view.unit)
            measure = ExactString(view.measure)
            aggregation = view.aggregation
            number = view.number
            temporality = view.temporality
            isMonotonic = view.isMonotonic
            bounds = view.bounds
        }
    }

    package var identity: Identity { Identity(self) }

    /// The unit of the values shown: a count has none, whatever was measured.
    package var valueUnit: String { aggregation == .count ? "1" : unit }

    /// Whether values add up, so that an increase and a rate have a meaning.
    var isCumulable: Bool {
        switch aggregation {
        case .lastValue: false
        case .sum: isMonotonic
        case .count, .distribution, .exponentialDistribution: true
        }
    }
}

/// One tag of a series.
package struct Tag: Hashable, Sendable {
    package var key: String
    package var value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// One series at one time.
package struct Point: Equatable, Sendable {
    /// When the value began to add up, or for a delta, when the point before it ended. Nanoseconds since 1970.
    package var start: UInt64
    /// When the value was read, or when the series ended. Nanoseconds since 1970.
    package var end: UInt64
    /// Whether the series ended then.
    package var hasEnded: Bool
    package var value: Value
    /// Of the latest batch that has any of the series.
    package var exemplars: [Exemplar]

    package init(start: UInt64, end: UInt64, hasEnded: Bool = false, value: Value, exemplars: [Exemplar] = []) {
        self.start = start
        self.end = end
        self.hasEnded = hasEnded
        self.value = value
        self.exemplars = exemplars
    }
}

/// What a point says.
package enum Value: Equatable, Sendable {
    case scalar(Scalar)
    case distribution(Distribution)

    /// The number that adds up: the value itself, or how many measurements a distribution has.
    var quantity: Scalar {
        switch self {
        case .scalar(let scalar): scalar
        case .distribution(let distribution): .integer(Int64(clamping: distribution.count))
        }
    }

    /// Two deltas as one over both times; nil where they cannot be one.
    func merged(with next: Value) -> Value? {
        switch (self, next) {
        case (.scalar(let left), .scalar(let right)): .scalar(left + right)
        case (.distribution(let left), .distribution(let right)): left.merged(with: right).map(Value.distribution)
        default: nil
        }
    }
}
