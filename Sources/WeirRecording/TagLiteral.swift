/// Tags as they are written at a call: `[route: path, status: code]`.
///
/// Not stored anywhere and not sorted: it exists so that a literal needs no ``Tags``. In an optimised build the
/// compiler keeps it on the stack of the caller. A key that is given twice keeps its last value.
public struct TagLiteral: ExpressibleByDictionaryLiteral, Sendable {
    @usableFromInline let elements: [(TagKey, String)]

    /// The tags of a literal.
    @inlinable
    @inline(__always)
    public init(dictionaryLiteral elements: (TagKey, String)...) {
        self.elements = elements
    }
}

/// Tags all of whose values are written out at a call: `[route: "/users", status: "200"]`.
///
/// The compiler prefers it to ``TagLiteral`` where it can be, since such values are constants of the program: nothing
/// has to be retained or released.
public struct ConstantTagLiteral: ExpressibleByDictionaryLiteral, Sendable {
    @usableFromInline let elements: [(TagKey, StaticString)]

    /// The tags of a literal.
    @inlinable
    @inline(__always)
    public init(dictionaryLiteral elements: (TagKey, StaticString)...) {
        self.elements = elements
    }
}

/// A tag at a call: `(route, path)`.
public typealias Tag = (TagKey, String)

/// The elements of a literal, borrowed for the length of a call.
@usableFromInline
typealias TagElements = UnsafeBufferPointer<(TagKey, String)>

/// The elements of a literal of constants, borrowed for the length of a call.
@usableFromInline
typealias ConstantTagElements = UnsafeBufferPointer<(TagKey, StaticString)>
