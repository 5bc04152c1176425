extension Exemplar {
    /// One line for people: `e.g. 12.3 ms at 2023-11-14T22:13:25.123Z  trace 4bf9… span 00f0…  user="me"`.
    func text(_ unit: Unit) -> String {
        var line = "e.g. \(unit.text(value)) at \(Timestamp(nanoseconds: time).text(fractionDigits: 3))"
        if let span { line += "  trace \(span.trace) span \(span.span)" }
        for tag in tags { line += "  \(Terminal.safe(tag.key))=\(JSON.string(Terminal.safe(tag.value)))" }
        return line
    }
}
