internal import CWeirPlugin
package import WeirBatch

/// An exporter in this process, behind its table: the host's side of the C interface.
@safe
package final class InProcessExporter: OpenExporter, @unchecked Sendable {
    // Sendable: immutable but for `message`, which only calls that do not overlap touch.

    package let previousStream: StreamID?

    private let table: PluginTable
    private let handle: UnsafeMutableRawPointer?
    /// The plugin may call it until it was closed.
    private let host: HostTable
    private var columns: FrameColumns { host.columns }
    private let message = MessageBuffer()

    package convenience init(_ table: PluginTable, sink: SinkContext) throws(ExportError) {
        let log = PluginLog(logger: sink.logger, time: sink.time)
        try self.init(
            table, sink: sink.name,
            settings: SettingKind.check(sink.settings, against: table.settings, sink: sink.name),
            host: HostTable(
                log: { log.write($0, $1) }, time: sink.time, demand: sink.demand, collect: sink.collect))
    }

    /// - Parameter settings: Checked against the table's.
    package init(
        _ table: PluginTable, sink: String, settings: [CheckedSetting], host: HostTable
    ) throws(ExportError) {
        var opened = unsafe weir_opened()
        unsafe opened.size = UInt32(MemoryLayout<weir_opened>.size)
        var result = unsafe message.emptyResult()
        unsafe withCSettings(settings) { settings in
            unsafe table.pointer.pointee.open(
                table.pointer.pointee.context, host.pointer, settings.baseAddress, settings.count, &opened, &result)
        }
        let delivery = unsafe message.delivery(result)
        guard delivery.outcome == .delivered else {
            var isTransient = false
            if case .retry = delivery.outcome { isTransient = true }
            throw .exporter(sink: sink, message: delivery.message, isTransient: isTransient)
        }
        self.table = table
        self.host = host
        unsafe handle = opened.handle
        previousStream = unsafe opened.has_previous_stream == 0 ? nil : StreamID(opened.previous_stream)
    }

    package var collectsOnRequest: Bool { table.collectsOnRequest }

    package func deliver(_ header: FrameHeader, payload: [UInt8], deadline: UInt64) -> Delivery {
        deliver(header, encoded: header.encoded(), payload: payload, deadline: deadline)
    }

    /// Delivers a frame whose header comes from outside.
    package func deliver(encoded header: [UInt8], payload: [UInt8], deadline: UInt64) -> Delivery {
        do throws(BatchError) {
            let facts = try FrameHeader(decoding: header)
            guard facts.payloadLength == payload.count else {
                throw .payloadLength(expected: facts.payloadLength, found: UInt64(payload.count))
            }
            return deliver(facts, encoded: header, payload: payload, deadline: deadline)
        } catch {
            return Delivery(.rejected, message: "\(error)")
        }
    }

    private func deliver(
        _ header: FrameHeader, encoded bytes: [UInt8], payload: [UInt8], deadline: UInt64
    ) -> Delivery {
        columns.begin(header, payload: payload)
        defer { columns.end() }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe payload.withUnsafeBytes { payload in
                var frame = unsafe weir_frame(header)
                unsafe frame.header = weir_span(bytes: bytes.baseAddress, length: bytes.count)
                unsafe frame.payload = weir_span(bytes: payload.baseAddress, length: payload.count)
                unsafe frame.deadline = deadline
                var result = unsafe message.emptyResult()
                unsafe table.pointer.pointee.deliver(handle, &frame, &result)
                return unsafe message.delivery(result)
            }
        }
    }

    package func stop() {
        unsafe table.pointer.pointee.stop?(handle)
    }

    package func close() {
        unsafe table.pointer.pointee.close(handle)
    }

    /// At most 32. One that the exporter leaves without a name is left out.
    package func counters() -> [ExporterCount] {
        guard let read = unsafe table.pointer.pointee.counters else { return [] }
        let capacity = 32
        return unsafe withUnsafeTemporaryAllocation(of: weir_counter.self, capacity: capacity) { places in
            unsafe UnsafeMutableRawBufferPointer(places).initializeMemory(as: UInt8.self, repeating: 0)
            guard let base = places.baseAddress else { return [] }
            let count = unsafe min(read(handle, base, capacity), capacity)
            return (0..<count).compactMap { index in
                // As raw words, since Swift trusts a pointer that the header calls non-null.
                let words = unsafe UnsafeRawPointer(base + index)
                guard unsafe words.load(as: UInt.self) != 0,
                    unsafe words.load(fromByteOffset: MemoryLayout<UInt>.size, as: UInt.self) != 0
                else { return nil }
                return unsafe ExporterCount(
                    name: String(cString: base[index].name), unit: String(cString: base[index].unit),
                    value: base[index].value)
            }
        }
    }
}

extension PluginTable: OpenableExporter {
    package func open(for sink: SinkContext) throws(ExportError) -> any OpenExporter {
        try InProcessExporter(self, sink: sink)
    }
}

/// Where a plugin writes what it has to say about a call.
@safe
private final class MessageBuffer {
    private let bytes = UnsafeMutablePointer<CChar>.allocate(capacity: 512)

    deinit {
        unsafe bytes.deallocate()
    }

    func emptyResult() -> weir_result {
        unsafe weir_result(
            size: UInt32(MemoryLayout<weir_result>.size), code: 0, flags: 0, attempt_limit: 0,
            retry_after_nanoseconds: 0, accepted_rows: 0, message: bytes, message_capacity: 512, message_length: 0)
    }

    /// Believes nothing: lengths are cut to the buffer, unknown codes become a limited retry.
    func delivery(_ result: weir_result) -> Delivery {
        let length = unsafe min(result.message_length, 512)
        let text = unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
        let (code, flags, limit) = unsafe (result.code, result.flags, result.attempt_limit)
        let (hint, acceptedRows) = unsafe (result.retry_after_nanoseconds, result.accepted_rows)
        let isUncertain = flags & WEIR_RESULT_UNCERTAIN != 0
        let outcome: Delivery.Outcome
        switch Int(code) {
        case WEIR_OK: outcome = .delivered
        case WEIR_RETRY: outcome = .retry(hint: hint == 0 ? nil : hint, attemptLimit: limit == 0 ? nil : limit)
        case WEIR_PARTIAL: outcome = .partial(acceptedRows: acceptedRows)
        case WEIR_REJECT: outcome = .rejected
        case WEIR_FATAL: outcome = .fatal
        default:
            return Delivery(
                .retry(hint: nil, attemptLimit: 10), isUncertain: isUncertain,
                message: "the exporter answered with the unknown code \(code): \(text)")
        }
        let isOutOfOrder = flags & WEIR_RESULT_OUT_OF_ORDER != 0
        return Delivery(outcome, isUncertain: isUncertain, isOutOfOrder: isOutOfOrder, message: text)
    }
}

/// Lends the settings as C structures.
private func withCSettings(
    _ settings: [CheckedSetting], _ body: (UnsafeBufferPointer<weir_setting>) -> Void
) {
    var bytes: [CChar] = []
    var places: [(key: Int, text: Int, length: Int)] = []
    for setting in settings {
        let key = bytes.count
        bytes += Array(setting.key.utf8CString)
        let text = bytes.count
        bytes += Array(setting.text.utf8CString)
        places.append((key, text, setting.text.utf8.count))
    }
    bytes.append(0)
    unsafe bytes.withUnsafeBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        var values: [weir_setting] = unsafe []
        for (setting, place) in zip(settings, places) {
            unsafe values.append(
                weir_setting(
                    key: base + place.key, text: weir_text(bytes: base + place.text, length: place.length),
                    number: setting.number))
        }
        unsafe values.withUnsafeBufferPointer { unsafe body($0) }
    }
}

// MARK: - Headers

extension weir_frame {
    /// The facts of a header. Its own bytes and the payload's are the caller's to add.
    init(_ header: FrameHeader) {
        unsafe self.init(
            size: UInt32(MemoryLayout<weir_frame>.size), flags: header.isEndMark ? WEIR_FRAME_END_MARK : 0,
            header: weir_span(), payload: weir_span(), deadline: .max, stream: header.stream.bytes,
            first: header.first, last: header.last, part: header.part, parts: header.parts,
            start_time: header.startTime, end_time: header.endTime, rows: header.rows, points: header.points,
            raw_length: header.rawLength, gaps: UInt64(header.gaps.count))
    }
}

/// `uint8_t[16]` as Swift imports it.
private typealias StreamBytes = (
    UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
)

extension StreamID {
    fileprivate init(_ bytes: StreamBytes) {
        self = unsafe withUnsafeBytes(of: bytes) { bytes in
            unsafe StreamID(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    /// The most significant byte first.
    fileprivate var bytes: StreamBytes {
        var bytes: StreamBytes = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &bytes) { place in
            unsafe place.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe place.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return bytes
    }
}
