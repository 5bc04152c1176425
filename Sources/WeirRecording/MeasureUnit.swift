/// A unit of measurement, as UCUM writes it (https://ucum.org): `s`, `By`, `1`, `{request}`.
///
/// Case counts. Views take their default bounds from it.
public struct MeasureUnit: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The unit's UCUM code.
    public let code: String

    /// A unit by its UCUM code; at most 63 characters are kept by most systems.
    public init(_ code: String) {
        self.code = code
    }

    /// A unit by its UCUM code.
    public init(stringLiteral code: String) {
        self.code = code
    }

    /// The unit's UCUM code.
    public var description: String { code }

    /// `1`: a number, a ratio.
    public static let one: MeasureUnit = "1"
    /// `s`.
    public static let seconds: MeasureUnit = "s"
    /// `ms`.
    public static let milliseconds: MeasureUnit = "ms"
    /// `us`.
    public static let microseconds: MeasureUnit = "us"
    /// `ns`.
    public static let nanoseconds: MeasureUnit = "ns"
    /// `By`.
    public static let bytes: MeasureUnit = "By"

    /// The bounds of a distribution that names none. Seconds and milliseconds cover the same span of time, 1 ms to
    /// 10 s, bytes 256 B to 1 GiB; a plain number 1 to 10,000.
    var defaultBounds: [Double] {
        switch code {
        case "s": Self.milliseconds.defaultBounds.map { $0 / 1_000 }
        case "ms": [1, 2, 5, 10, 25, 50, 75, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
        case "us", "ns": [1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4, 3e4, 1e5, 1e6, 1e7, 1e8]
        case "By": (0..<12).map { Double(256 << (2 * $0)) }
        default: [0, 1, 2, 5, 10, 25, 50, 75, 100, 250, 500, 1_000, 2_500, 10_000]
        }
    }
}
