package import WeirExporterKit

/// What tells things apart whose names a destination cannot: a short text that is the same in every process and at every
/// collection, since it is made of nothing but what it stands for.
package enum Mark {
    /// The key of the tag that a mark is the value of.
    package static let key = "weir_series"

    /// Of a series, by its tags in whatever order.
    package static func of(_ tags: [DeliveredTag]) -> String {
        var hash = StableHash()
        for tag in canonical(tags) {
            hash.add(tag.key)
            hash.add(tag.value)
        }
        return hash.digits
    }

    /// Of a name.
    package static func of(_ name: String) -> String {
        var hash = StableHash()
        hash.add(name)
        return hash.digits
    }

    /// Tags in the order of their keys' bytes.
    package static func canonical(_ tags: [DeliveredTag]) -> [DeliveredTag] {
        tags.count < 2 ? tags : tags.sorted(by: precedes)
    }

    /// Whether a series stands before another, by the bytes of its tags: an order that nothing changes.
    package static func precedes(_ left: [DeliveredTag], _ right: [DeliveredTag]) -> Bool {
        canonical(left).lexicographicallyPrecedes(canonical(right), by: precedes)
    }

    private static func precedes(_ left: DeliveredTag, _ right: DeliveredTag) -> Bool {
        left.key.utf8.elementsEqual(right.key.utf8)
            ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
            : left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
    }
}

/// FNV-1a of 64 bits: unlike Swift's own hashes, the same in every process.
private struct StableHash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        // No byte of UTF-8, so that where a text ends makes a difference.
        add(0xFF)
    }

    private mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    /// 16 hexadecimal digits.
    var digits: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
