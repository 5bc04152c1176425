/// A sum of Doubles that loses nothing of amounts of three magnitudes, however far apart they are.
///
/// Three Doubles that do not overlap, the greatest first: the rounded sum, and what rounding took. Adding is Shewchuk's
/// GROW-EXPANSION ("Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997), cut off behind
/// the third. Only of amounts of a fourth magnitude is the least rounded.
package struct ExactSum: Equatable, Sendable {
    /// The sum, rounded.
    package private(set) var rounded: Double
    /// What that lacks.
    package private(set) var remainder: SIMD2<Double>

    package init(_ rounded: Double = 0, remainder: SIMD2<Double> = .zero) {
        self.rounded = rounded
        self.remainder = remainder
    }

    package var isZero: Bool { rounded == 0 }

    /// Adds a finite amount. Nothing is ever infinite where all that was ever added stays below 2^1023.
    package mutating func add(_ amount: Double) {
        guard amount != 0 else { return }
        if remainder == .zero {
            (rounded, remainder.x) = exactly(rounded, amount)
            return
        }
        let (third, fourthError) = exactly(remainder.y, amount)
        let (second, thirdError) = exactly(remainder.x, third)
        let (first, secondError) = exactly(rounded, second)
        // Zeros go behind. Where the greatest parts did not cancel that is all.
        let rest: SIMD2 = secondError == 0 ? [thirdError, 0] : [secondError, thirdError]
        if fourthError == 0 && first + rest.x == first && rest.x + rest.y == rest.x {
            (rounded, remainder) = (first, rest)
        } else {
            self = ExactSum(first, secondError, thirdError, fourthError)
        }
    }

    /// Three Doubles for four that do not overlap, the greatest first, some of them zero: added up from the least to the greatest,
    /// then parted again from the greatest on, so that each has as many digits as it can.
    private init(_ first: Double, _ second: Double, _ third: Double, _ fourth: Double) {
        let (lower, fourth) = exactly(third, fourth)
        let (middle, third) = exactly(second, lower)
        let (sum, second) = exactly(first, middle)
        self.init(sum)
        append(second)
        append(third)
        append(fourth)
    }

    /// Puts a part behind those that are there, all of which are greater.
    @inline(__always)
    private mutating func append(_ part: Double) {
        if part == 0 { return }
        if remainder.x == 0 {
            (rounded, remainder.x) = exactly(rounded, part)
        } else if remainder.y == 0 {
            (remainder.x, remainder.y) = exactly(remainder.x, part)
        } else {
            remainder.y += part
        }
    }

    package mutating func add(_ other: ExactSum) {
        add(other.rounded)
        add(other.remainder.x)
        add(other.remainder.y)
    }

    package static prefix func - (sum: ExactSum) -> ExactSum { ExactSum(-sum.rounded, remainder: -sum.remainder) }

    /// How much more it is than another one, rounded: SumK ("Accurate Sum and Dot Product", Ogita, Rump and Oishi, 2005) with
    /// three passes, the greatest parts first, which mostly cancel.
    package func difference(from other: ExactSum) -> Double {
        if remainder == other.remainder { return rounded - other.rounded }
        let (sum1, error1) = exactly(rounded, -other.rounded)
        let (sum2, error2) = exactly(sum1, remainder.x)
        let (sum3, error3) = exactly(sum2, -other.remainder.x)
        // Mostly two parts hold it. An error is left of the first subtraction only where nothing great cancels.
        if remainder.y == 0 && other.remainder.y == 0 { return sum3 + (error1 + error2 + error3) }
        let (sum4, error4) = exactly(sum3, remainder.y)
        let (sum5, error5) = exactly(sum4, -other.remainder.y)
        let (errors2, rest2) = exactly(error1, error2)
        let (errors3, rest3) = exactly(errors2, error3)
        let (errors4, rest4) = exactly(errors3, error4)
        let (errors5, rest5) = exactly(errors4, error5)
        let (total, rest6) = exactly(errors5, sum5)
        return total + (rest2 + rest3 + rest4 + rest5 + rest6)
    }
}

/// The sum of two, rounded, and what rounding took: Knuth's TWO-SUM.
@inline(__always)
func exactly(_ one: Double, _ other: Double) -> (sum: Double, error: Double) {
    let sum = one + other
    let part = sum - one
    return (sum, (one - (sum - part)) + (other - part))
}
