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
        let levels = ZSTD_minCLevel()...ZSTD_maxCLevel()
        guard levels.contains(level) else { throw .compressionLevel(allowed: levels, found: level) }
        guard let context = unsafe ZSTD_createCCtx() else { throw .outOfMemory }
        _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        unsafe self.context = unsafe context
        unsafe output = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 16)
    }

    deinit {
        _ = unsafe ZSTD_freeCCtx(context)
        unsafe output.deallocate()
    }

    /// Compresses the next piece, and returns how many bytes came out by then.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) throws(BatchError) -> Int {
        try unsafe run(bytes, ZSTD_e_continue)
    }

    /// Ends the frame, and returns how many bytes came out last. The next piece begins another frame.
    package mutating func finish() throws(BatchError) -> Int {
        try unsafe run(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_end)
    }

    /// Throws away what a frame that was not finished holds.
    package mutating func reset() {
        _ = unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
    }

    private mutating func run(_ bytes: UnsafeRawBufferPointer, _ mode: ZSTD_EndDirective) throws(BatchError) -> Int {
        var input = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var written = 0
        while true {
            var piece = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let rest = unsafe ZSTD_compressStream2(context, &piece, &input, mode)
            guard ZSTD_isError(rest) == 0 else { throw unsafe .compression(String(cString: ZSTD_getErrorName(rest))) }
            unsafe written += piece.pos
            if mode == ZSTD_e_end ? rest == 0 : unsafe input.pos == input.size { return written }
        }
    }
}
