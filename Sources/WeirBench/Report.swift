/// Prints what was measured: a table for people, or an object a line.
struct Report {
    let isJSON: Bool

    func note(_ text: String) {
        if !isJSON { print(text) }
    }

    func recording(_ name: String, threads: Int, nanoseconds: Spread, ratio: Spread) {
        guard isJSON else {
            return print(
                "\(pad(name, 24)) \(threads) thread\(threads == 1 ? " " : "s")  \(pad(fixed(nanoseconds.median), -8)) ns"
                    + "  \(pad(fixed(ratio.median), -6)) x xadd  (\(fixed(ratio.least)) to \(fixed(ratio.greatest)))")
        }
        print(
            "{\"name\":\"\(name)\",\"threads\":\(threads),\"ns_per_op\":\(fixed(nanoseconds.median)),"
                + "\"ratio_to_xadd\":\(fixed(ratio.median)),\"least\":\(fixed(ratio.least)),"
                + "\"greatest\":\(fixed(ratio.greatest))}")
    }

    func export(_ name: String, nanoseconds: Spread, bytes: Int?) {
        guard isJSON else {
            return print(
                "\(pad(name, 24)) \(pad(fixed(nanoseconds.median), -19)) ns a series"
                    + "  (\(fixed(nanoseconds.least)) to \(fixed(nanoseconds.greatest)))"
                    + (bytes.map { "  \($0) bytes" } ?? ""))
        }
        print(
            "{\"name\":\"\(name)\",\"threads\":1,\"ns_per_series\":\(fixed(nanoseconds.median)),"
                + "\"least\":\(fixed(nanoseconds.least)),\"greatest\":\(fixed(nanoseconds.greatest))"
                + (bytes.map { ",\"bytes\":\($0)" } ?? "") + "}")
    }

    /// A number beside what it is without the thing measured.
    func ratio(_ name: String, _ value: Spread, without: Spread, _ unit: String) {
        print(
            isJSON
                ? "{\"name\":\"\(name)\",\"median\":\(fixed(value.median)),\"without\":\(fixed(without.median)),"
                    + "\"unit\":\"\(unit)\"}"
                : "\(pad(name, 24)) \(pad(fixed(value.median), -19)) \(unit)  (\(fixed(without.median)) without)")
    }

    func memory(_ name: String, bytes: Int) {
        print(
            isJSON
                ? "{\"name\":\"\(name)\",\"threads\":1,\"bytes\":\(bytes)}"
                : "\(pad(name, 24)) \(pad("\(bytes)", -19)) bytes")
    }

    private func fixed(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    /// Padded on the right, or on the left where the width is negative.
    private func pad(_ text: String, _ width: Int) -> String {
        let space = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? space + text : text + space
    }
}
