/// Reads any concatenation of batch frames, also one that is still growing, and survives what is wrong with it.
///
/// Headers are read, payloads passed over: by a seek where the source can, otherwise by reading through. A source that
/// passes by is held in memory from the present header on, at most a header and a payload. Thread-confined, and so are
/// the frames it returns.
///
/// Damage is an item, not an error: `next` throws only where the source cannot be read, or begins as other formats do
/// that everybody knows. After damage, reading goes on at
/// the next header whose checksum holds, be it within what an earlier header took for its payload.
package final class BatchReader {
    /// Where the next item begins: what lies before was returned.
    package private(set) var offset: UInt64 = 0

    /// What was just passed over, until what follows shows that it ends where it says.
    private var unproven: Passed?

    private let access: BatchAccess
    private let limits: ReadLimits
    private var source: any ByteSource { access.source }

    package init(_ source: any ByteSource, limits: ReadLimits = ReadLimits()) throws(BatchError) {
        access = try BatchAccess(source: source, limits: limits)
        self.limits = limits
    }

    package convenience init(path: String, limits: ReadLimits = ReadLimits()) throws(BatchError) {
        try self.init(DescriptorSource(path: path), limits: limits)
    }

    /// The next item; nil where the source ends between two, and it may be asked again when there is more.
    ///
    /// - Parameter following: whether somebody still writes. A frame that is cut off at the end is then no item yet; if
    ///   not, it is damage.
    package func next(following: Bool = false) throws(BatchError) -> Item? {
        while true {
            source.forget(before: unproven?.body ?? offset)
            let step = try examine(following: following)
            offset = step.end
            if let item = step.item { return item }
            if step.isLast { return nil }
        }
    }

    /// What was found at ``offset``, and where to go on.
    private struct Step {
        var item: Item?
        var end: UInt64
        /// Whether nothing more can be had now.
        var isLast = false
    }

    /// A payload, or somebody else's frame.
    private struct Passed {
        let start: UInt64
        let body: UInt64
        let isForeign: Bool
    }

    // MARK: - What begins here

    private func examine(following: Bool) throws(BatchError) -> Step {
        let opening = try source.read(at: offset, atLeast: HeaderFrame.prefixLength, upTo: 4096)
        if opening.isEmpty { return Step(end: offset, isLast: true) }
        let kind = FrameKind(opening)
        let hasFailed = unproven != nil && unproven?.body == access.failedPayload
        if kind == .none || kind == .zstd || hasFailed, let step = try goBack() { return step }
        if kind != .incomplete {
            unproven = nil
            source.forget(before: offset)
        }
        switch kind {
        case .skippable(let magic, let length): return try examineSkippable(magic, length, opening, following)
        case .zstd: return try examineHeadless(following: following)
        case .incomplete: return try cutOff(expected: HeaderFrame.prefixLength, found: opening.count, following)
        case .none:
            if offset == 0, let name = OtherFormat.name(of: opening) { throw .otherFormat(name: name) }
            return try damage(.unexpectedBytes, following: following)
        }
    }

    private func examineSkippable(
        _ magic: UInt32, _ length: UInt64, _ opening: [UInt8], _ following: Bool
    ) throws(BatchError) -> Step {
        let end = offset + length
        var opening = opening
        let wanted = Int(min(length, UInt64(HeaderFrame.openingLength)))
        if opening.count < wanted { opening = try source.read(at: offset, atLeast: wanted, upTo: wanted) }
        guard opening.count >= wanted else { return try cutOff(expected: wanted, found: opening.count, following) }

        let isOurs = opening.dropFirst(HeaderFrame.prefixLength).starts(with: HeaderFrame.signature)
        guard isOurs else {
            if magic == HeaderFrame.magic, length > UInt64(limits.payloadLength) {
                return try damage(.unexpectedBytes, following: following)
            }
            return try passOver(to: end, following)
        }
        guard length <= UInt64(limits.headerLength) else {
            let reason = BatchError.tooLong(.header, limit: UInt64(limits.headerLength), found: length)
            return try damage(reason, following: following)
        }
        let whole = Int(length)
        let frame =
            opening.count >= whole
            ? Array(opening[..<whole]) : try source.read(at: offset, atLeast: whole, upTo: whole)
        guard frame.count == whole else { return try cutOff(expected: whole, found: frame.count, following) }
        do {
            return try examinePayload(of: FrameHeader(decoding: frame), at: end, following: following)
        } catch let error where error.isAboutHeader {
            return try damage(error, resumingAt: end, following: following)
        }
    }

    /// Somebody else's skippable frame, of up to 4 GiB. Of a source that passes by it is kept where it is no longer than
    /// a payload may be.
    private func passOver(to end: UInt64, _ following: Bool) throws(BatchError) -> Step {
        let expected = Int(end - offset)
        if let available = try source.length() {
            guard end <= available else {
                return try cutOff(expected: expected, found: Int(available - offset), following)
            }
            unproven = Passed(start: offset, body: offset + 1, isForeign: true)
            return Step(end: end)
        }
        if expected <= limits.payloadLength {
            let frame = try source.read(at: offset, atLeast: expected, upTo: expected)
            guard frame.count == expected else { return try cutOff(expected: expected, found: frame.count, following) }
            unproven = Passed(start: offset, body: offset + 1, isForeign: true)
            return Step(end: end)
        }
        var position = offset
        while position < end {
            source.forget(before: position)
            let bytes = try source.read(at: position, atLeast: 1, upTo: Int(min(end - position, 64 << 10)))
            guard !bytes.isEmpty else {
                let reason = BatchError.truncated(expected: UInt64(expected), found: position - offset)
                return try damage(reason, scanningFrom: position, following: following)
            }
            position += UInt64(bytes.count)
        }
        return Step(end: end)
    }

    private func examinePayload(
        of header: FrameHeader, at start: UInt64, following: Bool
    ) throws(BatchError) -> Step {
        if header.isEndMark {
            return Step(item: .endMark(EndMark(offset: offset, length: start - offset, header: header)), end: start)
        }
        if let reason = excess(of: header) {
            return try damage(reason, lost: header, scanningFrom: start, following: following)
        }
        let length = Int(header.payloadLength)
        let end = start + header.payloadLength
        if let available = try source.length() {
            guard end <= available else {
                if following { return Step(end: offset, isLast: true) }
                let found = available - min(start, available)
                return try damage(
                    .truncated(expected: header.payloadLength, found: found), lost: header, scanningFrom: start,
                    following: following)
            }
            return frame(header, StoredPayload(access: access, offset: start, length: length), end)
        }
        let payload = try source.read(at: start, atLeast: length, upTo: length)
        guard payload.count == length else {
            if following { return Step(end: offset, isLast: true) }
            let reason = BatchError.truncated(expected: header.payloadLength, found: UInt64(payload.count))
            return try damage(reason, lost: header, scanningFrom: start, following: following)
        }
        return frame(header, StoredPayload(access: access, offset: start, length: length, bytes: payload), end)
    }

    private func examineHeadless(following: Bool) throws(BatchError) -> Step {
        var count = min(64 << 10, limits.payloadLength)
        while true {
            let bytes = try source.read(at: offset, atLeast: count, upTo: count)
            let extent: ZstdFrame.Extent
            do { extent = try ZstdFrame.extent(of: bytes) } catch {
                return try damage(error, following: following)
            }
            if case .whole(let length) = extent {
                let payload = StoredPayload(
                    access: access, offset: offset, length: length, bytes: Array(bytes[..<length]))
                let frame = HeadlessFrame(offset: offset, length: UInt64(length), payload: payload)
                return Step(item: .headless(frame), end: offset + UInt64(length))
            }
            guard bytes.count == count else {
                return try cutOff(expected: bytes.count + 1, found: bytes.count, following)
            }
            guard count < limits.payloadLength else {
                let limit = UInt64(limits.payloadLength)
                return try damage(.tooLong(.payload, limit: limit, found: limit + 1), following: following)
            }
            count = min(2 * count, limits.payloadLength)
        }
    }

    private func frame(_ header: FrameHeader, _ payload: StoredPayload, _ end: UInt64) -> Step {
        unproven = Passed(start: offset, body: payload.offset, isForeign: false)
        return Step(
            item: .frame(Frame(offset: offset, header: header, length: end - offset, payload: payload)), end: end)
    }

    /// Why a header's payload is not worth reading.
    private func excess(of header: FrameHeader) -> BatchError? {
        let payload = UInt64(limits.payloadLength)
        if header.payloadLength > payload { return .tooLong(.payload, limit: payload, found: header.payloadLength) }
        let raw = UInt64(limits.rawLength)
        if header.rawLength > raw { return .tooLong(.raw, limit: raw, found: header.rawLength) }
        return nil
    }

    // MARK: - After damage

    /// Goes back to where a header begins within what was just passed over, if one does.
    ///
    /// Where no header follows a payload or it could not be decoded, it may have been cut off and another file put
    /// behind it, whose first frames lie where the rest of the payload should. Its own frame fails to decode, which
    /// reports the damage. Likewise what seems to be somebody else's frame may be the rest of a header.
    private func goBack() throws(BatchError) -> Step? {
        guard let passed = unproven else { return nil }
        unproven = nil
        let scan = HeaderScan(source: source, limits: limits)
        let found = try scan.first(from: passed.body, before: offset, following: false)
        guard found < offset else { return nil }
        let start = passed.start
        let damage = Damage(offset: start, length: found - start, reason: .unexpectedBytes, lost: nil)
        return Step(item: passed.isForeign ? .damage(damage) : nil, end: found)
    }

    /// A frame that the source ends within.
    private func cutOff(expected: Int, found: Int, _ following: Bool) throws(BatchError) -> Step {
        if following { return Step(end: offset, isLast: true) }
        return try damage(.truncated(expected: UInt64(expected), found: UInt64(found)), following: following)
    }

    /// Damage from ``offset`` to where something can be read again: the first header after `scanningFrom`, or
    /// `resumingAt`, if a frame begins there and no header before it.
    private func damage(
        _ reason: BatchError, lost: FrameHeader? = nil, resumingAt candidate: UInt64? = nil,
        scanningFrom start: UInt64? = nil, following: Bool
    ) throws(BatchError) -> Step {
        let scan = HeaderScan(source: source, limits: limits)
        var end = start ?? offset + 1
        var isFound = false
        if let candidate {
            end = try scan.first(from: end, before: candidate, following: false)
            isFound = if end < candidate { true } else { try isFrameOrEnd(at: candidate) }
        }
        if !isFound { end = try scan.first(from: end, following: following) }
        return Step(item: .damage(Damage(offset: offset, length: end - offset, reason: reason, lost: lost)), end: end)
    }

    /// Whether what is at hand at an offset may become a frame. At the source's end it may.
    private func isFrameOrEnd(at offset: UInt64) throws(BatchError) -> Bool {
        if let length = try source.length(), offset > length { return false }
        let bytes = try source.read(at: offset, atLeast: 4, upTo: HeaderFrame.prefixLength)
        return bytes.isEmpty || FrameKind(bytes) != .none
    }
}

extension BatchError {
    /// Whether ``FrameHeader/init(decoding:)`` throws it.
    fileprivate var isAboutHeader: Bool {
        switch self {
        case .headerMagic, .headerChecksum, .headerField, .version, .malformed, .truncated, .unexpectedBytes: true
        default: false
        }
    }
}
