internal import WeirBatch

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
    package static func safe(_ text: String) -> String { text.escapingControls }
}
