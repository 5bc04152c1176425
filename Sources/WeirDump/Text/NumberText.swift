/// Numbers as people read them.
package enum NumberText {
    /// `1,234,567`, exact.
    package static func grouped(_ value: Int64) -> String {
        (value < 0 ? "-" : "") + grouped(value.magnitude)
    }

    /// `1,234,567`, exact.
    package static func grouped(_ value: UInt64) -> String {
        let digits = Array(String(value).utf8)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.unicodeScalars.append(Unicode.Scalar(digit))
        }
        return text
    }

    /// Three significant digits, `0.0123`, `1.50`, `12.3`, `1,230`; very great and very small ones as `1.23e+12`.
    /// Whole numbers of up to fifteen digits are written in full.
    static func rounded(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return grouped(Int64(value)) }
        return significant(value)
    }

    /// Three significant digits, with the zeros at the end that make numbers in a column comparable.
    static func significant(_ value: Double) -> String {
        guard value.isFinite else { return rounded(value) }
        if value == 0 { return "0" }
        let magnitude = abs(value)
        guard magnitude >= 1e-4, magnitude < 1e15 else { return scientific(value) }
        if magnitude >= 99.95 { return grouped(Int64(value.rounded())) }
        var decimals = 2
        var limit = 9.995
        if magnitude >= 9.995 { decimals = 1 }
        while magnitude < limit / 10, decimals < 6 {
            limit /= 10
            decimals += 1
        }
        return fixed(value, decimals: decimals)
    }

    /// A number below 10^15 with so many decimals, at most six.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 0x1p63 else { return "\(value)" }
        let digits = Int64(scaled)
        let sign = value < 0 && digits != 0 ? "-" : ""
        let whole = digits / Int64(scale)
        guard decimals > 0 else { return sign + grouped(whole) }
        return sign + grouped(whole) + "." + padded(Int(digits % Int64(scale)), decimals)
    }

    /// `1.23e-07`
    private static func scientific(_ value: Double) -> String {
        var exponent = 0
        var mantissa = abs(value)
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        if mantissa >= 9.995 {
            mantissa /= 10
            exponent += 1
        }
        return (value < 0 ? "-" : "") + fixed(mantissa, decimals: 2) + (exponent < 0 ? "e-" : "e+")
            + padded(abs(exponent), 2)
    }
}
