private import CZlib

/// gzip, for bodies of HTTP.
package enum Gzip {
    /// Why nothing was compressed.
    package enum Failure: Error, Equatable {
        /// From 1, the fastest, to 9.
        case level(found: Int32)
        case outOfMemory
        /// zlib's number for anything else.
        case zlib(code: Int32)
        /// zlib counts in 32 bits.
        case tooLong(limit: Int, found: Int)
    }

    private static let longest = 1 << 31

    /// The bytes as one gzip member.
    ///
    /// - Parameter level: From 1, the fastest, to 9.
    package static func compress(_ bytes: [UInt8], level: Int32) throws(Failure) -> [UInt8] {
        guard 1...9 ~= level else { throw .level(found: level) }
        guard bytes.count < longest else { throw .tooLong(limit: longest, found: bytes.count) }
        var stream = unsafe z_stream()
        let began = unsafe weir_deflate_init_gzip(&stream, level)
        guard began == Z_OK else { throw began == Z_MEM_ERROR ? .outOfMemory : .zlib(code: began) }
        defer { unsafe deflateEnd(&stream) }
        var code = Z_OK
        let capacity = unsafe Int(deflateBound(&stream, UInt(bytes.count)))
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                // zlib does not write through it; its interface is older than const.
                unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.avail_in = UInt32(input.count)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(clamping: output.count)
                code = unsafe deflate(&stream, Z_FINISH)
                unsafe count = Int(stream.total_out)
            }
        }
        guard code == Z_STREAM_END else { throw .zlib(code: code) }
        return compressed
    }
}
