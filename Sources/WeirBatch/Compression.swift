private import CZstd

/// zstd's compression state and an output buffer, both reused. Thread-confined.
@safe
struct Compressor: ~Copyable {
    private let context: OpaquePointer
    private var output = Scratch<UInt8>()

    init(level: Int32) throws(BatchError) {
        unsafe context = try compressionContext(level: level)
    }

    deinit {
        _ = unsafe ZSTD_freeCCtx(context)
    }

    /// One frame, in an array of just its size.
    mutating func compress(_ raw: borrowing Scratch<UInt8>) throws(BatchError) -> [UInt8] {
        output.begin(capacity: ZSTD_compressBound(raw.count))
        let length = unsafe ZSTD_compress2(context, output.start, output.capacity, raw.start, raw.count)
        try checkCompression(length)
        return unsafe [UInt8](UnsafeBufferPointer(start: output.start, count: length))
    }
}

/// zstd, for bytes that are no batch.
package enum Zstd {
    /// The bytes as one frame.
    ///
    /// - Throws: ``BatchError/compressionLevel(allowed:found:)``, ``BatchError/outOfMemory``.
    package static func compress(_ bytes: [UInt8], level: Int32) throws(BatchError) -> [UInt8] {
        let context = unsafe try compressionContext(level: level)
        defer { _ = unsafe ZSTD_freeCCtx(context) }
        var result = 0
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, count in
            result = unsafe bytes.withUnsafeBytes { input in
                unsafe ZSTD_compress2(context, output.baseAddress, output.count, input.baseAddress, input.count)
            }
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        try checkCompression(result)
        return compressed
    }
}

/// zstd's decompression state, reused. Thread-confined.
@safe
struct Decompressor: ~Copyable {
    private let context: OpaquePointer

    init() throws(BatchError) {
        guard let context = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
        unsafe self.context = unsafe context
    }

    deinit {
        _ = unsafe ZSTD_freeDCtx(context)
    }

    /// The content of exactly one frame. Writes no more than `limit` bytes, whatever the frame declares.
    mutating func decompress(_ frame: [UInt8], limit: Int) throws(BatchError) -> [UInt8] {
        guard case .whole(let length) = try ZstdFrame.extent(of: frame) else {
            throw .truncated(expected: UInt64(frame.count) + 1, found: UInt64(frame.count))
        }
        guard length == frame.count else {
            throw .payloadLength(expected: UInt64(frame.count), found: UInt64(length))
        }
        guard let declared = ZstdFrame.contentLength(of: frame) else {
            return try decompressUndeclared(frame, limit: limit)
        }
        guard declared <= UInt64(limit) else { throw .tooLong(.raw, limit: UInt64(limit), found: declared) }
        var written = 0
        let raw = unsafe [UInt8](unsafeUninitializedCapacity: Int(declared)) { buffer, count in
            written = unsafe frame.withUnsafeBytes {
                unsafe ZSTD_decompressDCtx(context, buffer.baseAddress, buffer.count, $0.baseAddress, $0.count)
            }
            count = ZSTD_isError(written) == 0 ? written : 0
        }
        try checkCompression(written)
        return raw
    }

    /// A frame that was written as a stream does not say how long its content is: grow up to the limit.
    private mutating func decompressUndeclared(_ frame: [UInt8], limit: Int) throws(BatchError) -> [UInt8] {
        try checkCompression(unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only))
        var raw: [UInt8] = []
        var consumed = 0
        while true {
            var result = 0
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_DStreamOutSize()) { buffer, count in
                unsafe frame.withUnsafeBytes { bytes in
                    var input = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: consumed)
                    var output = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
                    unsafe result = ZSTD_decompressStream(context, &output, &input)
                    unsafe consumed = input.pos
                    unsafe count = output.pos
                }
            }
            try checkCompression(result)
            raw += chunk
            guard raw.count <= limit else { throw .tooLong(.raw, limit: UInt64(limit), found: UInt64(raw.count)) }
            if result == 0 { return raw }
            guard !chunk.isEmpty || consumed < frame.count else { throw .compression("frame without end") }
        }
    }
}

/// What the outside of a zstd frame tells.
enum ZstdFrame {
    static let magic: UInt32 = 0xFD2F_B528

    /// Where a frame ends, as far as its bytes are at hand.
    enum Extent: Equatable {
        case whole(length: Int)
        case needsMore
    }

    /// Walks from block to block of the frame that `bytes` begin with.
    static func extent(of bytes: [UInt8]) throws(BatchError) -> Extent {
        let length = unsafe bytes.withUnsafeBytes { unsafe ZSTD_findFrameCompressedSize($0.baseAddress, $0.count) }
        if ZSTD_getErrorCode(length) == ZSTD_error_srcSize_wrong { return .needsMore }
        try checkCompression(length)
        return .whole(length: length)
    }

    /// The content length that a frame declares, if it does.
    static func contentLength(of frame: [UInt8]) -> UInt64? {
        let length = unsafe frame.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // The two greatest values are ZSTD_CONTENTSIZE_UNKNOWN and _ERROR; the macros do not reach Swift.
        return length >= .max - 1 ? nil : length
    }

    /// Whether the frame ends in a checksum of its content: bit 2 of the descriptor behind the magic number.
    static func hasChecksum(_ frame: [UInt8]) -> Bool {
        frame.count > 4 && frame[4] & 0b100 != 0
    }
}

/// Those that zstd knows.
var compressionLevels: ClosedRange<Int32> { ZSTD_minCLevel()...ZSTD_maxCLevel() }

/// zstd's state for compressing at a level, which the caller frees. Frames get content size, where it is known, and
/// checksum, so that a reader can allocate rightly and sees damage.
func compressionContext(level: Int32) throws(BatchError) -> OpaquePointer {
    let levels = compressionLevels
    guard levels.contains(level) else { throw .compressionLevel(allowed: levels, found: level) }
    guard let context = unsafe ZSTD_createCCtx() else { throw .outOfMemory }
    let settings = [
        (ZSTD_c_compressionLevel, level), (ZSTD_c_contentSizeFlag, 1), (ZSTD_c_checksumFlag, 1),
    ]
    for (parameter, value) in settings {
        let result = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
        precondition(ZSTD_isError(result) == 0)
    }
    return unsafe context
}

/// Throws zstd's word for an error code.
func checkCompression(_ code: Int) throws(BatchError) {
    guard ZSTD_isError(code) != 0 else { return }
    guard let name = unsafe ZSTD_getErrorName(code) else { throw .compression("error \(code)") }
    throw .compression(unsafe String(cString: name))
}
