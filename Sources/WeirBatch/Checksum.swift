private import CISAL

/// CRC-32C (Castagnoli), which the header ends in.
func checksum(_ bytes: Span<UInt8>) -> UInt32 {
    // ISA-L takes and returns the register as it is: the inversion before and after is the caller's.
    unsafe bytes.withUnsafeBufferPointer { buffer in
        let start = unsafe UnsafeMutablePointer(mutating: buffer.baseAddress)
        return unsafe ~crc32_iscsi(start, Int32(buffer.count), .max)
    }
}
