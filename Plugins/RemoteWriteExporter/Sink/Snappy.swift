private import CSnappy

/// Snappy's block format, which remote write asks for.
enum Snappy {
    struct Failure: Error, Equatable {
        let status: UInt32
    }

    static func compress(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
        var status = SNAPPY_OK
        let capacity = snappy_max_compressed_length(bytes.count)
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            count = capacity
            unsafe bytes.withUnsafeBytes { input in
                status = unsafe snappy_compress(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count,
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self), &count)
            }
            if status != SNAPPY_OK { count = 0 }
        }
        guard status == SNAPPY_OK else { throw Failure(status: status.rawValue) }
        return compressed
    }
}
