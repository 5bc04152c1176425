package import WeirExporterSupport

/// A UCUM unit, as far as its values have a form that people read better than a plain number.
package struct Unit {
    private enum Kind {
        case plain
        /// So many seconds each.
        case time(Double)
        /// So many bytes each.
        case bytes(Double)
        case percent
        case other(String)
    }

    private let kind: Kind

    package init(_ ucum: String) {
        kind =
            switch ucum {
            case "", "1": .plain
            case "ns": .time(1e-9)
            case "us": .time(1e-6)
            case "ms": .time(1e-3)
            case "s": .time(1)
            case "min": .time(60)
            case "h": .time(3600)
            case "d": .time(86_400)
            case "By": .bytes(1)
            case "kBy": .bytes(1e3)
            case "MBy": .bytes(1e6)
            case "GBy": .bytes(1e9)
            case "KiBy": .bytes(0x1p10)
            case "MiBy": .bytes(0x1p20)
            case "GiBy": .bytes(0x1p30)
            case "%": .percent
            // `{request}` says what is counted, and is no unit of the number.
            case _ where ucum.hasPrefix("{") && ucum.hasSuffix("}"): .plain
            default: .other(ucum)
            }
    }

    /// The number in words for a column: `12.3 ms`, `4.50 MiB`, `1,234,567`.
    package func text(_ value: Scalar) -> String {
        switch (kind, value) {
        case (.plain, .integer(let whole)): NumberText.grouped(whole)
        case (.bytes(1), .integer(let whole)) where whole.magnitude < 1024: "\(whole) B"
        default: text(value.double)
        }
    }

    package func text(_ value: Double) -> String {
        guard value.isFinite else { return NumberText.rounded(value) }
        switch kind {
        case .plain: return NumberText.rounded(value)
        case .time(let seconds): return Self.duration(value * seconds)
        case .bytes(let bytes): return Self.bytes(value * bytes)
        case .percent: return NumberText.rounded(value) + "%"
        case .other(let name): return NumberText.rounded(value) + " " + Terminal.safe(name)
        }
    }

    /// So much a second: `12.3/s`, `4.50 MiB/s`, and for times that add up, `250 ms/s`.
    package func rate(_ perSecond: Double) -> String {
        switch kind {
        case .plain: NumberText.significant(perSecond) + "/s"
        default: text(perSecond) + "/s"
        }
    }

    /// `950 ns`, `12.3 µs`, `1.50 s`, `2m 05s`, `3h 20m`, `4d 06h`.
    package static func duration(_ seconds: Double) -> String {
        let magnitude = abs(seconds)
        if magnitude == 0 { return "0 s" }
        // Where three digits would round up to a thousand, the next unit reads better.
        if magnitude < 999.5e-9 { return NumberText.significant(seconds * 1e9) + " ns" }
        if magnitude < 999.5e-6 { return NumberText.significant(seconds * 1e6) + " µs" }
        if magnitude < 999.5e-3 { return NumberText.significant(seconds * 1e3) + " ms" }
        if magnitude < 59.95 { return NumberText.significant(seconds) + " s" }
        guard magnitude < 1e15 else { return NumberText.significant(seconds) + " s" }
        let whole = Int(magnitude.rounded())
        let sign = seconds < 0 ? "-" : ""
        if whole < 3600 { return "\(sign)\(whole / 60)m \(padded(whole % 60, 2))s" }
        if whole < 86_400 { return "\(sign)\(whole / 3600)h \(padded(whole / 60 % 60, 2))m" }
        return "\(sign)\(NumberText.grouped(Int64(whole / 86_400)))d \(padded(whole / 3600 % 24, 2))h"
    }

    /// `512 B`, `1.50 KiB`, `23.4 GiB`.
    static func bytes(_ bytes: Double) -> String {
        var value = bytes
        var names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][...]
        while abs(value) >= 1023.5, names.count > 1 {
            value /= 1024
            names.removeFirst()
        }
        return (names.count == 7 ? NumberText.rounded(value) : NumberText.significant(value)) + " " + names.first!
    }
}
