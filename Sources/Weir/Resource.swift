internal import WeirBatch
internal import WeirRecording

#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// Who measures: attributes by OpenTelemetry's names that every batch carries.
enum Resource {
    /// The standard ones, replaced and extended by `custom`, ordered by key. What is too long is cut as a tag is, since
    /// every batch has it.
    static func attributes(_ custom: [String: String]) -> [Batch.Attribute] {
        let all = standard.merging(custom) { $1 }.map { (TagLimit.cut($0.key, to: longestKey), TagLimit.cut($0.value)) }
        let unique = Dictionary(all.sorted { $0 < $1 }) { first, _ in first }
        return unique.sorted { $0.key < $1.key }.map { Batch.Attribute(key: $0.key, value: $0.value) }
    }

    /// Bytes.
    private static let longestKey = 255

    private static var standard: [String: String] {
        [
            "host.name": hostName,
            "process.pid": "\(getpid())",
            "service.name": serviceName,
            "telemetry.sdk.language": "swift",
            "telemetry.sdk.name": "weir",
        ]
    }

    /// `OTEL_SERVICE_NAME`, or the specification's name for a service that was not named.
    private static var serviceName: String {
        if let name = unsafe getenv("OTEL_SERVICE_NAME"), unsafe name.pointee != 0 {
            return unsafe String(cString: name)
        }
        let program = CommandLine.arguments.first?.split(separator: "/").last
        return program.map { "unknown_service:\($0)" } ?? "unknown_service"
    }

    private static var hostName: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { bytes in
            guard let start = bytes.baseAddress, unsafe gethostname(start, 255) == 0 else { return "unknown" }
            unsafe bytes[255] = 0
            return unsafe String(cString: start)
        }
    }
}
