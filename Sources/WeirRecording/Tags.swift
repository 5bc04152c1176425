/// An immutable set of tags: keys with their values, hashed once.
///
/// Build one where the same tags are used again; recording with it then neither hashes nor compares strings. Copies
/// share one storage, and recording does not count references.
///
/// A key that is given twice keeps its last value. A missing tag is not an empty one. Values are UTF-8; one of more than
/// 1,024 bytes, or what ``ViewRules/tagValueBytes`` says, is cut at a character's boundary and ends in `…`, and values that
/// are the same up to there are one. A zero byte in one is written to batches as `␀0`.
@safe
public struct Tags: Sendable {
    let storage: TagStorage
    /// The storage's, here so that looking up what these tags were recorded as reads no memory of theirs.
    let hash: UInt64

    /// The tags of a literal: `Tags([route: "/users", status: "200"])`.
    public init(_ literal: TagLiteral) {
        self.init(storage: .merging(literal.elements))
    }

    /// The tags of a sequence; the last of a key wins.
    public init(_ elements: some Sequence<(TagKey, String)>) {
        self.init(storage: .merging(Array(elements)))
    }

    /// No tags.
    public init() {
        self.init(storage: .none)
    }

    init(storage: TagStorage) {
        self.storage = storage
        hash = storage.hash
    }

    /// No tags.
    static let none = Tags()

    /// These tags with those of `other` added; the value in `other` wins.
    public func merging(_ other: Tags) -> Tags {
        Tags(storage: .merging(other.storage.elements, over: storage))
    }

    /// The value of a key, `nil` where there is no such tag.
    public subscript(key: TagKey) -> String? {
        storage.elements.first { $0.0 == key }?.1
    }

    /// How many tags.
    public var count: Int { storage.count }

    /// Keys and values, in the order in which the process made the keys.
    public var elements: [(key: TagKey, value: String)] {
        storage.elements.map { (key: $0.0, value: $0.1) }
    }
}

extension Tags: Equatable {
    /// Whether both have the same keys with the same values.
    public static func == (left: Tags, right: Tags) -> Bool {
        left.storage === right.storage
            || left.hash == right.hash
                && left.storage.elements.elementsEqual(right.storage.elements) { $0 == $1 }
    }
}

extension Tags: Hashable {
    /// Feeds the hash that was computed when the tags were built.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(hash)
    }
}

extension Tags: CustomStringConvertible {
    /// `{http.route="/users",http.status_code="200"}`.
    public var description: String {
        "{" + elements.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",") + "}"
    }
}
