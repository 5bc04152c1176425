private import CZstd

/// Compresses a stream piece by piece and counts what comes out; the compressed bytes themselves are not kept.
///
/// For whoever wants to know how well something compresses. Memory is bounded by zstd's window. Thread-confined.
@safe
package struct StreamCompressor: ~Copyable {
    private let context: OpaquePointer
    private let output: UnsafeMutableRawBufferPointer

    /// - Throws: ``BatchError/compressionLevel(allowed:found:)``, ``BatchError/outOfMemory``.
    package init(level: Int32) throws(BatchError) {
        unsafe context = try compressionContext(level: level)
        unsafe output = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 16)
    }

    deinit {
        _ = unsafe ZSTD_freeCCtx(context)
        unsafe output.deallocate()
    }

    /// Compresses the next piece, and returns how many bytes came out by then.
    package mutating func add(_ bytes: Span<UInt8>) throws(BatchError) -> Int {
        try run(bytes, ZSTD_e_continue)
    }

    /// Compresses the last piece, which may be empty, ends the frame, and returns how many bytes came out.
    ///
    /// Where it is the first piece too, the frame says how long its content is. The next piece begins another frame.
    package mutating func finish(_ bytes: Span<UInt8>) throws(BatchError) -> Int {
        try run(bytes, ZSTD_e_end)
    }

    /// Throws away what a frame that was not finished holds.
    package mutating func reset() {
        _ = unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
    }

    private mutating func run(_ bytes: Span<UInt8>, _ mode: ZSTD_EndDirective) throws(BatchError) -> Int {
        var written = 0
        var consumed = 0
        while true {
            let rest = unsafe bytes.withUnsafeBytes { bytes in
                var input = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: consumed)
                var piece = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
                let rest = unsafe ZSTD_compressStream2(context, &piece, &input, mode)
                unsafe written += piece.pos
                unsafe consumed = input.pos
                return rest
            }
            try checkCompression(rest)
            if mode == ZSTD_e_end ? rest == 0 : consumed == bytes.count { return written }
        }
    }
}
