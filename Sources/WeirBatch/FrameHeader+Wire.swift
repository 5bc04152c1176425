private import CWeirBatch

/// The version of the batch message and of the header that this code writes, and the greatest that it reads.
let schemaVersion: UInt32 = 1

/// The skippable frame that carries a header: magic, length, "WEIR", version, message, CRC-32C of all that.
enum HeaderFrame {
    /// zstd keeps 0x184D2A50 to 0x184D2A5F for what is not its own. In bytes, ours reads `W*M\x18`.
    static let magic: UInt32 = 0x184D_2A57
    static let skippableMagics: ClosedRange<UInt32> = 0x184D_2A50...0x184D_2A5F
    /// What tells ours from another's frame with the same magic.
    static let signature: [UInt8] = Array("WEIR".utf8)
    /// Magic and length of any skippable frame.
    static let prefixLength = 8
    /// Prefix, signature, version.
    static let openingLength = prefixLength + 5
    static let checksumLength = 4
    /// What a header must have: the opening and the checksum around an empty message.
    static let minimumLength = openingLength + checksumLength
}

extension FrameHeader {
    /// The most gaps that a header carries. They fit into ``ReadLimits/headerLength`` whatever their numbers.
    package static let maximumGaps = 800

    /// The header as a whole zstd skippable frame, its CRC-32C last. The payload, if any, goes right behind.
    ///
    /// Past ``maximumGaps`` the oldest gaps become one that spans them, with their batches and rows added up and the
    /// oldest one's cause: a longer list would not be read.
    package func encoded() -> [UInt8] {
        var frame: [UInt8] = []
        let message = packedMessage()
        frame.reserveCapacity(HeaderFrame.minimumLength + message.count)
        frame.append(littleEndian: HeaderFrame.magic)
        let body = HeaderFrame.minimumLength - HeaderFrame.prefixLength + message.count
        frame.append(littleEndian: UInt32(body))
        frame += HeaderFrame.signature
        frame.append(UInt8(schemaVersion))
        frame += message
        frame.append(littleEndian: checksum(frame.span))
        return frame
    }

    private func packedMessage() -> [UInt8] {
        var message = unsafe Weir__V1__FrameHeader()
        unsafe weir__v1__frame_header__init(&message)
        unsafe message.stream_high = stream.high
        unsafe message.stream_low = stream.low
        unsafe message.previous_stream_high = previousStream?.high ?? 0
        unsafe message.previous_stream_low = previousStream?.low ?? 0
        unsafe message.first = first
        unsafe message.last = last
        unsafe message.part = part
        unsafe message.parts = parts
        unsafe message.start_time = startTime
        unsafe message.end_time = endTime
        unsafe message.rows = rows
        unsafe message.points = points
        unsafe message.payload_length = payloadLength
        unsafe message.raw_length = rawLength
        unsafe message.clock_step = clockStep

        let gaps = boundedGaps()
        var gapMessages = unsafe Scratch<Weir__V1__Gap>()
        var gapPointers = unsafe Scratch<UnsafeMutablePointer<Weir__V1__Gap>?>()
        unsafe gapMessages.begin(capacity: gaps.count)
        unsafe gapPointers.begin(capacity: gaps.count)
        for gap in gaps {
            unsafe gapPointers.append(gapMessages.end)
            unsafe gapMessages.append(gap.message)
        }
        unsafe message.n_gaps = gaps.count
        unsafe message.gaps = gapPointers.start
        let length = unsafe weir__v1__frame_header__get_packed_size(&message)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            count = unsafe weir__v1__frame_header__pack(&message, buffer.baseAddress)
        }
        unsafe withExtendedLifetime(gapMessages) {}
        unsafe withExtendedLifetime(gapPointers) {}
        return bytes
    }

    private func boundedGaps() -> [Gap] {
        guard gaps.count > Self.maximumGaps, var merged = gaps.first else { return gaps }
        let excess = gaps.count - Self.maximumGaps
        for gap in gaps[1...excess] {
            merged.last = max(merged.last, gap.last)
            merged.batches &+= gap.batches
            merged.rows &+= gap.rows
            merged.endTime = max(merged.endTime, gap.endTime)
        }
        return [merged] + gaps[(excess + 1)...]
    }

    /// Reads back what ``encoded()`` wrote; `frame` is the whole skippable frame.
    package init(decoding frame: [UInt8]) throws(BatchError) {
        let message = try Self.message(in: frame)
        let arena = UnpackArena(budget: ReadLimits().headerLength * 16)
        self = try unsafe arena.withAllocator { allocator -> Result<FrameHeader, BatchError> in
            let unpacked = unsafe frame[message].withUnsafeBufferPointer {
                unsafe weir__v1__frame_header__unpack(allocator, $0.count, $0.baseAddress)
            }
            guard let unpacked = unsafe unpacked else { return .failure(.malformed(message: "FrameHeader")) }
            return .success(unsafe FrameHeader(unpacked.pointee))
        }.get()
        try validate()
    }

    /// Where the message lies in a frame whose framing, version and checksum are right.
    private static func message(in frame: [UInt8]) throws(BatchError) -> Range<Int> {
        guard frame.count >= HeaderFrame.minimumLength else {
            throw .truncated(expected: UInt64(HeaderFrame.minimumLength), found: UInt64(frame.count))
        }
        let magic = frame.littleEndian(at: 0)
        guard magic == HeaderFrame.magic else { throw .headerMagic(expected: HeaderFrame.magic, found: magic) }
        let end = frame.count - HeaderFrame.checksumLength
        let found = frame.littleEndian(at: end)
        let expected = checksum(frame.span.extracting(..<end))
        guard found == expected else { throw .headerChecksum(expected: expected, found: found) }
        guard frame[HeaderFrame.prefixLength...].starts(with: HeaderFrame.signature) else { throw .unexpectedBytes }
        let length = UInt64(frame.littleEndian(at: 4)) + UInt64(HeaderFrame.prefixLength)
        guard length == frame.count else { throw .truncated(expected: length, found: UInt64(frame.count)) }
        let version = UInt32(frame[HeaderFrame.openingLength - 1])
        guard version <= schemaVersion else { throw .version(known: schemaVersion, found: version) }
        return HeaderFrame.openingLength..<end
    }

    private init(_ message: Weir__V1__FrameHeader) {
        self.init(
            stream: StreamID(high: unsafe message.stream_high, low: unsafe message.stream_low),
            first: unsafe message.first, last: unsafe message.last)
        let previous = StreamID(high: unsafe message.previous_stream_high, low: unsafe message.previous_stream_low)
        previousStream = previous.isZero ? nil : previous
        unsafe part = message.part
        unsafe parts = message.parts
        unsafe startTime = message.start_time
        unsafe endTime = message.end_time
        unsafe rows = message.rows
        unsafe points = message.points
        unsafe payloadLength = message.payload_length
        unsafe rawLength = message.raw_length
        unsafe clockStep = message.clock_step
        for position in 0..<(unsafe message.n_gaps) {
            if let gap = unsafe message.gaps[position] { gaps.append(unsafe Gap(gap.pointee)) }
        }
    }

    /// What holds in every header, so that nobody who uses one needs to look.
    private func validate() throws(BatchError) {
        if stream.isZero { throw .headerField("stream", found: 0) }
        if first > last { throw .headerField("first", found: first) }
        if part < 1 || part > parts { throw .headerField("part", found: UInt64(part)) }
        if (payloadLength == 0) != (rawLength == 0) { throw .headerField("raw_length", found: rawLength) }
        for gap in gaps where gap.first > gap.last { throw .headerField("gaps.first", found: gap.first) }
    }
}

extension StreamID {
    /// All zero names no stream.
    fileprivate var isZero: Bool { high == 0 && low == 0 }
}

extension Gap {
    fileprivate var message: Weir__V1__Gap {
        var message = unsafe Weir__V1__Gap()
        unsafe weir__v1__gap__init(&message)
        unsafe message.first = first
        unsafe message.last = last
        unsafe message.batches = batches
        unsafe message.rows = rows
        unsafe message.start_time = startTime
        unsafe message.end_time = endTime
        unsafe message.cause = .init(UInt32(cause.rawValue))
        return unsafe message
    }

    fileprivate init(_ message: Weir__V1__Gap) {
        self.init(
            first: unsafe message.first, last: unsafe message.last, batches: unsafe message.batches,
            rows: unsafe message.rows, startTime: unsafe message.start_time, endTime: unsafe message.end_time,
            cause: UInt8(exactly: unsafe message.cause.rawValue).flatMap(Cause.init) ?? .unknown)
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    /// The four bytes at a position that is there.
    func littleEndian(at position: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[position + $1]) << UInt32(8 * $1) }
    }
}
