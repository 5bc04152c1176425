import Foundation
import Testing
import Weir
import WeirExport
import WeirTestSupport

@Suite("Serving scrapes", .serialized, .timeLimit(.minutes(3)))
struct ServingTests {
    @Test("only metrics are there, and only to be read")
    func routes() async throws {
        let scraped = try Scraped(["path": "/m"])
        let client = scraped.client
        #expect(try client.get("/m").status == 200)
        #expect(try client.get("/m?name=x").status == 200)
        let landing = try client.get("/")
        #expect(landing.status == 200 && landing.text == "Weir: Prometheus finds metrics at /m\n")
        for path in ["/metrics", "/m/", "/favicon.ico", "//m"] {
            let response = try client.get(path)
            #expect(response.status == 404 && response.text == "nothing is here: metrics are at /m\n")
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let response = try client.get("/m", method: method)
            #expect(response.status == 405 && response.headers["allow"] == .some("GET, HEAD"))
        }
        let head = try client.get("/m", method: "HEAD")
        #expect(head.status == 200 && head.body.isEmpty)
        #expect(Int(head.headers["content-length"] ?? "").map { $0 > 100 } == true)
        try await scraped.end()
        #expect(scraped.counter("requests.refused") == 9)
    }

    @Test("answers say what they are")
    func headers() async throws {
        let scraped = try Scraped()
        let text = try scraped.client.get("/metrics")
        #expect(text.headers["content-type"] == .some("text/plain; version=0.0.4; charset=utf-8"))
        #expect(text.headers["vary"] == .some("Accept, Accept-Encoding"))
        #expect(text.headers["content-encoding"] == nil)
        #expect(text.headers["content-length"] == .some("\(text.body.count)"))
        let openMetrics = try scraped.client.get("/metrics", ["Accept": "application/openmetrics-text"])
        #expect(
            openMetrics.headers["content-type"]
                == .some("application/openmetrics-text; version=1.0.0; charset=utf-8"))
        #expect(openMetrics.text.hasSuffix("\n# EOF\n"))
        try await scraped.end()
    }

    @Test("compressed where asked for, as other programs decompress", arguments: ["gzip", "zstd"])
    func compression(encoding: String) async throws {
        let scraped = try Scraped()
        let response = try scraped.client.get(
            "/metrics", ["Accept-Encoding": encoding, "Accept": "application/openmetrics-text"])
        #expect(response.headers["content-encoding"] == .some(encoding))
        let directory = try TemporaryDirectory()
        try Data(response.body).write(to: URL(filePath: directory.path + "/body"))
        let plain = try Program.shell("\(encoding) -dc <\"$0\"", directory.path + "/body")
        #expect(plain.status == 0)
        #expect(plain.output.hasPrefix("# TYPE target info\n") && plain.output.hasSuffix("# EOF\n"))
        #expect(response.body.count < plain.output.utf8.count / 2)
        try await scraped.end()
    }

    @Test("who sends no secret, or a wrong one, is not let in; a changed secret holds from then on")
    func authorization() async throws {
        let directory = try TemporaryDirectory()
        let (token, password) = (directory.path + "/token", directory.path + "/password")
        try Data("s3cret\n".utf8).write(to: URL(filePath: token))
        try Data("user:pa:ss\n".utf8).write(to: URL(filePath: password))
        let scraped = try Scraped(["tokenFile": token, "passwordFile": password])
        func status(_ authorization: String?) throws -> Int {
            try scraped.client.get("/metrics", authorization.map { ["Authorization": $0] } ?? [:]).status
        }
        let refused = try scraped.client.get("/metrics")
        #expect(refused.status == 401)
        #expect(refused.headers["www-authenticate"] == .some("Bearer, Basic realm=\"metrics\""))
        for wrong in ["Bearer s3cre", "Bearer s3crett", "Bearer", "Bearer ", "Basic s3cret", "Digest x"] {
            #expect(try status(wrong) == 401)
        }
        let basic = "Basic " + Data("user:pa:ss".utf8).base64EncodedString()
        #expect(try status("Bearer s3cret") == 200 && status("bearer s3cret") == 200 && status(basic) == 200)
        try Data("other".utf8).write(to: URL(filePath: token))
        #expect(try status("Bearer s3cret") == 401 && status("Bearer other") == 200)
        try FileManager.default.removeItem(atPath: token)
        #expect(try status("Bearer other") == 500 && status("Bearer ") == 500 && status(basic) == 200)
        try Data().write(to: URL(filePath: token))
        #expect(try status("Bearer ") == 500 && status(nil) == 500)
        try await scraped.end()
    }

    @Test("a port that is taken is said to be, and what to do")
    func portInUse() async throws {
        let scraped = try Scraped()
        let error = #expect(throws: ExportingError.self) {
            try startExporting(
                to: Sink(scraped.plugin, name: "b", settings: ["listen": "127.0.0.1:\(scraped.client.port)"]))
        }
        let words = try #require(error?.description)
        #expect(words.hasPrefix("sink b: listen: 127.0.0.1:\(scraped.client.port) cannot be served at: "))
        #expect(words.contains("Address already in use"))
        #expect(words.hasSuffix("whoever has it must end, or `listen` name another"))
        try await scraped.end()
        // And then it is free at once.
        let again = try startExporting(
            to: Sink(scraped.plugin, name: "b", settings: ["listen": "127.0.0.1:\(scraped.client.port)"]))
        #expect(try scraped.client.get("/metrics").status == 200)
        _ = await again.shutdown()
    }

    @Test("a sink that changes keeps its port, and goes on")
    func reconfigured() async throws {
        let scraped = try Scraped()
        #expect(try scraped.client.get("/metrics").status == 200)
        let sink = Sink(
            scraped.plugin, name: "prometheus",
            settings: ["listen": "127.0.0.1:\(scraped.client.port)", "path": "/other"])
        try scraped.exporting.reconfigure(every: .seconds(86_400), to: [sink])
        #expect(try scraped.client.get("/metrics").status == 404)
        #expect(try scraped.client.get("/other").status == 200)
        try await scraped.end()
    }

    @Test(
        "settings that make no sense are refused", arguments: [["listen": "x"], ["path": "metrics"], ["path": "/a?b"]])
    func settings(settings: [String: String]) throws {
        #expect(throws: ExportingError.self) {
            try startExporting(to: Sink(Scraped.plugin, name: "a", settings: settings))
        }
    }

    @Test("one connection serves scrape after scrape, also when they are sent ahead")
    func keepAlive() async throws {
        let scraped = try Scraped()
        let connection = try Connection(port: scraped.client.port)
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.send(String(repeating: request, count: 3))
        var answer = ""
        while answer.components(separatedBy: "finds metrics").count < 4 {
            let bytes = connection.read()
            try #require(!bytes.isEmpty)
            answer += String(decoding: bytes, as: UTF8.self)
        }
        connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(try Client.parse(connection.readAll()).status == 200)
        try await scraped.end()
    }

    @Test("the application's signals go to the application's threads")
    func signals() async throws {
        let scraped = try Scraped()
        var blocked: [String: UInt64] = [:]
        for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            let file = FileHandle(forReadingAtPath: "/proc/self/task/\(task)/status")
            let status = String(decoding: try file?.readToEnd() ?? Data(), as: UTF8.self)
            let fields = status.split(separator: "\n").map { $0.split(separator: "\t") }
            guard let name = fields.first(where: { $0[0] == "Name:" })?.last,
                let mask = fields.first(where: { $0[0] == "SigBlk:" })?.last
            else { continue }
            blocked[String(name)] = UInt64(mask, radix: 16)
        }
        let own = blocked.filter { $0.key.hasPrefix("NIO-ELT") || $0.key.hasPrefix("TP-#") }
        #expect(own.count >= 2)
        #expect(own.values.allSatisfy { $0 & (1 << UInt64(SIGTERM - 1)) != 0 })
        try await scraped.end()
    }

    // MARK: - Clients that mean harm

    @Test(
        "a client that sends slowly, or nothing, is let go", arguments: ["", "GET /met", "GET / HTTP/1.1\r\nA: b\r\n"])
    func slow(beginning: String) async throws {
        let scraped = try Scraped(["clientTimeout": "200ms"])
        let connection = try Connection(port: scraped.client.port)
        connection.send(beginning)
        // Reads until the connection is closed.
        #expect(connection.readAll().isEmpty)
        #expect(try scraped.client.get("/metrics").status == 200)
        try await scraped.end()
    }

    @Test("a client that does not take its answer is let go")
    func deaf() async throws {
        let scraped = try Scraped(["clientTimeout": "300ms", "maximumConnections": "1", "wait": "60s"])
        let measure = Measure<Int64>("n")
        let key: TagKey = "key"
        try scraped.stats.register(View("n", of: measure, by: [key], as: .count, seriesLimit: 30_000))
        // More than what the kernel takes.
        let filling = String(repeating: "x", count: 240)
        for number in 0..<30_000 { measure.record(1, Tags([key: filling + "\(number)"]), in: scraped.stats) }
        let connection = try Connection(port: scraped.client.port, isNarrow: true)
        connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n")
        try await eventually("there is room for another client") {
            (try? scraped.client.get("/").status) == 200
        }
        try await scraped.end()
        #expect(scraped.counter("connections.refused") > 0)
        withExtendedLifetime(connection) {}
    }

    @Test("a request without end, or larger than any scrape's, is let go", arguments: [false, true])
    func large(isBody: Bool) async throws {
        let scraped = try Scraped()
        let connection = try Connection(port: scraped.client.port)
        connection.send("POST / HTTP/1.1\r\nHost: x\r\n" + (isBody ? "Content-Length: 1000000000\r\n\r\n" : ""))
        var sent = 0
        while sent < 100 << 20, connection.send((isBody ? "" : "a: ") + String(repeating: "a", count: 1000) + "\r\n") {
            sent += 1000
        }
        #expect(sent < 100 << 20)
        #expect(try scraped.client.get("/metrics").status == 200)
        try await scraped.end()
    }

    @Test("nonsense is answered or let go, and harms nobody")
    func nonsense() async throws {
        let scraped = try Scraped(["clientTimeout": "200ms"])
        var random = SeededGenerator(seed: 11)
        let alphabet = Array("GET /metrics HTTP/1.1\r\n\r\n:;,=q0\u{0}é\t")
        for _ in 0..<50 * testScale {
            let connection = try Connection(port: scraped.client.port)
            let length = Int.random(in: 1...200, using: &random)
            connection.send(String((0..<length).map { _ in alphabet.randomElement(using: &random)! }) + "\r\n\r\n")
            _ = connection.read()
        }
        #expect(try scraped.client.get("/metrics").status == 200)
        try await scraped.end()
    }

    @Test("further connections than are allowed are closed")
    func tooMany() async throws {
        let scraped = try Scraped(["maximumConnections": "3"])
        let held = try (0..<3).map { _ in try Connection(port: scraped.client.port) }
        try await eventually("the fourth is closed") {
            let fourth = try Connection(port: scraped.client.port)
            fourth.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            return fourth.read().isEmpty
        }
        held[0].send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(try Client.parse(held[0].readAll()).status == 200)
        try await eventually("its place is free") { (try? scraped.client.get("/").status) == 200 }
        try await scraped.end()
    }

    @Test("many who scrape at once all get what there is")
    func concurrent() async throws {
        let scraped = try Scraped(["maximumConnections": "1000"])
        let measure = Measure<Int64>("n")
        try scraped.stats.register(View("n", of: measure, as: .sum))
        measure.record(7, in: scraped.stats)
        let client = scraped.client
        let clients = 20
        let values = try await withThrowingTaskGroup { group in
            for _ in 0..<clients {
                group.addTask { (0..<5).map { _ in try? client.openMetrics().samples("n_total")[""] } }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(values.count == clients * 5 && values.allSatisfy { $0 == .some(.some("7")) })
        try await scraped.end()
        #expect(scraped.counter("scrapes.answered") >= UInt64(clients * 5 - 1))
    }

    // MARK: - Collections that do not come

    @Test("before the first collection a scrape shows nothing, in a form that is valid")
    func empty() async throws {
        let scraped = try Scraped(["wait": "0s"])
        // Whoever waits for nothing gets what is there.
        let response = try scraped.client.get("/metrics", ["Accept": "application/openmetrics-text"])
        #expect(response.status == 200)
        #expect(response.text == "# EOF\n" || response.text.hasPrefix("# TYPE target info\n"))
        try await scraped.end()
    }

    @Test("where no collection comes in time, the last one is shown")
    func late() async throws {
        let scraped = try Scraped(["wait": "1ms"]) { $0.onDemand = true }
        for _ in 1...3 {
            let response = try scraped.client.get("/metrics", ["Accept": "application/openmetrics-text"])
            // Nothing is delivered to a sink that waits for demand, and this exporter has none.
            #expect(response.status == 200 && response.text == "# EOF\n")
            #expect(try scraped.client.get("/metrics").body.isEmpty)
        }
        _ = await scraped.exporting.shutdown(deadline: .milliseconds(100))
    }
}
