public import WeirExporterKit
internal import WeirHTTPClient

/// What can be set on a sink of remote write, beside what all exporters over HTTP share.
enum RemoteWriteSettings {
    static let histograms = Setting(
        "histograms", .choice(["classic", "native"]), default: "classic",
        "What exponential distributions become: series of buckets, or native histograms, which not every server keeps.")
    static let classicBuckets = Setting(
        "classicBuckets", .integer(2...1000), default: "160",
        "How many buckets an exponential distribution may have as a classic histogram; neighbours merge.")
    static let requestBytes = Setting(
        "requestBytes", .bytes(65_536...1 << 30), default: "4MiB",
        "A request that would grow beyond this, before compression, is followed by another.")

    static let all = HTTPSettings.all + [histograms, classicBuckets, requestBytes]
}

extension RemoteWriteSink {
    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(
        name: "remote-write", version: "1.0.0", settings: RemoteWriteSettings.all, needsColumns: true)

    /// The sink as hosts see it.
    public static let plugin = ExporterPlugin(RemoteWriteSink.self)
}
