internal import CWeirPlugin
internal import Logging
internal import WeirBatch

/// The table of functions that this host gives to a plugin, and what its `context` leads to.
///
/// An exporter has one of its own, until it was closed: one that hangs past a shutdown may still call, and keeps it.
@safe
package final class HostTable: @unchecked Sendable {
    // Sendable: written by `init` alone.
    let pointer: UnsafePointer<weir_host>
    private let context: Unmanaged<HostContext>

    /// What the plugin is being delivered, for the time of the call.
    let columns: FrameColumns

    /// For entries, which run before there is a sink.
    package static let process: HostTable = {
        let log = PluginLog(logger: Logger(label: "weir.plugin"))
        return HostTable(log: { log.write($0, $1) })
    }()

    /// - Parameters:
    ///   - log: Takes a level of the C header's and a line. Called on any thread.
    ///   - demand: Takes how many batches more the plugin asks for. Called on any thread.
    ///   - collect: Takes that the plugin asks for a batch of now. Called on any thread.
    package init(
        log: @escaping @Sendable (UInt32, String) -> Void, time: TimeSource = .system,
        demand: @escaping @Sendable (UInt64) -> Void = { _ in }, collect: @escaping @Sendable () -> Void = {}
    ) {
        columns = FrameColumns(log: log)
        unsafe context = Unmanaged.passRetained(
            HostContext(log: log, time: time, demand: demand, collect: collect, columns: columns))
        let table = UnsafeMutablePointer<weir_host>.allocate(capacity: 1)
        unsafe table.initialize(
            to: weir_host(
                magic: WEIR_PLUGIN_MAGIC, abi_major: WEIR_PLUGIN_ABI_MAJOR, abi_minor: WEIR_PLUGIN_ABI_MINOR,
                size: UInt32(MemoryLayout<weir_host>.size), reserved: 0, features: PluginTable.features,
                context: context.toOpaque(),
                log: { context, level, message in unsafe HostContext.at(context)?.log(level, String(message)) },
                wall_nanoseconds: { context in unsafe HostContext.at(context)?.time.wall() ?? 0 },
                monotonic_nanoseconds: { context in unsafe HostContext.at(context)?.time.monotonic() ?? 0 },
                read_header: { _, bytes, frame in unsafe readHeader(bytes, into: frame) ? 1 : 0 },
                read_batch: { context, batch in
                    unsafe HostContext.at(context)?.columns.readBatch(into: batch) == true ? 1 : 0
                },
                read_view: { context, view, place in
                    unsafe HostContext.at(context)?.columns.readView(view, into: place) == true ? 1 : 0
                },
                read_row: { context, view, row, place in
                    unsafe HostContext.at(context)?.columns.readRow(row, of: view, into: place) == true ? 1 : 0
                },
                demand: { context, batches in unsafe HostContext.at(context)?.demand(batches) },
                collect: { context in unsafe HostContext.at(context)?.collect() }))
        unsafe pointer = UnsafePointer(table)
    }

    deinit {
        unsafe pointer.deallocate()
        unsafe context.release()
    }
}

private final class HostContext: Sendable {
    let log: @Sendable (UInt32, String) -> Void
    let time: TimeSource
    let demand: @Sendable (UInt64) -> Void
    let collect: @Sendable () -> Void
    let columns: FrameColumns

    init(
        log: @escaping @Sendable (UInt32, String) -> Void, time: TimeSource,
        demand: @escaping @Sendable (UInt64) -> Void, collect: @escaping @Sendable () -> Void, columns: FrameColumns
    ) {
        self.log = log
        self.time = time
        self.demand = demand
        self.collect = collect
        self.columns = columns
    }

    static func at(_ context: UnsafeMutableRawPointer?) -> HostContext? {
        unsafe context.map { unsafe Unmanaged<HostContext>.fromOpaque($0).takeUnretainedValue() }
    }
}

extension String {
    /// At most 4096 bytes of a plugin's line.
    fileprivate init(_ text: weir_text) {
        let bytes = unsafe UnsafeRawBufferPointer(
            start: text.bytes, count: text.bytes == nil ? 0 : Swift.min(text.length, 4096))
        self = unsafe String(decoding: bytes, as: UTF8.self)
    }
}

/// Copies a structure to a plugin, which may know an earlier and shorter one or a later and longer one: as much of it as
/// the place's own `size`, its first field, covers.
func lend<Structure>(_ structure: Structure, to place: UnsafeMutablePointer<Structure>) {
    let size = unsafe UnsafeRawPointer(place).load(as: UInt32.self)
    guard size >= MemoryLayout<UInt32>.size else { return }
    unsafe withUnsafeBytes(of: structure) { bytes in
        let rest = unsafe bytes[MemoryLayout<UInt32>.size..<min(Int(size), bytes.count)]
        unsafe (UnsafeMutableRawPointer(place) + MemoryLayout<UInt32>.size).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: rest).baseAddress!, byteCount: rest.count)
    }
}

/// `read_header` of the host's table.
private func readHeader(_ bytes: weir_span, into frame: UnsafeMutablePointer<weir_frame>) -> Bool {
    let available = unsafe bytes.length
    guard let start = unsafe bytes.bytes, available >= 8 else { return false }
    // A skippable frame says how long it is behind its magic number.
    let length = unsafe 8 + Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
    guard length <= available else { return false }
    let copy = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
    guard let header = try? FrameHeader(decoding: copy) else { return false }
    var facts = unsafe weir_frame(header)
    unsafe facts.header = weir_span(bytes: start, length: length)
    unsafe facts.payload = weir_span(bytes: nil, length: Int(clamping: header.payloadLength))
    unsafe lend(facts, to: frame)
    return true
}
