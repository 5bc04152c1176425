/// A string that equals only what has the same bytes.
///
/// Tags are told apart by their bytes, as everywhere outside of Swift, whose own strings are equal also where their
/// characters are merely spelled differently: a composed "é" and one of two scalars.
package struct ExactString: Hashable, Sendable {
    package let string: String

    package init(_ string: String) { self.string = string }

    package static func == (left: Self, right: Self) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
