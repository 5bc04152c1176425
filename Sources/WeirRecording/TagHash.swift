private import CWeirCPU

/// Hashes of tag values: seeded for the process, so that values from outside cannot be chosen to collide.
///
/// The mixing step is the 64 by 64 to 128 bit multiplication of wyhash (Wang Yi), which spreads every input bit over
/// the result for the price of one multiplication a 16 bytes. What comes out of a single one lies in rows, though: with
/// some 3 of 100 seeds, numbers in a row left a sixth of an index empty. One more multiplication ends that (Knuth's
/// multiplicative hashing: the upper bits, which an index uses, then depend on all of them).
enum TagHash {
    /// Hashes a value of less than ``TagWords/capacity`` bytes under the hash of its key.
    @inline(__always)
    static func hash(_ words: TagWords, count: Int, key: UInt64) -> UInt64 {
        // The highest byte is free for the length.
        let length = UInt64(truncatingIfNeeded: count) &<< 56
        return mix(words.low ^ weir_process_value_seed(), (words.high | length) ^ key) &* golden
    }

    /// Hashes a longer value under the hash of its key.
    @inline(__always)
    static func hash(_ words: TagWords, _ bytes: UnsafeRawPointer, count: Int, key: UInt64) -> UInt64 {
        let seed = weir_process_value_seed()
        var state = key
        var offset = 8
        while offset &+ 8 < count {
            let low = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let high = unsafe bytes.loadUnaligned(fromByteOffset: min(offset &+ 8, count &- 8), as: UInt64.self)
            state = mix(low ^ seed, high ^ state)
            offset &+= 16
        }
        let length = UInt64(truncatingIfNeeded: count) &* golden
        return mix(words.low ^ seed, words.high ^ state ^ length) &* golden
    }

    /// Hashes a value of any length under the hash of its key.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawPointer, words: TagWords, count: Int, key: UInt64) -> UInt64 {
        count < TagWords.capacity
            ? hash(words, count: count, key: key) : unsafe hash(words, bytes, count: count, key: key)
    }

    /// 2^64 over the golden ratio, made odd.
    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (high, low) = left.multipliedFullWidth(by: right)
        return high ^ low
    }
}

/// Sixteen bytes of a value: all of one that is no longer, padded with zeros, or else the first and the last eight.
///
/// Up to ``capacity`` bytes, words and length together are the value: most tag values are compared in two
/// instructions and need no memory of their own.
struct TagWords: Equatable {
    var low: UInt64
    var high: UInt64

    static let capacity = 16

    @inline(__always)
    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    init(_ bytes: UnsafeRawPointer, count: Int) {
        if count > 8 {
            low = unsafe Self.load(bytes)
            high = unsafe Self.load(bytes + (count &- 8))
            // What the first word holds already is shifted out.
            if count < Self.capacity { high &>>= UInt64(truncatingIfNeeded: 8 &* (Self.capacity &- count)) }
        } else {
            low = unsafe Self.word(bytes, count: count)
            high = 0
        }
    }

    /// At most eight bytes. Two loads that overlap, so that four lengths need one branch.
    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, count: Int) -> UInt64 {
        let last = UInt64(truncatingIfNeeded: count)
        if count >= 4 {
            let first = unsafe UInt64(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
            let end = unsafe UInt64(UInt32(littleEndian: (bytes + (count &- 4)).loadUnaligned(as: UInt32.self)))
            return first | end &<< (8 &* (last &- 4))
        }
        guard count > 0 else { return 0 }
        // First, middle and last byte: of one to three bytes these are all.
        return unsafe UInt64(bytes.load(as: UInt8.self))
            | UInt64(bytes.load(fromByteOffset: count / 2, as: UInt8.self)) &<< (8 &* (last / 2))
            | UInt64(bytes.load(fromByteOffset: count &- 1, as: UInt8.self)) &<< (8 &* (last &- 1))
    }

    @inline(__always)
    private static func load(_ bytes: UnsafeRawPointer) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    /// Writes a value of at most ``capacity`` bytes back to memory.
    func store(to bytes: UnsafeMutableRawPointer, count: Int) {
        for index in 0..<count {
            let word = index < 8 ? low : high
            unsafe bytes.storeBytes(
                of: UInt8(truncatingIfNeeded: word &>> UInt64(8 * (index % 8))), toByteOffset: index, as: UInt8.self)
        }
    }
}
