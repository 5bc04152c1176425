private import CZlib

/// The checksum of gzip and zip.
package enum CRC32 {
    package static func of(_ bytes: [UInt8]) -> UInt32 {
        let start = crc32_z(0, nil, 0)
        return unsafe UInt32(
            truncatingIfNeeded: bytes.withUnsafeBufferPointer { unsafe crc32_z(start, $0.baseAddress, $0.count) })
    }
}
