/// What the first bytes of a frame say it is.
enum FrameKind: Equatable {
    /// Length with the prefix.
    case skippable(magic: UInt32, length: UInt64)
    case zstd
    /// Fewer bytes than needed to know, and so far they fit.
    case incomplete
    case none

    init(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else {
            self = Self.openings.contains { $0.starts(with: bytes) } ? .incomplete : .none
            return
        }
        let magic = bytes.littleEndian(at: 0)
        if magic == ZstdFrame.magic {
            self = .zstd
        } else if !HeaderFrame.skippableMagics.contains(magic) {
            self = .none
        } else if bytes.count < HeaderFrame.prefixLength {
            self = .incomplete
        } else {
            let length = UInt64(bytes.littleEndian(at: 4)) + UInt64(HeaderFrame.prefixLength)
            self = .skippable(magic: magic, length: length)
        }
    }

    /// The magic numbers of all frames, as bytes.
    private static let openings: [[UInt8]] = ([ZstdFrame.magic] + HeaderFrame.skippableMagics).map { magic in
        (0..<4).map { UInt8(truncatingIfNeeded: magic >> UInt32(8 * $0)) }
    }
}

/// Looks through damaged bytes for the next header whose checksum holds.
///
/// Only headers: the four bytes that begin a zstd frame also occur by chance. Reads the source in chunks; a candidate
/// costs one read of at most a header's length.
struct HeaderScan {
    let source: any ByteSource
    let limits: ReadLimits

    private static let chunkLength = 64 << 10

    /// Where the first header at or after `start` begins; where there is none, the source's end. While somebody writes,
    /// bytes at the end that may become a header are left for the next time. A search `before` a limit returns
    /// that where it finds none, and forgets nothing.
    func first(from start: UInt64, before limit: UInt64 = .max, following: Bool) throws(BatchError) -> UInt64 {
        var position = start
        while position < limit {
            if limit == .max { source.forget(before: position) }
            let bytes = try source.read(at: position, atLeast: HeaderFrame.openingLength, upTo: Self.chunkLength)
            if bytes.isEmpty { return position }
            var next = 0
            while let found = candidate(in: bytes, from: next) {
                let start = position + UInt64(found)
                if start >= limit { return limit }
                if try isHeader(at: start, following: following) { return start }
                next = found + 1
            }
            // A header may begin in the last bytes; whether it does shows when there are more.
            let open = min(bytes.count, HeaderFrame.openingLength - 1)
            let more = bytes.count > open ? bytes.count - open : 0
            if more == 0 {
                return min(limit, position + UInt64(following ? opening(in: bytes) : bytes.count))
            }
            position += UInt64(more)
        }
        return limit
    }

    /// The next place where magic and signature stand as in a header.
    private func candidate(in bytes: [UInt8], from start: Int) -> Int? {
        let magic = UInt8(truncatingIfNeeded: HeaderFrame.magic)
        var position = start
        while position + HeaderFrame.openingLength <= bytes.count {
            if bytes[position] == magic, bytes.littleEndian(at: position) == HeaderFrame.magic,
                bytes[(position + HeaderFrame.prefixLength)...].starts(with: HeaderFrame.signature)
            {
                return position
            }
            position += 1
        }
        return nil
    }

    /// Where, in the last bytes of a source, a header may have begun.
    private func opening(in bytes: [UInt8]) -> Int {
        bytes.indices.first { start in
            let rest = Array(bytes[start...])
            switch FrameKind(rest) {
            case .incomplete: return true
            case .skippable(let magic, _):
                let signature = rest.dropFirst(HeaderFrame.prefixLength)
                return magic == HeaderFrame.magic && HeaderFrame.signature.starts(with: signature.prefix(4))
            case .zstd, .none: return false
            }
        } ?? bytes.count
    }

    /// Whether a candidate is a header. One that the source cuts off is, while somebody still writes.
    private func isHeader(at offset: UInt64, following: Bool) throws(BatchError) -> Bool {
        let prefix = try source.read(at: offset, atLeast: HeaderFrame.prefixLength, upTo: HeaderFrame.prefixLength)
        guard case .skippable(_, let length) = FrameKind(prefix), length <= UInt64(limits.headerLength) else {
            return false
        }
        let frame = try source.read(at: offset, atLeast: Int(length), upTo: Int(length))
        guard frame.count == length else { return following }
        do {
            _ = try FrameHeader(decoding: frame)
            return true
        } catch {
            return false
        }
    }
}
