public import WeirExporterKit
internal import WeirHTTPClient

/// What can be set on a sink of S3, beside what exporters over HTTP share.
enum S3Settings {
    static let bucket = Setting(
        "bucket", .text(length: 1...255), default: nil, "The bucket that objects go to. It has to be there.")
    static let prefix = Setting(
        "prefix", .text(length: 0...512), default: "weir", "What keys begin with: folders, with slashes between them.")
    static let region = Setting(
        "region", .text(length: 0...64), default: "",
        "The bucket's region; empty for AWS_REGION's, or AWS_DEFAULT_REGION's, or us-east-1.")
    static let endpoint = Setting(
        "endpoint", .text(length: 0...4096), default: "",
        "Where the server is, http://host:port or https://; empty for Amazon's of the region.")
    static let addressing = Setting(
        "addressing", .choice(["auto", "path", "host"]), default: "auto",
        "Where the bucket's name stands: in the path, or before the host's name; auto is host at Amazon's, path elsewhere."
    )
    static let accessKeyID = Setting(
        "accessKeyID", .text(length: 0...256), default: "",
        "Whose key signs, with secretAccessKeyFile; empty for AWS_ACCESS_KEY_ID and its like.")
    static let secretAccessKeyFile = Setting(
        "secretAccessKeyFile", .text(length: 0...4096), default: "",
        "A file that holds the secret access key, read anew where it has changed.")
    static let credentialsFile = Setting(
        "credentialsFile", .text(length: 0...4096), default: "",
        "A file of keys as Amazon's tools write it, session tokens among them; read anew likewise.")
    static let profile = Setting(
        "profile", .text(length: 1...255), default: "default", "Which key of credentialsFile signs.")
    static let conditional = Setting(
        "conditional", .boolean, default: "true",
        "Whether an object that is there stays as it is; false for servers that do not know conditional writes.")
    static let checksum = Setting(
        "checksum", .choice(["crc32", "none"]), default: "crc32",
        "What the server is told to check an object against; none for servers that do not know checksums.")

    static let all =
        [
            bucket, prefix, region, endpoint, addressing, accessKeyID, secretAccessKeyFile, credentialsFile, profile,
            conditional,
            checksum,
        ] + [
            HTTPSettings.headers, HTTPSettings.headersFile, HTTPSettings.authorities, HTTPSettings.certificate,
            HTTPSettings.key, HTTPSettings.timeout,
        ]
}

extension S3Sink {
    /// What it is called and which settings it knows.
    public static let kind = ExporterKind(name: "s3", version: "1.0.0", settings: S3Settings.all)

    /// The sink as hosts see it.
    public static let plugin = ExporterPlugin(S3Sink.self)
}
