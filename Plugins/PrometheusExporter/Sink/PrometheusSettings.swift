public import WeirExporterKit

/// What can be set on a sink that Prometheus scrapes.
struct PrometheusSettings {
    var listen: String
    var path: String
    /// How long a scrape waits for its collection. Nanoseconds.
    var wait: Int64
    /// How long a client may take to send a request, and to take its answer. Nanoseconds.
    var clientTimeout: Int64
    var maximumConnections: Int
    var isCreatedShown: Bool
    var exponentialBuckets: Int
    var tokenFile: String
    var passwordFile: String

    init(_ settings: Settings) {
        listen = settings.text(Self.listen)
        path = settings.text(Self.path)
        wait = settings.number(Self.wait)
        clientTimeout = settings.number(Self.clientTimeout)
        maximumConnections = Int(settings.number(Self.maximumConnections))
        isCreatedShown = settings.number(Self.created) != 0
        exponentialBuckets = Int(settings.number(Self.exponentialBuckets))
        tokenFile = settings.text(Self.tokenFile)
        passwordFile = settings.text(Self.passwordFile)
    }

    static let listen = Setting(
        "listen", .text(length: 2...300), default: "127.0.0.1:9464",
        "Where to serve: an address and a port, `0.0.0.0:9464` or `[::]:9464` for all.")
    static let path = Setting("path", .text(length: 2...200), default: "/metrics", "The path that is scraped.")
    static let wait = Setting(
        "wait", .duration(0...60_000_000_000), default: "2s",
        "How long a scrape waits for a collection of its own; after that it gets the last one there was.")
    static let clientTimeout = Setting(
        "clientTimeout", .duration(100_000_000...600_000_000_000), default: "10s",
        "How long a client may take to send a request, and again to take the answer.")
    static let maximumConnections = Setting(
        "maximumConnections", .integer(1...10_000), default: "64", "Further connections are closed at once.")
    static let created = Setting(
        "created", .boolean, default: "true",
        "Whether OpenMetrics has a `_created` sample for each counter and distribution: when it began.")
    static let exponentialBuckets = Setting(
        "exponentialBuckets", .integer(2...640), default: "40",
        "The most buckets that an exponential distribution is shown with; neighbours are merged to get there.")
    static let tokenFile = Setting(
        "tokenFile", .text(length: 0...4096), default: "",
        "A file with the bearer token that clients must send; empty for none. Read again for each request.")
    static let passwordFile = Setting(
        "passwordFile", .text(length: 0...4096), default: "",
        "A file with the `user:password` that clients must send; empty for none. Read again for each request.")

    static let all = [
        listen, path, wait, clientTimeout, maximumConnections, created, exponentialBuckets, tokenFile, passwordFile,
    ]
}

extension PrometheusSink {
    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(
        name: "prometheus", version: "1.0.0", settings: PrometheusSettings.all, needsColumns: true,
        collectsOnRequest: true)

    /// The sink as hosts see it.
    public static let plugin = ExporterPlugin(PrometheusSink.self)
}
