/// A single measurement, kept as an example of those that its point adds up.
package struct Exemplar: Equatable, Sendable {
    /// What was measured, also where the view counts.
    package var value: Double
    /// Nanoseconds since 1970.
    package var time: UInt64
    /// The trace and the span that it belongs to, in hexadecimal digits.
    package var span: Span?
    /// The tags of the measurement that its series does not have.
    package var tags: [Tag]

    package struct Span: Equatable, Sendable {
        /// 32 digits.
        package var trace: String
        /// 16 digits.
        package var span: String
    }

    package init(value: Double, time: UInt64, span: Span? = nil, tags: [Tag] = []) {
        self.value = value
        self.time = time
        self.span = span
        self.tags = tags
    }
}
