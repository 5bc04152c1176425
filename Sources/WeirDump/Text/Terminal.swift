/// What a terminal makes of text: colours where wanted, and nothing else than text from a file.
package struct Terminal: Sendable {
    /// Whether to use colour.
    package var hasColour: Bool

    package init(hasColour: Bool) { self.hasColour = hasColour }

    package enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case yellow = "33"
        case cyan = "36"
    }

    package func styled(_ text: String, _ style: Style) -> String {
        hasColour && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Moves to the upper left and forgets what was there.
    package static let clear = "\u{1B}[H\u{1B}[2J\u{1B}[3J"

    /// The text with control characters spelled out, so that no tag in a file steers the terminal or breaks the table.
    package static func safe(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                switch scalar {
                case "\n": result += "\\n"
                case "\t": result += "\\t"
                default: result += "\\u{\(String(scalar.value, radix: 16))}"
                }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Control, format and separator characters; among them those that turn the writing's direction.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
        case .format: scalar != "\u{200D}"
        default: false
        }
    }
}
