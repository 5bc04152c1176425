/// A number as it was recorded, exact.
package enum Scalar: Equatable, Sendable {
    case integer(Int64)
    case double(Double)

    package var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        }
    }

    /// The sum; of integers that no Int64 holds, as a Double.
    package static func + (left: Scalar, right: Scalar) -> Scalar {
        if case .integer(let left) = left, case .integer(let right) = right {
            let (sum, overflow) = left.addingReportingOverflow(right)
            if !overflow { return .integer(sum) }
        }
        return .double(left.double + right.double)
    }

    /// How much more than an earlier value, exact up to the last rounding.
    package func minus(_ earlier: Scalar) -> Double {
        if case .integer(let left) = self, case .integer(let right) = earlier {
            let (difference, overflow) = left.subtractingReportingOverflow(right)
            if !overflow { return Double(difference) }
        }
        return double - earlier.double
    }
}
