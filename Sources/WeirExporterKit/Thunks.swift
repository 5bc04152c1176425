// The one file in which C calls become Swift calls. Pointers from C are read here, copied or lent, and go no further.
internal import CWeirPlugin

/// What a table's `context` leads to: how to make an exporter. Never freed.
final class ExporterMaker: Sendable {
    let settings: [Setting]
    let make: @Sendable (Settings, ExporterHost) throws(ExporterError) -> any Exporter

    init(
        settings: [Setting], make: @escaping @Sendable (Settings, ExporterHost) throws(ExporterError) -> any Exporter
    ) {
        self.settings = settings
        self.make = make
    }
}

/// What a handle leads to. Retained by `open`, released by `close`.
private final class ExporterBox: Sendable {
    let exporter: any Exporter
    let host: HostTable
    let gate: HostGate

    init(_ exporter: any Exporter, _ host: HostTable, _ gate: HostGate) {
        self.exporter = exporter
        self.host = host
        self.gate = gate
    }

    static func at(_ handle: UnsafeMutableRawPointer?) -> ExporterBox? {
        unsafe handle.map { unsafe Unmanaged<ExporterBox>.fromOpaque($0).takeUnretainedValue() }
    }
}

func openThunk(
    context: UnsafeMutableRawPointer?, host: UnsafePointer<weir_host>,
    settings: UnsafePointer<weir_setting>?, count: Int, opened: UnsafeMutablePointer<weir_opened>,
    result: UnsafeMutablePointer<weir_result>
) {
    guard let context = unsafe context else {
        return unsafe write(.fatal(message: "the host called open without the table's context"), to: result)
    }
    let maker = unsafe Unmanaged<ExporterMaker>.fromOpaque(context).takeUnretainedValue()
    var values = Settings()
    for index in 0..<count {
        guard let setting = unsafe settings.map({ unsafe $0[index] }) else { break }
        unsafe values.set(String(cString: setting.key), text: String(setting.text), number: setting.number)
    }
    for setting in maker.settings where !values.has(setting.key) {
        return unsafe write(.fatal(message: "the host passed no value for the setting \(setting.key)"), to: result)
    }
    let host = unsafe HostTable(host)
    let gate = HostGate(host)
    do throws(ExporterError) {
        let exporter = try maker.make(values, ExporterHost(gate))
        if let stream = exporter.previousStream {
            unsafe opened.pointee.has_previous_stream = 1
            unsafe opened.pointee.previous_stream = bytes(of: stream)
        }
        unsafe opened.pointee.handle = Unmanaged.passRetained(ExporterBox(exporter, host, gate)).toOpaque()
    } catch {
        gate.close()
        unsafe write(
            error.isTransient ? .retry(message: error.description) : .fatal(message: error.description), to: result)
    }
}

func deliverThunk(
    handle: UnsafeMutableRawPointer?, frame: UnsafePointer<weir_frame>, result: UnsafeMutablePointer<weir_result>
) {
    guard let box = unsafe ExporterBox.at(handle) else {
        return unsafe write(.fatal(message: "the host called deliver without a handle"), to: result)
    }
    guard let facts = unsafe FrameFacts(frame.pointee) else {
        return unsafe write(.rejected(message: "the host passed a frame whose numbers run backwards"), to: result)
    }
    let lent = unsafe DeliveryFrame(
        facts: facts, deadline: frame.pointee.deadline, header: .init(frame.pointee.header),
        payload: .init(frame.pointee.payload), host: box.host)
    unsafe write(box.exporter.deliver(lent), to: result)
}

func closeThunk(handle: UnsafeMutableRawPointer?) {
    guard let handle = unsafe handle else { return }
    let box = unsafe Unmanaged<ExporterBox>.fromOpaque(handle).takeRetainedValue()
    box.exporter.close()
    box.gate.close()
}

func stopThunk(handle: UnsafeMutableRawPointer?) {
    unsafe ExporterBox.at(handle)?.exporter.stop()
}

func countersThunk(
    handle: UnsafeMutableRawPointer?, counters: UnsafeMutablePointer<weir_counter>, capacity: Int
) -> Int {
    guard let box = unsafe ExporterBox.at(handle) else { return 0 }
    let values = box.exporter.counters
    for (index, counter) in values.prefix(capacity).enumerated() {
        // A static string's UTF-8 is part of the library, which is never unloaded, and ends with a zero byte.
        guard counter.name.hasPointerRepresentation, counter.unit.hasPointerRepresentation else { continue }
        unsafe counters[index] = unsafe weir_counter(
            name: UnsafeRawPointer(counter.name.utf8Start).assumingMemoryBound(to: CChar.self),
            unit: UnsafeRawPointer(counter.unit.utf8Start).assumingMemoryBound(to: CChar.self), value: counter.value)
    }
    return values.count
}

// MARK: - Values

private func write(_ value: DeliveryResult, to result: UnsafeMutablePointer<weir_result>) {
    var text = ""
    switch value {
    case .delivered:
        unsafe result.pointee.code = UInt32(WEIR_OK)
    case .retry(let pause, let limit, let isUncertain, let message):
        unsafe result.pointee.code = UInt32(WEIR_RETRY)
        unsafe result.pointee.flags = isUncertain ? WEIR_RESULT_UNCERTAIN : 0
        unsafe result.pointee.retry_after_nanoseconds = pause.map(nanoseconds) ?? 0
        unsafe result.pointee.attempt_limit = limit ?? 0
        text = message
    case .partial(let acceptedRows, let isOutOfOrder, let message):
        unsafe result.pointee.code = UInt32(WEIR_PARTIAL)
        unsafe result.pointee.flags = isOutOfOrder ? WEIR_RESULT_OUT_OF_ORDER : 0
        unsafe result.pointee.accepted_rows = acceptedRows
        text = message
    case .rejected(let isOutOfOrder, let message):
        unsafe result.pointee.code = UInt32(WEIR_REJECT)
        unsafe result.pointee.flags = isOutOfOrder ? WEIR_RESULT_OUT_OF_ORDER : 0
        text = message
    case .fatal(let message):
        unsafe result.pointee.code = UInt32(WEIR_FATAL)
        text = message
    }
    let room = unsafe UnsafeMutableRawBufferPointer(
        start: result.pointee.message, count: result.pointee.message_capacity)
    unsafe result.pointee.message_length = min(room.count, text.utf8.count)
    unsafe room.copyBytes(from: text.utf8.prefix(room.count))
}

/// Negative durations count as none, those beyond 500 years as 500 years.
private func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    return UInt64(min(seconds, 15_768_000_000)) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
}

private func bytes(of stream: StreamName) -> StreamBytes {
    var bytes: StreamBytes = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    unsafe withUnsafeMutableBytes(of: &bytes) { place in
        unsafe place.storeBytes(of: stream.high.bigEndian, as: UInt64.self)
        unsafe place.storeBytes(of: stream.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    return bytes
}

/// `uint8_t[16]` as Swift imports it.
private typealias StreamBytes = (
    UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
)

extension FrameFacts {
    init?(_ frame: weir_frame) {
        guard unsafe frame.first <= frame.last else { return nil }
        let stream = unsafe withUnsafeBytes(of: frame.stream) { bytes in
            unsafe StreamName(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
        unsafe self.init(
            stream: stream, numbers: frame.first...frame.last, part: frame.part, parts: frame.parts,
            startTime: frame.start_time, endTime: frame.end_time, rows: frame.rows, points: frame.points,
            headerLength: UInt64(frame.header.length), payloadLength: UInt64(frame.payload.length),
            rawLength: frame.raw_length, gaps: frame.gaps)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate init(_ span: weir_span) {
        unsafe self.init(start: span.bytes, count: span.bytes == nil ? 0 : span.length)
    }
}

extension String {
    init(_ text: weir_text) {
        let bytes = unsafe UnsafeRawBufferPointer(start: text.bytes, count: text.bytes == nil ? 0 : text.length)
        self = unsafe String(decoding: bytes, as: UTF8.self)
    }
}

extension ExporterHost {
    /// The host's table as Swift closures.
    fileprivate init(_ gate: HostGate) {
        self.init(
            log: { level, message in gate.with { $0.log(level.rawValue, message) } },
            wallNanoseconds: { gate.with { $0.wallNanoseconds() } ?? 0 },
            monotonicNanoseconds: { gate.with { $0.monotonicNanoseconds() } ?? 0 },
            readHeader: { bytes in gate.with { $0.readHeader(bytes) } ?? nil },
            demand: { batches in gate.with { $0.demand(batches) } }, collect: { gate.with { $0.collect() } })
    }
}
