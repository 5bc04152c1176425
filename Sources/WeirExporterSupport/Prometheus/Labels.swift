package import WeirExporterKit

/// A label of a series. Labels are told apart by their bytes, as Prometheus does.
package struct Label: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.value.utf8.elementsEqual(right.value.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for text in [name, value] {
            var text = text
            text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hasher.combine(0xFF as UInt8)
        }
    }
}

/// Makes labels of tags, and remembers what their keys became.
package struct Labeller: Sendable {
    /// Names that samples themselves need, as `le`, and that of a mark; a tag of that name becomes `exported_le`.
    private let reserved: Set<String>
    private var names: [String: String] = [:]
    /// Which key has each name first.
    private var keys: [String: String] = [:]
    /// Whether several keys have one name, as far as that is known: if not, series with different tags, none of them
    /// empty, have different labels.
    package private(set) var hasSharedNames = false
    /// Of the series before, in its order: the next one's keys are most often the same.
    private var recent: [(key: String, name: String)] = []

    package init(reserved: Set<String> = []) {
        self.reserved = reserved.union([Mark.key])
    }

    /// The labels of a series, in the order of their names.
    ///
    /// An empty value is none to Prometheus, and left out. Keys that become one name share a label: it has all their
    /// values, in the order of the keys' bytes, separated by `;`. So two series may get the same labels, which whoever
    /// writes them has to look for.
    package mutating func labels(_ tags: [DeliveredTag]) -> [Label] {
        var labels: [Label] = []
        labels.reserveCapacity(tags.count)
        var isSorted = true
        for (place, tag) in tags.enumerated() where !tag.value.isEmpty {
            let name = name(of: tag.key, at: place)
            if let last = labels.last, last.name >= name { isSorted = false }
            labels.append(Label(name, tag.value))
        }
        if isSorted { return labels }
        labels.sort { $0.name < $1.name }
        let isShared = zip(labels, labels.dropFirst()).contains { $0.name == $1.name }
        return isShared ? shared(tags) : labels
    }

    private mutating func name(of key: String, at place: Int) -> String {
        if place < recent.count, recent[place].key == key { return recent[place].name }
        let name = name(of: key)
        if place < recent.count {
            recent[place] = (key, name)
        } else if place == recent.count {
            recent.append((key, name))
        }
        return name
    }

    private mutating func shared(_ tags: [DeliveredTag]) -> [Label] {
        var values: [String: [String]] = [:]
        for tag in Mark.canonical(tags) where !tag.value.isEmpty {
            values[name(of: tag.key), default: []].append(tag.value)
        }
        return values.map { Label($0.key, $0.value.joined(separator: ";")) }.sorted { $0.name < $1.name }
    }

    /// What a tag's key is called.
    package mutating func name(of key: String) -> String {
        if let name = names[key] { return name }
        let name = Self.labelName(key)
        let free = reserved.contains(name) ? "exported_" + name : name
        // A bound, should somebody invent keys without end.
        if names.count >= 4096 {
            names.removeAll()
            keys.removeAll()
            hasSharedNames = true
        }
        names[key] = free
        if let owner = keys[free], !owner.utf8.elementsEqual(key.utf8) {
            hasSharedNames = true
        } else {
            keys[free] = key
        }
        return free
    }

    /// What is no ASCII letter, digit or `_` becomes `_`. Names that begin with a digit, or with the two `_` of names that
    /// Prometheus keeps for itself, get `key_` or `key` before them.
    static func labelName(_ key: String) -> String {
        var bytes = key.unicodeScalars.map { scalar -> UInt8 in
            guard scalar.isASCII, UInt8(scalar.value).isLetterOrDigit else { return UInt8(ascii: "_") }
            return UInt8(scalar.value)
        }
        guard let first = bytes.first else { return "key" }
        if first.isDigit {
            bytes.insert(contentsOf: "key_".utf8, at: 0)
        } else if bytes.starts(with: "__".utf8) {
            bytes.insert(contentsOf: "key".utf8, at: 0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
