import Testing
import WeirExporterSupport
import WeirTestSupport

@Suite("Numbers as text")
struct TextNumberTests {
    private func text(_ append: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        append(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "a bound has the one text that OpenMetrics calls canonical",
        arguments: [
            (0.0, "0.0"), (-0.0, "0.0"), (1, "1.0"), (0.25, "0.25"), (0.001, "0.001"), (0.0001, "0.0001"),
            (0.00001, "1e-05"), (0.000025, "2.5e-05"), (100, "100.0"), (123.456, "123.456"), (99_999, "99999.0"),
            (100_000, "100000.0"), (1e6, "1e+06"), (123_456_789, "1.23456789e+08"), (1e10, "1e+10"), (1e100, "1e+100"),
            (2.5e-7, "2.5e-07"), (-1.5, "-1.5"), (-1e7, "-1e+07"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (1.7976931348623157e308, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
            (10_000.5, "10000.5"),
        ])
    func bounds(value: Double, expected: String) {
        #expect(TextNumber.bound(value) == expected)
    }

    @Test("a number's text means the same number")
    func exact() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<10_000 * testScale {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            #expect(Double(text { TextNumber.append(value, to: &$0) }) == .some(value))
            #expect(Double(TextNumber.bound(value)) == .some(value))
        }
        #expect(text { TextNumber.append(Double.nan, to: &$0) } == "NaN")
        #expect(text { TextNumber.append(-Double.infinity, to: &$0) } == "-Inf")
        #expect(text { TextNumber.append(Int64.min, to: &$0) } == "-9223372036854775808")
    }

    @Test(
        "a time is exact to the nanosecond",
        arguments: [
            (0, "0"), (1_000_000_000, "1"), (1_500_000_000, "1.5"), (1_000_000_001, "1.000000001"),
            (1_700_000_000_123_000_000, "1700000000.123"), (UInt64.max, "18446744073.709551615"),
        ])
    func times(nanoseconds: UInt64, expected: String) {
        #expect(text { TextNumber.append(nanoseconds: nanoseconds, to: &$0) } == expected)
    }
}
