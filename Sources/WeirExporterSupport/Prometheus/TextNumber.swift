/// Numbers as expositions have them.
package enum TextNumber {
    /// A sample's value: the shortest text that means the same number.
    package static func append(_ value: Double, to bytes: inout [UInt8]) {
        if value.isFinite {
            bytes.append(contentsOf: value.description.utf8)
        } else {
            bytes.append(contentsOf: (value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf").utf8)
        }
    }

    package static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &bytes)
    }

    package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        // Digit by digit, the last first; none has more than twenty.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var (rest, start) = (value, 20)
            repeat {
                start -= 1
                unsafe digits.initializeElement(
                    at: start, to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            } while rest > 0
            unsafe bytes.append(contentsOf: digits[start...])
        }
    }

    /// Nanoseconds since 1970 in seconds, exactly.
    package static func append(nanoseconds: UInt64, to bytes: inout [UInt8]) {
        append(nanoseconds / 1_000_000_000, to: &bytes)
        let rest = nanoseconds % 1_000_000_000
        guard rest > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        let start = bytes.count
        // A one before them keeps the zeros that the nine digits begin with.
        append(rest + 1_000_000_000, to: &bytes)
        bytes.remove(at: start)
        while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
    }

    /// A bucket's bound, of which all of Prometheus's world must write one and the same text, as it is a label: `0.25`,
    /// `1.0`, `1e+06`, `2.5e-05`.
    package static func bound(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0.0" : value < 0 ? "-Inf" : "+Inf" }
        let text = value.magnitude.description
        let parts = text.split(separator: "e")
        let whole = parts[0].split(separator: ".")
        var digits = whole.joined()
        // The number is 0.digits times ten to the `point`.
        var point = whole[0].utf8.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        let zeros = digits.prefix { $0 == "0" }.count
        digits.removeFirst(zeros)
        point -= zeros
        while digits.last == "0" { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        let exponent = point - 1
        guard -4..<6 ~= exponent else {
            let rest = digits.dropFirst()
            let mantissa = String(digits.prefix(1)) + (rest.isEmpty ? "" : "." + rest)
            let power = String(exponent.magnitude)
            return sign + mantissa + (exponent < 0 ? "e-" : "e+") + (power.count < 2 ? "0" : "") + power
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }
}
