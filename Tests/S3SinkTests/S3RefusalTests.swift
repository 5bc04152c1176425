import Testing
import WeirHTTPClient
import WeirTestSupport

@testable import S3Sink
@testable import WeirExporterKit

@Suite("What an S3 server answers")
struct S3RefusalTests {
    private func answer(_ status: Int, _ body: String, _ headers: HTTPHeader...) -> HTTPAnswer {
        HTTPAnswer(status: status, headers: headers, body: Array(body.utf8))
    }

    private func xml(_ code: String, _ message: String = "", _ more: String = "") -> String {
        "<Error><Code>\(code)</Code><Message>\(message)</Message>\(more)</Error>"
    }

    private func result(_ answer: HTTPAnswer, token: String = "") throws -> DeliveryResult {
        var settings = Settings()
        for setting in S3Settings.all { settings.set(setting.key, text: setting.defaultValue ?? "stats", number: 0) }
        return try S3Refusal(answer, hiding: token).result(
            of: answer, at: S3Place(settings) { _ in nil }, now: 0)
    }

    private func message(_ result: DeliveryResult) -> String {
        switch result {
        case .delivered: ""
        case .retry(_, _, _, let message), .partial(_, _, let message), .rejected(_, let message),
            .fatal(let message):
            message
        }
    }

    @Test("code, sentence and region are read, and nothing that may not be in a log")
    func reads() {
        let whole = S3Refusal(answer(400, xml("A", "no\n  way", "<Region>eu-west-1</Region>")), hiding: "")
        #expect(whole.code == "A" && whole.message == "no way" && whole.bucketRegion == "eu-west-1")
        #expect(S3Refusal(answer(400, xml("A b")), hiding: "").code == "")
        #expect(S3Refusal(answer(400, xml("A", "\u{1B}[31m")), hiding: "").message == "")
        #expect(S3Refusal(answer(400, xml("A", String(repeating: "x", count: 5000))), hiding: "").message.count == 300)
        #expect(S3Refusal(answer(400, "<Code>A"), hiding: "").code == "")
        #expect(S3Refusal(answer(400, "</Code><Code>A</Code>"), hiding: "").code == "A")
        let header = HTTPHeader("X-Amz-Bucket-Region", "eu-west-2")
        #expect(
            S3Refusal(answer(301, xml("A", "", "<Region>x</Region>"), header), hiding: "").bucketRegion == "eu-west-2")
    }

    @Test("a token that a server repeats is shown nowhere, whole or in part")
    func token() throws {
        let token = "hunter2-and-a-long-rest-of-it"
        for body in [xml("InvalidToken", "bad: \(token)"), "who is \(token)?", xml("InvalidRequest", token)] {
            for status in [400, 403, 500, 503] {
                let words = message(try result(answer(status, body), token: token))
                #expect(!words.contains("hunter2"), "\(status) \(words)")
            }
        }
    }

    @Test("what somebody can mend is tried again without end, what may be this batch's fault is not")
    func results() throws {
        let endless = [
            (404, "NoSuchBucket"), (403, "AccessDenied"), (403, "SignatureDoesNotMatch"), (403, "InvalidAccessKeyId"),
            (403, "RequestTimeTooSkewed"), (400, "ExpiredToken"), (403, "WhoKnows"),
            (409, "ConditionalRequestConflict"),
            (409, "OperationAborted"), (503, "SlowDown"), (429, "TooManyRequests"), (400, "RequestTimeout"),
            (307, "TemporaryRedirect"),
        ]
        for (status, code) in endless {
            guard case .retry(nil, nil, false, _) = try result(answer(status, xml(code))) else {
                Issue.record("\(status) \(code)")
                continue
            }
        }
        let bounded = [
            (500, "InternalError"), (400, "BadDigest"), (404, "NoSuchKey"), (409, "Another"), (404, ""), (412, ""),
            (400, ""), (302, ""),
        ]
        for (status, code) in bounded {
            guard case .retry(nil, 10, false, _) = try result(answer(status, code.isEmpty ? "<p>" : xml(code))) else {
                Issue.record("\(status) \(code)")
                continue
            }
        }
        let large = answer(400, xml("EntityTooLarge", "Too much"))
        #expect(try result(large) == .rejected(message: "HTTP 400: EntityTooLarge: Too much"))
        let later = answer(503, xml("SlowDown", "Wait"), HTTPHeader("Retry-After", "7"))
        #expect(try result(later) == .retry(after: .seconds(7), message: "HTTP 503: SlowDown: Wait"))
    }

    @Test("a bucket elsewhere, and a server that cannot do what is asked, end the sink")
    func fatal() throws {
        let elsewhere = answer(301, xml("PermanentRedirect"), HTTPHeader("x-amz-bucket-region", "eu-west-1"))
        let malformed = answer(400, xml("AuthorizationHeaderMalformed", "no", "<Region>eu-west-1</Region>"))
        for answer in [elsewhere, malformed] {
            guard case .fatal(let words) = try result(answer) else {
                Issue.record("\(answer)")
                continue
            }
            #expect(words.contains("wanted region: eu-west-1, found us-east-1"))
        }
        guard case .fatal = try result(answer(501, xml("NotImplemented"))),
            case .fatal = try result(answer(400, xml("InvalidBucketName")))
        else {
            Issue.record("wanted the end")
            return
        }
    }

    @Test("any bytes are read without harm")
    func anything() throws {
        var random = SeededGenerator(seed: 7)
        let pieces = ["<Code>", "</Code>", "<Message>", "</Message>", "<Region>", "A", "\u{FFFD}", "é", "\0", " "]
        for _ in 0..<(2000 * testScale) {
            let body = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            let refusal = S3Refusal(answer(400, body.joined()), hiding: "")
            #expect(refusal.code.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            #expect(refusal.message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
    }
}
