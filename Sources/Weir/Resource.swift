internal import Synchronization
internal import WeirBatch
internal import WeirExporterKit
internal import WeirRecording
private import WeirSystem

/// Who measures: attributes by OpenTelemetry's names that every batch carries.
///
/// Where several say one, the code or the configuration comes first, then `OTEL_SERVICE_NAME`, then
/// `OTEL_RESOURCE_ATTRIBUTES`, then what is known of the process.
struct Resource {
    /// Ordered by key. What is too long is cut as a tag is, since every batch has it.
    let attributes: [Batch.Attribute]
    /// What is wrong with the environment, for the log.
    let problem: String?

    /// - Parameters:
    ///   - custom: Of the code or the configuration.
    ///   - environment: The value of a variable; `nil` where it is not set.
    init(_ custom: [String: String], environment: (String) -> String? = Self.variable) {
        var all = Self.process
        let (given, problem) = Self.attributes(of: environment("OTEL_RESOURCE_ATTRIBUTES") ?? "")
        all.merge(given) { $1 }
        if let name = environment("OTEL_SERVICE_NAME"), !name.isEmpty { all["service.name"] = name }
        all.merge(custom) { $1 }
        let cut = all.map { (TagLimit.cut($0.key, to: Self.longestKey), TagLimit.cut($0.value)) }
        let unique = Dictionary(cut.sorted { $0 < $1 }) { first, _ in first }
        attributes = unique.sorted { $0.key < $1.key }.map { Batch.Attribute(key: $0.key, value: $0.value) }
        self.problem = problem
    }

    /// Bytes.
    private static let longestKey = 255

    private static var process: [String: String] {
        [
            "host.name": hostName,
            "process.executable.name": executableName,
            "process.pid": "\(getpid())",
            "service.instance.id": ServiceInstance.id,
            "service.name": "unknown_service:\(executableName)",
            "telemetry.sdk.language": "swift",
            "telemetry.sdk.name": "weir",
        ]
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// `key=value` with commas between, in which what is no letter may be written as `%2C`: W3C Baggage without properties. Where
    /// one of them is wrong, none holds, as OpenTelemetry has it.
    private static func attributes(of text: String) -> (attributes: [String: String], problem: String?) {
        var attributes: [String: String] = [:]
        for pair in text.split(separator: ",") where !pair.allSatisfy(\.isWhitespace) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let key = String(percentDecoding: parts[0].trimmed), !key.isEmpty,
                let value = String(percentDecoding: parts[1].trimmed)
            else {
                let shown = TagLimit.cut(String(pair), to: 64)
                return (
                    [:], "OTEL_RESOURCE_ATTRIBUTES is left out: expected key=value with %XX escapes, found '\(shown)'"
                )
            }
            attributes[key] = value
        }
        return (attributes, nil)
    }

    private static var executableName: String {
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "unknown"
    }

    private static var hostName: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { bytes in
            guard let start = bytes.baseAddress, unsafe gethostname(start, 255) == 0 else { return "unknown" }
            unsafe bytes[255] = 0
            return unsafe String(cString: start)
        }
    }
}

/// Tells processes of one service apart, on one host as on many: without it two of them would write one series.
enum ServiceInstance {
    private static let known = Mutex<(generation: UInt64, id: String)?>(nil)

    /// Random (a UUID of version 4), and the same as long as the process lives. A fork's child is another process.
    static var id: String {
        known.withLock { known in
            let generation = ForkedChild.generation
            if let known, known.generation == generation { return known.id }
            let fresh = make()
            known = (generation, fresh)
            return fresh
        }
    }

    private static func make() -> String {
        var random = SystemRandomNumberGenerator()
        let (high, low) = (random.next(), random.next())
        // The version, and the variant of RFC 9562.
        let marked = (high & ~0xF000 | 0x4000, low & ~(0xC0 << 56) | 0x80 << 56)
        func hex(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        let digits = Array(hex(marked.0) + hex(marked.1))
        let ends = [8, 12, 16, 20, 32]
        return zip([0] + ends, ends).map { String(digits[$0..<$1]) }.joined(separator: "-")
    }
}
