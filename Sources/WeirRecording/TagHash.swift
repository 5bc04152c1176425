private import CWeirCPU

/// Hashes of tag values: seeded for the process, so that values from outside cannot be chosen to collide.
///
/// The mixing step is the 64 by 64 to 128 bit multiplication of wyhash (Wang Yi), which spreads every input bit over
/// the result for the price of one multiplication a 16 bytes.
enum TagHash {
    /// Hashes `count` bytes under the hash of their key.
    ///
    /// - words: The value's first and last eight bytes; see ``TagWords``.
    @inline(__always)
    static func hash(_ words: TagWords, _ bytes: UnsafeRawPointer, count: Int, key: UInt64) -> UInt64 {
        let seed = weir_process_value_seed()
        var state = key
        if count > TagWords.capacity {
            var offset = 8
            while offset + 8 < count {
                let low = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let high = unsafe bytes.loadUnaligned(fromByteOffset: min(offset + 8, count - 8), as: UInt64.self)
                state = mix(low ^ seed, high ^ state)
                offset += 16
            }
        }
        return mix(words.low ^ seed, words.high ^ state ^ (UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15))
    }

    @inline(__always)
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (high, low) = left.multipliedFullWidth(by: right)
        return high ^ low
    }
}

/// The first and the last eight bytes of a value, which overlap where it is shorter than sixteen.
///
/// Up to ``capacity`` bytes, words and length together are the value: most tag values are compared in two
/// instructions and need no memory of their own.
struct TagWords: Equatable {
    var low: UInt64
    var high: UInt64

    static let capacity = 16

    @inline(__always)
    init(_ bytes: UnsafeRawPointer, count: Int) {
        if count >= 8 {
            unsafe low = bytes.loadUnaligned(as: UInt64.self)
            unsafe high = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        } else if count >= 4 {
            unsafe low = UInt64(bytes.loadUnaligned(as: UInt32.self))
            unsafe high = UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        } else if count > 0 {
            // First, middle and last byte: of one to three bytes these are all.
            unsafe low =
                UInt64(bytes.load(as: UInt8.self)) | UInt64(bytes.load(fromByteOffset: count / 2, as: UInt8.self)) << 8
            unsafe high = UInt64(bytes.load(fromByteOffset: count - 1, as: UInt8.self))
        } else {
            low = 0
            high = 0
        }
    }

    /// Writes a value of at most ``capacity`` bytes back to memory.
    func store(to bytes: UnsafeMutableRawPointer, count: Int) {
        if count >= 8 {
            unsafe bytes.storeBytes(of: low, as: UInt64.self)
            unsafe bytes.storeBytes(of: high, toByteOffset: count - 8, as: UInt64.self)
        } else if count >= 4 {
            unsafe bytes.storeBytes(of: UInt32(truncatingIfNeeded: low), as: UInt32.self)
            unsafe bytes.storeBytes(of: UInt32(truncatingIfNeeded: high), toByteOffset: count - 4, as: UInt32.self)
        } else if count > 0 {
            unsafe bytes.storeBytes(of: UInt8(truncatingIfNeeded: low), as: UInt8.self)
            unsafe bytes.storeBytes(of: UInt8(truncatingIfNeeded: low >> 8), toByteOffset: count / 2, as: UInt8.self)
            unsafe bytes.storeBytes(of: UInt8(truncatingIfNeeded: high), toByteOffset: count - 1, as: UInt8.self)
        }
    }
}
