internal import CWeirPlugin
internal import Logging
private import Synchronization
private import WeirBatch

/// The table of functions that this host gives to a plugin, and what its `context` leads to.
///
/// Never freed: a plugin that hangs past a shutdown may still call. There is one for each sink ever opened.
@safe
final class HostTable: @unchecked Sendable {
    // Sendable: written by `init` alone.
    let pointer: UnsafePointer<weir_host>

    /// For entries, which run before there is a sink.
    static let process = HostTable(logger: Logger(label: "weir.plugin"), time: .system)

    init(logger: Logger, time: TimeSource) {
        let context = unsafe Unmanaged.passRetained(HostContext(logger: logger, time: time))
        let table = UnsafeMutablePointer<weir_host>.allocate(capacity: 1)
        unsafe table.initialize(
            to: weir_host(
                magic: WEIR_PLUGIN_MAGIC, abi_major: WEIR_PLUGIN_ABI_MAJOR, abi_minor: WEIR_PLUGIN_ABI_MINOR,
                size: UInt32(MemoryLayout<weir_host>.size), reserved: 0, features: PluginTable.features,
                context: context.toOpaque(),
                log: { context, level, message in unsafe HostContext.at(context)?.log(level, message) },
                wall_nanoseconds: { context in unsafe HostContext.at(context)?.time.wall() ?? 0 },
                monotonic_nanoseconds: { context in unsafe HostContext.at(context)?.time.monotonic() ?? 0 },
                read_header: { _, bytes, frame in unsafe readHeader(bytes, into: frame) ? 1 : 0 }))
        unsafe pointer = UnsafePointer(table)
    }
}

private final class HostContext: Sendable {
    let logger: Logger
    let time: TimeSource
    private let lines = Mutex(LineBudget())

    init(logger: Logger, time: TimeSource) {
        self.logger = logger
        self.time = time
    }

    static func at(_ context: UnsafeMutableRawPointer?) -> HostContext? {
        unsafe context.map { unsafe Unmanaged<HostContext>.fromOpaque($0).takeUnretainedValue() }
    }

    func log(_ level: UInt32, _ message: weir_text) {
        let now = time.monotonic()
        guard let skipped = lines.withLock({ $0.admit(now: now) }) else { return }
        let bytes = unsafe UnsafeRawBufferPointer(
            start: message.bytes, count: message.bytes == nil ? 0 : min(message.length, 4096))
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        let level: Logger.Level =
            switch Int(level) {
            case WEIR_LOG_DEBUG: .debug
            case WEIR_LOG_INFO: .info
            case WEIR_LOG_WARNING: .warning
            default: .error
            }
        logger.log(level: level, skipped == 0 ? "\(text)" : "\(text) (\(skipped) lines before this were dropped)")
    }
}

/// A plugin that logs in a loop must not fill the application's log: 20 lines in 10 seconds.
private struct LineBudget {
    private var windowStart: UInt64 = 0
    private var lines = 0
    private var skipped = 0

    /// How many lines were dropped since the last that was not; nil where this one is to be dropped.
    mutating func admit(now: UInt64) -> Int? {
        if now &- windowStart >= 10_000_000_000 {
            windowStart = now
            lines = 0
        }
        lines += 1
        guard lines <= 20 else {
            skipped += 1
            return nil
        }
        defer { skipped = 0 }
        return skipped
    }
}
