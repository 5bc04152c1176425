import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Tag values")
struct TagHashTests {
    private static let key: TagKey = "hash.key"
    private static let lengths = Array(0...40) + [63, 64, 65, 255, 1_000]

    private func value(_ length: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<length).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
    }

    private func tags(_ bytes: [UInt8]) -> Tags { Tags([(Self.key, String(decoding: bytes, as: UTF8.self))]) }

    @Test("a value of any length comes back as it was", arguments: lengths)
    func roundTrip(length: Int) {
        let bytes = value(length)
        #expect(tags(bytes)[Self.key] == String(decoding: bytes, as: UTF8.self))
        let words = unsafe bytes.withUnsafeBytes { buffer in
            unsafe TagWords(buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 16)!, count: min(length, 16))
        }
        var copy = [UInt8](repeating: 0, count: 16)
        unsafe copy.withUnsafeMutableBytes { unsafe words.store(to: $0.baseAddress!, count: min(length, 16)) }
        #expect(copy.prefix(min(length, 16)) == bytes.prefix(16))
    }

    @Test("a value that differs in one byte is another, with another hash", arguments: lengths)
    func everyByteCounts(length: Int) {
        let bytes = value(length)
        let original = tags(bytes)
        #expect(tags(bytes) == original)
        for place in 0..<length {
            var changed = bytes
            changed[place] ^= 1
            let other = tags(changed)
            #expect(other != original)
            #expect(other.hash != original.hash)
            // By the comparison of entries, which does not look at hashes.
            let entries = unsafe (original.storage.entries, other.storage.entries)
            #expect(unsafe !entries.0.pointee.isEqual(entries.1.pointee))
        }
        #expect(tags(bytes + [0]) != original)
        if length > 0 { #expect(tags(Array(bytes.dropLast())) != original) }
    }

    @Test("zero bytes and letters of many bytes are values like others")
    func unusualValues() {
        let values = ["", "\0", "\0\0", "a\0b", "é", "日本語の長い値、十六バイトより長い", String(repeating: "\0", count: 17)]
        var seen: Set<Tags> = []
        for value in values {
            let tags = Tags([(Self.key, value)])
            #expect(tags[Self.key] == value)
            seen.insert(tags)
        }
        #expect(seen.count == values.count)
    }

    @Test("an empty tag is not a missing one")
    func emptyIsNotMissing() {
        #expect(Tags([(Self.key, "")]) != Tags())
        #expect(Tags([(Self.key, "")]).count == 1)
        #expect(Tags()[Self.key] == nil)
    }

    @Test("numbers in a row spread over the slots of an index, whatever the seed", arguments: 0..<16)
    func distribution(number: Int) {
        // A key's hash is where the hashes of its values begin, so each one is another seed.
        let key = TagKey("hash.key.\(number)")
        // The upper bits, which an index uses, of values as applications have them.
        for prefix in ["", "/users/", "a-long-prefix-of-a-value-", String(repeating: "x", count: 33)] {
            var slots = [Int](repeating: 0, count: 1_024)
            for number in 0..<10_240 { slots[Int(Tags([(key, prefix + "\(number)")]).hash >> 54)] += 1 }
            // Poisson with mean 10: a slot of 40 would come once in 10^12.
            #expect(slots.max()! < 40)
            #expect(slots.count { $0 == 0 } < 10)
        }
    }

    @Test("tags do not depend on the order in which they are given, and the last of a key wins")
    func orderAndDuplicates() {
        let keys = (0..<70).map { TagKey("order.\($0)") }
        var random = SeededGenerator(seed: 4)
        let all = keys.map { ($0, "value of \($0)") }
        let tags = Tags(all)
        for _ in 0..<20 {
            let shuffled = all.shuffled(using: &random)
            #expect(Tags(shuffled) == tags)
            #expect(Tags(shuffled).hash == tags.hash)
            #expect(Tags(shuffled.map { ($0.0, "older, and longer than sixteen bytes") } + shuffled) == tags)
        }
        #expect(tags.count == 70)
        for (key, value) in all { #expect(tags[key] == value) }
    }

    @Test("tags of keys that cannot be used are left out")
    func unusableKeys() {
        let bad: [TagKey] = ["", TagKey(String(repeating: "k", count: 256)), "a\nb", "\u{7F}"]
        for key in bad { #expect(!key.isValid) }
        #expect(Tags(bad.map { ($0, "value") }) == Tags())
        #expect(
            Tags([(bad[0], "value"), (Self.key, "1"), (bad[1], "long enough to need bytes of its own")])
                == Tags([Self.key: "1"]))
        #expect(TagKey(String(repeating: "k", count: 255)).isValid)
    }

    @Test("merging keeps both, and the values of what is merged in")
    func merging() {
        let (first, second, third): (TagKey, TagKey, TagKey) = ("merge.1", "merge.2", "merge.3")
        let merged = Tags([first: "1", second: "2"]).merging(Tags([second: "two", third: "three"]))
        #expect(merged == Tags([first: "1", second: "two", third: "three"]))
        #expect(merged.merging(Tags()) == merged)
        #expect(Tags().merging(merged) == merged)
    }
}
