import Testing
import WeirBatch
import WeirExport
import WeirHTTPClient
import WeirTestSupport

@testable import S3Sink
@testable import WeirExporterKit

@Suite("What the S3 exporter calls things")
struct S3NamesTests {
    private func settings(_ changes: [String: String] = [:]) -> Settings {
        var settings = Settings()
        for setting in S3Settings.all {
            let text = changes[setting.key] ?? setting.defaultValue ?? "stats"
            let number =
                switch setting.form {
                case .choice(let words): Int64(words.firstIndex(of: text) ?? 0)
                default: Int64(text == "true" ? 1 : 0)
                }
            settings.set(setting.key, text: text, number: number)
        }
        return settings
    }

    private func facts(_ numbers: ClosedRange<UInt64>, end: Bool = false) -> FrameFacts {
        FrameFacts(
            stream: StreamName(high: 0x0123_4567_89AB_CDEF, low: 1), numbers: numbers, headerLength: 1,
            payloadLength: end ? 0 : 1)
    }

    @Test(
        "keys are in the order of time, then of numbers, an end mark last; merged batches are others than single ones")
    func keys() {
        let time: UInt64 = 1_795_525_200_123_456_789
        let keys = [
            ObjectKey.of(facts(1...1), time: 0), ObjectKey.of(facts(8...9), time: time),
            ObjectKey.of(facts(9...9), time: time), ObjectKey.of(facts(10...10), time: time),
            ObjectKey.of(facts(10...10, end: true), time: time), ObjectKey.of(facts(11...11), time: time + 1),
            ObjectKey.of(facts(.max ... .max), time: .max),
        ]
        #expect(keys == keys.sorted() && Set(keys).count == keys.count)
        #expect(
            keys[2] == "2026/11/24/20261124T130000.123456789Z-0123456789abcdef0000000000000001-0000000009-0000000009"
                + ".weir.zst")
        #expect(keys[4].hasSuffix("-0000000010-end.weir.zst"))
        #expect(keys[6].hasPrefix("2554/07/21/25540721T233433.709551615Z-"))
    }

    @Test("a leap day has its folder")
    func leapDay() {
        #expect(ObjectKey.of(facts(1...1), time: 1_709_164_800_000_000_000).hasPrefix("2024/02/29/20240229T000000."))
    }

    static let places: [(changes: [String: String], url: String)] = [
        ([:], "https://stats.s3.us-east-1.amazonaws.com/weir/k"),
        (["region": "eu-west-1", "prefix": ""], "https://stats.s3.eu-west-1.amazonaws.com/k"),
        (["region": "cn-north-1"], "https://stats.s3.cn-north-1.amazonaws.com.cn/weir/k"),
        // No certificate is for two levels.
        (["bucket": "a.b"], "https://s3.us-east-1.amazonaws.com/a.b/weir/k"),
        (["addressing": "path"], "https://s3.us-east-1.amazonaws.com/stats/weir/k"),
        (["endpoint": "http://h:1"], "http://h:1/stats/weir/k"),
        (["endpoint": "http://h:1/", "addressing": "host"], "http://stats.h:1/weir/k"),
        (["endpoint": "https://h/s3", "prefix": "a/b=c/é %/"], "https://h/s3/stats/a/b%3Dc/%C3%A9%20%25/k"),
    ]

    @Test("an object's address is as the settings say", arguments: places)
    func addresses(_ changes: [String: String], _ url: String) throws {
        #expect(try S3Place(settings(changes)) { _ in nil }.url("k") == url)
    }

    @Test("the environment names the region where the settings do not")
    func region() throws {
        let both = ["AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"]
        #expect(try S3Place(settings()) { both[$0] }.region == "eu-west-1")
        #expect(try S3Place(settings()) { $0 == "AWS_REGION" ? nil : both[$0] }.region == "eu-west-2")
        #expect(try S3Place(settings(["region": "auto"])) { both[$0] }.region == "auto")
    }

    @Test(
        "what cannot be an address is refused, by the setting's name",
        arguments: [
            ["bucket": "a/b"], ["bucket": ".."], ["region": "eu west"], ["region": "a:b"], ["prefix": "/a"],
            ["prefix": "a//b"], ["prefix": "a/../b"], ["prefix": "."], ["prefix": "a\nb"], ["prefix": "/"],
            ["endpoint": "ftp://h"], ["endpoint": "http://me:hunter2@h"], ["endpoint": "http://h/?a=b"],
        ])
    func refused(_ changes: [String: String]) throws {
        let error = #expect(throws: ExporterError.self) { try S3Place(settings(changes)) { _ in nil } }
        let text = try #require(error).description
        #expect(text.hasPrefix(changes.keys.first ?? "-") && !text.contains("hunter2"))
    }

    @Test("a key is the settings' or the environment's, never half of each")
    func keysToSign() throws {
        let environment = [
            "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "token",
        ]
        let directory = try TemporaryDirectory()
        try directory.write(Array("filed\r\n".utf8), to: "secret")
        var login = try S3Login(settings(), region: "r") { environment[$0] }
        let key = try login.current()
        #expect(key.signer == RequestSigner(service: "s3", region: "r", keyID: "id", secretKey: "hunter2"))
        #expect(key.token == "token")
        var dumped = ""
        dump(key.signer, to: &dumped)
        #expect(!dumped.contains("hunter2") && !"\(key.signer)".contains("hunter2"))

        let named = ["accessKeyID": "own", "secretAccessKeyFile": directory.path("secret")]
        var own = try S3Login(settings(named), region: "r") { environment[$0] }
        #expect(try own.current().signer.secretKey == "filed" && own.current().token == "")

        let file =
            "# keys\n[other]\naws_access_key_id=x\n[default]\n aws_access_key_id = a=b\naws_secret_access_key=hunter2 \n"
        try directory.write(Array((file + "aws_session_token = t1\n[last]\naws_access_key_id=y\n").utf8), to: "keys")
        var rotated = try S3Login(settings(["credentialsFile": directory.path("keys")]), region: "r") { _ in nil }
        let first = try rotated.current()
        #expect((first.signer.keyID, first.signer.secretKey, first.token) == ("a=b", "hunter2", "t1"))
        try directory.write(Array((file + "aws_session_token = t2, longer\n").utf8), to: "keys")
        #expect(try rotated.current().token == "t2, longer")

        for changes in [
            [
                "accessKeyID": "own", "secretAccessKeyFile": directory.path("secret"),
                "credentialsFile": directory.path("keys"),
            ],
            ["credentialsFile": directory.path("keys"), "profile": "last"],
            ["accessKeyID": "own"], ["secretAccessKeyFile": "/f"], ["credentialsFile": directory.path("none")],
            ["accessKeyID": "own", "secretAccessKeyFile": directory.path("none")],
        ] {
            #expect(throws: ExporterError.self) { try S3Login(settings(changes), region: "r") { environment[$0] } }
        }
        #expect(throws: ExporterError.self) { try S3Login(settings(), region: "r") { _ in nil } }
    }
}
