public import WeirExporterKit
internal import WeirHTTPClient

/// What can be set on a sink of OTLP, beside what all exporters over HTTP share.
enum OtlpHttpSettings {
    static let compression = Setting(
        "compression", .choice(["gzip", "none"]), default: "gzip", "How requests are compressed.")
    static let requestBytes = Setting(
        "requestBytes", .bytes(65_536...1 << 30), default: "4MiB",
        "A request that would grow beyond this, before compression, is followed by another.")

    static let all = HTTPSettings.all + [compression, requestBytes]
}

extension OtlpHttpSink {
    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(
        name: "otlp-http", version: "1.0.0", settings: OtlpHttpSettings.all, needsColumns: true)

    /// The sink as hosts see it.
    public static let plugin = ExporterPlugin(OtlpHttpSink.self)
}
