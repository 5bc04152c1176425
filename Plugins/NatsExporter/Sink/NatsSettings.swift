package import WeirExporterKit

/// What can be set on a sink of JetStream.
package struct NatsSettings: Equatable, Sendable {
    package var servers: [NatsServer]
    package var subject: String
    /// Of JetStream, which keeps what is published to the subject.
    package var stream: StreamSettings
    package var createsStream: Bool
    package var login: Login
    package var tls: TLS
    /// Nanoseconds, as ``publishTimeout``.
    package var connectTimeout: UInt64
    package var publishTimeout: UInt64

    /// What a stream is made with.
    package struct StreamSettings: Equatable, Sendable {
        package var name: String
        package var replicas: Int64
        package var isInMemory: Bool
        package var maximumBytes: Int64
        /// Nanoseconds; 0 for no bound.
        package var maximumAge: Int64
        /// Nanoseconds. How long the server knows what it has, and does not take it twice.
        package var duplicateWindow: Int64
    }

    /// Who we are. Files are read anew for each connection; an empty text is none.
    package struct Login: Equatable, Sendable {
        package var credentialsFile: String
        package var user: String
        package var passwordFile: String
        package var tokenFile: String
        package var nkey: String
        package var nkeySeedFile: String
    }

    /// Files in PEM; an empty text is none.
    package struct TLS: Equatable, Sendable {
        package var isOn: Bool
        package var caFile: String
        package var certificateFile: String
        package var keyFile: String
    }

    package init(_ settings: Settings) throws(NatsError) {
        servers = try NatsServer.list(settings.text(Self.servers))
        subject = settings.text(Self.subject)
        let maximumAge = settings.number(Self.maxAge)
        let window = settings.number(Self.duplicateWindow)
        stream = StreamSettings(
            name: settings.text(Self.stream), replicas: settings.number(Self.replicas),
            isInMemory: settings.number(Self.storage) == 1, maximumBytes: settings.number(Self.maxBytes),
            // The server wants no window that is longer than what it keeps.
            maximumAge: maximumAge, duplicateWindow: maximumAge == 0 ? window : min(window, maximumAge))
        createsStream = settings.number(Self.createStream) == 1
        login = Login(
            credentialsFile: settings.text(Self.credentialsFile), user: settings.text(Self.user),
            passwordFile: settings.text(Self.passwordFile), tokenFile: settings.text(Self.tokenFile),
            nkey: settings.text(Self.nkey), nkeySeedFile: settings.text(Self.nkeySeedFile))
        tls = TLS(
            isOn: settings.number(Self.tls) == 1, caFile: settings.text(Self.caFile),
            certificateFile: settings.text(Self.certificateFile), keyFile: settings.text(Self.keyFile))
        connectTimeout = UInt64(settings.number(Self.connectTimeout))
        publishTimeout = UInt64(settings.number(Self.publishTimeout))
        try check()
    }

    private func check() throws(NatsError) {
        let tokens = subject.split(separator: ".", omittingEmptySubsequences: false)
        guard tokens.allSatisfy({ !$0.isEmpty && $0 != "*" && $0 != ">" }), Self.isPrintable(subject) else {
            throw .setting("subject: wanted words with dots between them, as weir.batches, found \(subject)")
        }
        guard Self.isPrintable(stream.name), !stream.name.contains(where: { ".*>/\\".contains($0) }) else {
            throw .setting("stream: wanted a name without spaces, dots, slashes, * and >, found \(stream.name)")
        }
        let pairs = [
            ("user", login.user, "passwordFile", login.passwordFile),
            ("nkey", login.nkey, "nkeySeedFile", login.nkeySeedFile),
            ("certificateFile", tls.certificateFile, "keyFile", tls.keyFile),
        ]
        for (left, leftText, right, rightText) in pairs where leftText.isEmpty != rightText.isEmpty {
            throw .setting("\(left) and \(right) belong together: one is given without the other")
        }
        let ways = [login.credentialsFile, login.user, login.tokenFile, login.nkey].filter { !$0.isEmpty }
        guard ways.count <= 1 else {
            throw .setting("wanted at most one of credentialsFile, user, tokenFile and nkey, found \(ways.count)")
        }
        let isSecure = tls.isOn || servers.contains { $0.isSecure }
        guard isSecure || (tls.caFile.isEmpty && tls.certificateFile.isEmpty) else {
            throw .setting("caFile and certificateFile are of no use without tls: true or a server tls://…")
        }
    }

    private static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { 0x21...0x7E ~= $0 } }

    // MARK: - Kinds

    static let servers = Setting(
        "servers", .text(length: 1...4096), default: "nats://127.0.0.1:4222",
        "The servers' addresses, separated by commas: nats://host:4222, or tls://host:4222.")
    static let subject = Setting(
        "subject", .text(length: 1...255), default: "weir", "Where batches are published to.")
    static let stream = Setting(
        "stream", .text(length: 1...255), default: "WEIR", "The JetStream stream that keeps what the subject gets.")
    static let createStream = Setting(
        "createStream", .boolean, default: "false",
        "Whether the stream is made where there is none; one that is there stays as it is.")
    static let replicas = Setting(
        "replicas", .integer(1...5), default: "1", "On how many servers a stream that is made is kept.")
    static let storage = Setting(
        "storage", .choice(["file", "memory"]), default: "file", "Where a stream that is made is kept.")
    static let maxBytes = Setting(
        "maxBytes", .bytes(1 << 16...1 << 50), default: "1GiB",
        "What a stream that is made holds; the oldest messages are discarded.")
    static let maxAge = Setting(
        "maxAge", .duration(0...315_360_000_000_000_000), default: "0s",
        "How long a stream that is made keeps a message; 0s: as long as there is room.")
    static let duplicateWindow = Setting(
        "duplicateWindow", .duration(100_000_000...86_400_000_000_000), default: "1h",
        "How long a stream that is made knows what it has, so that a batch that is sent again is not stored twice.")
    static let credentialsFile = Setting(
        "credentialsFile", .text(length: 0...4096), default: "", "A .creds file: a user's JWT and seed.")
    static let user = Setting("user", .text(length: 0...255), default: "", "A user, with passwordFile.")
    static let passwordFile = Setting(
        "passwordFile", .text(length: 0...4096), default: "", "A file that holds the user's password.")
    static let tokenFile = Setting("tokenFile", .text(length: 0...4096), default: "", "A file that holds a token.")
    static let nkey = Setting("nkey", .text(length: 0...255), default: "", "A public NKey, with nkeySeedFile.")
    static let nkeySeedFile = Setting(
        "nkeySeedFile", .text(length: 0...4096), default: "", "A file that holds the NKey's seed.")
    static let tls = Setting("tls", .boolean, default: "false", "Whether TLS is spoken with nats:// servers too.")
    static let caFile = Setting(
        "caFile", .text(length: 0...4096), default: "",
        "A PEM file of the authorities that servers' certificates are checked against, beside the system's.")
    static let certificateFile = Setting(
        "certificateFile", .text(length: 0...4096), default: "",
        "A PEM file with a certificate of our own, with keyFile.")
    static let keyFile = Setting("keyFile", .text(length: 0...4096), default: "", "A PEM file with its key.")
    static let connectTimeout = Setting(
        "connectTimeout", .duration(10_000_000...60_000_000_000), default: "2s",
        "How long a server may take to answer.")
    static let publishTimeout = Setting(
        "publishTimeout", .duration(10_000_000...300_000_000_000), default: "5s",
        "How long JetStream may take to acknowledge a batch.")

    static let all = [
        servers, subject, stream, createStream, replicas, storage, maxBytes, maxAge, duplicateWindow, credentialsFile,
        user, passwordFile, tokenFile, nkey, nkeySeedFile, tls, caFile, certificateFile, keyFile, connectTimeout,
        publishTimeout,
    ]
}
