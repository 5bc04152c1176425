import Foundation
import Testing
import WeirExporterKit
import WeirTestSupport

@testable import WeirHTTPClient

@Suite("An HTTP client")
struct HTTPClientTests {
    /// A port before which a proxy answers; nobody is behind it.
    private func proxy(_ faults: FaultProxy.Fault...) throws -> FaultProxy {
        let proxy = try FaultProxy(to: try LoopbackPort.free())
        proxy.plan(faults)
        return proxy
    }

    private func request(_ proxy: FaultProxy, _ method: HTTPRequest.Method = .post, bytes: Int = 3) -> HTTPRequest {
        HTTPRequest(
            method, "http://127.0.0.1:\(proxy.port)/path", headers: [HTTPHeader("Content-Type", "text/plain")],
            body: [UInt8](repeating: 7, count: bytes))
    }

    @Test("status, headers and body come back, from one connection after the other or from one that is kept")
    func answers() throws {
        let fault = FaultProxy.Fault.answer(status: 418, headers: ["X-One:  a b "], body: Array("tea".utf8))
        let proxy = try proxy(fault)
        let client = try HTTPClient()
        for method in [HTTPRequest.Method.post, .put, .get] {
            let answer = try client.send(request(proxy, method, bytes: method == .get ? 0 : 100_000), within: 5)
            #expect(answer.status == 418 && answer.body == Array("tea".utf8))
            #expect(answer.header("x-one") == "a b" && !answer.isSuccess)
        }
        #expect(proxy.connections == 1)
    }

    @Test("what is kept of a body is bounded, and one without end, or that breaks off, leaves its status")
    func bounds() throws {
        var options = HTTPClient.Options()
        options.answerBytes = 10
        let client = try HTTPClient(options)
        let long = try proxy(
            .answer(status: 200, body: [UInt8](repeating: 1, count: 100)),
            .answer(status: 200, body: [UInt8](repeating: 1, count: 100_000)))
        let kept = try client.send(request(long), within: 5)
        #expect(kept.body.count == 10 && !kept.isWhole)
        for status in [200, 400, 503] {
            long.plan(.answer(status: status, body: [UInt8](repeating: 1, count: 100_000)))
            let cut = try client.send(request(long), within: 5)
            #expect(cut.status == status && !cut.isWhole)
            long.plan(
                .answer(
                    status: status, headers: ["Transfer-Encoding: chunked", "Connection: close"],
                    body: Array("5\r\nab".utf8)))
            let broken = try client.send(request(long), within: 5)
            #expect(broken.status == status && !broken.isWhole)
        }
        long.plan(.answer(status: 200, body: Array("all".utf8)))
        #expect(try client.send(request(long), within: 5).isWhole)
    }

    @Test("a connection is used for a while, and the next one looks the name up again", .timeLimit(.minutes(1)))
    func renewsConnections() async throws {
        let proxy = try proxy(.answer(status: 200))
        var options = HTTPClient.Options()
        #expect(1...30 ~= options.connectionSeconds)
        options.connectionSeconds = 1
        let client = try HTTPClient(options)
        try await eventually("another connection is made") {
            let answer = try client.send(request(proxy), within: 5)
            return answer.isSuccess && proxy.connections > 1
        }
    }

    @Test("errors say whether the server may have the request")
    func errors() throws {
        let client = try HTTPClient()
        func failure(_ fault: FaultProxy.Fault) throws -> HTTPError? {
            let proxy = try proxy(fault)
            do throws(HTTPError) {
                _ = try client.send(request(proxy), within: 0.3)
                return nil
            } catch {
                return error
            }
        }
        guard case .notConnected? = try failure(.refuse) else {
            Issue.record("refused: found \(String(describing: try failure(.refuse)))")
            return
        }
        guard case .unanswered? = try failure(.hang) else {
            Issue.record("hung: found \(String(describing: try failure(.hang)))")
            return
        }
        #expect(throws: HTTPError.self) { try client.send(HTTPRequest(.get, "file:///etc/passwd"), within: 1) }
        #expect(throws: HTTPError.self) {
            try client.send(
                HTTPRequest(.get, "http://127.0.0.1:1/", headers: [HTTPHeader("A", "b\r\nC: d")]), within: 1)
        }
    }

    @Test("a request that hangs is given up at once when it is asked to stop")
    func stop() async throws {
        let proxy = try proxy(.hang)
        let client = try HTTPClient()
        let request = request(proxy)
        let sending = Task.detached { () throws -> HTTPAnswer in try client.send(request, within: 60) }
        try await eventually("it has connected") { proxy.connections > 0 }
        client.stop()
        let error = await #expect(throws: HTTPError.self) { try await sending.value }
        // Whether it had sent anything by then is not said.
        #expect(error == .some(.stopped(wasSending: true)) || error == .some(.stopped(wasSending: false)))
        #expect(throws: HTTPError.stopped(wasSending: false)) { try client.send(request, within: 60) }
    }

    @Test(
        "a reason has one text, however long an attempt took",
        arguments: [
            (
                "Failed to connect to 127.0.0.1 port 53247 after 0 ms: Couldn't connect to server",
                "Failed to connect to 127.0.0.1 port 53247: Couldn't connect to server"
            ),
            ("Operation timed out after 301 milliseconds with 0 bytes received", "Operation timed out"),
            ("Operation timed out after 301 milliseconds with 7 out of 12 bytes received", "Operation timed out"),
            ("Connection timed out after 9 ms", "Connection timed out"), ("after 3 ms: x", "x"),
            ("shut after 3 tries with 5 apples", "shut after 3 tries with 5 apples"), ("with", "with"),
            ("with 5 received", ""), ("after", "after"), ("", ""),
        ])
    func words(_ text: String, _ lasting: String) {
        #expect(LibcurlWords.lasting(text) == lasting)
    }

    // 1994-11-06T08:49:37Z
    private static let date: UInt64 = 784_111_777_000_000_000

    @Test(
        "a pause is seconds, or a date in one of HTTP's three forms",
        arguments: [
            ("7", 7), ("0", 0), ("99999999999999999999999", 31_536_000), ("Sun, 06 Nov 1994 08:49:37 GMT", 60),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 60), ("Sun Nov  6 08:49:37 1994", 60),
            ("Sun, 06 Nov 1994 08:40:00 GMT", 0), ("soon", nil), ("-5", nil), ("", nil), ("1.5", nil),
        ] as [(String, Int64?)])
    func retryAfter(_ text: String, _ seconds: Int64?) {
        let pause = RetryAfter.pause(text, now: Self.date - 60_000_000_000)
        #expect(pause.map { $0.components.seconds } == seconds)
    }

    @Test("a status says whether to try again, how often, and when")
    func results() {
        func result(_ status: Int, _ pause: String? = nil, _ body: String = "") -> DeliveryResult {
            HTTPAnswer(
                status: status, headers: pause.map { [HTTPHeader("retry-after", $0)] } ?? [], body: Array(body.utf8)
            ).deliveryResult(now: Self.date)
        }
        #expect(result(204) == .delivered)
        for (type, body, isPage) in [
            ("Text/HTML; charset=utf-8", " \n<!doctype html>", true), ("text/html", "OK", false),
            ("text/html", "", false),
            ("text/plain", "<p>", false),
        ] {
            let answer = HTTPAnswer(status: 200, headers: [HTTPHeader("content-type", type)], body: Array(body.utf8))
            #expect(answer.isPage == isPage, "\(type) \(body)")
            #expect((answer.deliveryResult(now: Self.date) == .delivered) != isPage)
        }
        #expect(result(429, "5") == .retry(after: .seconds(5), message: "HTTP 429"))
        #expect(result(503, "Sun, 06 Nov 1994 08:50:37 GMT") == .retry(after: .seconds(60), message: "HTTP 503"))
        #expect(result(503, "whenever") == .retry(message: "HTTP 503"))
        #expect(result(500) == .retry(attemptLimit: 10, message: "HTTP 500"))
        #expect(result(400, nil, "not\n valid") == .rejected(message: "HTTP 400: not valid"))
        #expect(result(400, nil, "\u{1}") == .rejected(message: "HTTP 400"))
        guard case .retry(_, nil, false, let message) = result(401, nil, "token hunter2 is unknown") else {
            Issue.record("wanted a retry without a limit")
            return
        }
        #expect(!message.contains("hunter2"))
    }

    @Test("what a server calls older than what it has is told apart, and not tried again")
    func outOfOrder() {
        func result(_ status: Int, _ body: String) -> DeliveryResult {
            HTTPAnswer(status: status, body: Array(body.utf8)).deliveryResult(now: Self.date)
        }
        for words in [
            "out of order sample", "out of bounds", "too old sample", "duplicate sample for timestamp",
            "failed pushing to ingester: user=1: the sample has been rejected because its timestamp is too old "
                + "(err-mimir-sample-timestamp-too-old)",
            "partial write: points beyond retention policy dropped=1",
        ] {
            for status in [400, 409, 422, 500] {
                #expect(
                    result(status, words + "\n") == .rejected(isOutOfOrder: true, message: "HTTP \(status): \(words)"))
            }
            // These pass by themselves, whatever the words are.
            for status in [401, 429, 503] {
                guard case .retry(_, nil, _, _) = result(status, words) else {
                    Issue.record("wanted a retry of \(status) \(words)")
                    continue
                }
            }
        }
        for words in [
            "out of bounds: timestamp is too far in the future", "bucket index 5 is out of bounds", "invalid label", "",
        ] {
            guard case .rejected(false, _) = result(400, words) else {
                Issue.record("wanted a rejection: \(words)")
                continue
            }
        }
        // In a protobuf, as an OTLP receiver may put it.
        let status = HTTPAnswer(status: 400, body: [0x12, 0x13] + Array("out of order sample".utf8))
        guard case .rejected(true, _) = status.deliveryResult(now: Self.date) else {
            Issue.record("wanted a rejection")
            return
        }
    }

    @Test("of a batch in several requests, what is out of order is that cause where all that was refused is")
    func outOfOrderProgress() throws {
        func result(_ refusals: [DeliveryResult], _ words: String = "") throws(Interruption) -> DeliveryResult {
            var progress = BatchProgress()
            for refusal in refusals {
                try progress.request(rows: 2) { () throws(Interruption) in throw Interruption(refusal) }
            }
            try progress.request(rows: 2) { (words.isEmpty ? 0 : 1, words) }
            return progress.result(rows: UInt64(refusals.count) * 2 + 2)
        }
        let late = DeliveryResult.rejected(isOutOfOrder: true, message: "late")
        let bad = DeliveryResult.rejected(message: "bad")
        let old = "too old sample"
        #expect(try result([late]) == .partial(acceptedRows: 2, isOutOfOrder: true, message: "late"))
        #expect(try result([late, bad]) == .partial(acceptedRows: 2, message: "bad"))
        #expect(try result([], old) == .partial(acceptedRows: 1, isOutOfOrder: true, message: old))
        #expect(try result([], "invalid") == .partial(acceptedRows: 1, message: "invalid"))
    }

    @Test("a file is read anew where it has changed, and its fault names the line and not the secret")
    func files() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("headers")
        var headers = try RequestHeaders("a=1,b=x%2Cy", headersFile: path, tokenFile: nil)
        #expect(throws: HTTPError.self) { try headers.current() }
        try directory.write(Array("C: 3\n".utf8), to: "headers")
        #expect(try headers.current().map(\.value) == ["1", "x,y", "3"])
        try directory.write(Array("C: 34\r\n\nD: \n".utf8), to: "headers")
        #expect(try headers.current().map(\.value) == ["1", "x,y", "34", ""])
        try directory.write(Array("C: 3\nhunter2\n".utf8), to: "headers")
        do throws(HTTPError) {
            _ = try headers.current()
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains("line 2") && !error.description.contains("hunter2"))
        }
        #expect(!"\(HTTPHeader("a", "hunter2"))".contains("hunter2"))
        var dumped = ""
        dump(HTTPHeader("a", "hunter2"), to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test(
        "an endpoint gets a path where it has none, and keeps its own",
        arguments: [
            ("http://h:1", "http://h:1/v1"), ("https://h/", "https://h/v1"), ("http://h/own", "http://h/own"),
            ("http://h/own/?a=b", "http://h/own/?a=b"),
        ])
    func endpoint(_ text: String, _ url: String) throws {
        #expect(try HTTPDestination.url(text, path: "/v1") == url)
    }
}
