package import WeirExporterSupport

/// How much a value that adds up grew over the points seen, across resets, and how fast.
///
/// A cumulative value that starts anew, or falls, counts from zero again. What it grew before the first point is not
/// counted, unless the series itself began within the time that is looked at.
package struct Increase: Equatable, Sendable {
    /// The growth from ``from`` to ``to``.
    package private(set) var total = 0.0
    /// Nanoseconds since 1970.
    package private(set) var from: UInt64 = 0
    package private(set) var to: UInt64 = 0
    /// How often the value began anew.
    package private(set) var resets = 0

    private var last: (value: Scalar, start: UInt64)?

    package init() {}

    package static func == (left: Increase, right: Increase) -> Bool {
        left.total == right.total && left.from == right.from && left.to == right.to && left.resets == right.resets
    }

    /// Adds a point of a cumulative series. What started after `windowStart`, the time of the first batch looked at,
    /// counts in full.
    package mutating func add(cumulative value: Scalar, start: UInt64, end: UInt64, windowStart: UInt64) {
        defer {
            last = (value, start)
            to = max(to, end)
        }
        guard let last else {
            if start >= windowStart {
                (total, from) = (value.double, start)
            } else {
                from = end
            }
            return
        }
        let growth = value.minus(last.value)
        if start == last.start, growth >= 0 {
            total += growth
        } else {
            total += value.double
            resets += 1
        }
    }

    /// Adds a point of a delta series.
    package mutating func add(delta value: Scalar, start: UInt64, end: UInt64) {
        if last == nil { from = start }
        total += value.double
        last = (value, start)
        to = max(to, end)
    }

    /// Growth a second between the first and the last point. Where there is but one, over the series' whole life; nil
    /// where no time passed.
    package var perSecond: Double? { perSecond(until: to) }

    /// The same up to a later time until which nothing more was added.
    package func perSecond(until end: UInt64) -> Double? {
        guard let last else { return nil }
        let to = max(to, end)
        if to > from { return total / (Double(to - from) / 1e9) }
        guard to > last.start else { return nil }
        return last.value.double / (Double(to - last.start) / 1e9)
    }
}
