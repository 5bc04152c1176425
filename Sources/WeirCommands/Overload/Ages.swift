internal import Foundation

/// How old batches were when they arrived. Takes the same memory for any number of them: ages are told apart to about
/// one percent.
struct Ages: Sendable {
    private static let stepsAnOctave = 64.0

    private var counts = [UInt64](repeating: 0, count: 64 * 64)
    private var total: UInt64 = 0
    /// Nanoseconds.
    private var worstNanoseconds: UInt64 = 0

    mutating func add(nanoseconds: UInt64) {
        counts[Int(log2(Double(max(nanoseconds, 1))) * Self.stepsAnOctave).clamped(to: counts.indices)] += 1
        total += 1
        worstNanoseconds = max(worstNanoseconds, nanoseconds)
    }

    /// Seconds; nil where nothing arrived.
    var median: Double? {
        var rest = (total + 1) / 2
        for (step, count) in counts.enumerated() {
            guard rest > count else {
                return total == 0 ? nil : exp2((Double(step) + 0.5) / Self.stepsAnOctave) / 1e9
            }
            rest -= count
        }
        return nil
    }

    /// Seconds; nil where nothing arrived.
    var worst: Double? { total == 0 ? nil : Double(worstNanoseconds) / 1e9 }
}

extension Int {
    fileprivate func clamped(to range: Range<Int>) -> Int {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound - 1)
    }
}
