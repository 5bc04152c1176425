import CoreMetrics
import Dispatch
import Metrics
import Testing
import WeirBatch
import WeirMetrics
import WeirRecording
import WeirTestSupport

/// Metrics as the libraries of the Swift server world make them: their kinds, labels and dimensions.
@Suite("swift-metrics: as libraries use it")
struct LibraryTests {
    @Test("Hummingbird's middleware: a meter by method, counters and a timer by route, method and status")
    func hummingbird() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let requests = [("GET", "/users/:id", "200"), ("GET", "/users/:id", "200"), ("POST", "/users", "500")]
        withMetricsFactory(recorded.factory) {
            for (method, route, status) in requests {
                let active = Meter(
                    label: "http.server.active_requests", dimensions: [("http.request.method", method)])
                active.increment()
                let dimensions = [
                    ("http.route", route), ("http.request.method", method), ("http.response.status_code", status),
                ]
                CoreMetrics.Counter(label: "hb.requests", dimensions: dimensions).increment()
                CoreMetrics.Timer(
                    label: "http.server.request.duration", dimensions: dimensions, preferredDisplayUnit: .seconds
                ).recordNanoseconds(UInt64(2_000_000_000))
                // Made for each endpoint, and mostly never incremented.
                let errors = CoreMetrics.Counter(
                    label: "hb.request.errors",
                    dimensions: [("http.route", route), ("http.request.method", method), ("error.type", status)])
                if status == "500" { errors.increment() }
                active.decrement()
            }
        }
        let ok = "http.request.method=GET,http.response.status_code=200,http.route=/users/:id"
        let failed = "http.request.method=POST,http.response.status_code=500,http.route=/users"
        #expect(
            recorded.rows() == [
                "hb.request.errors{error.type=200,http.request.method=GET,http.route=/users/:id}: 0",
                "hb.request.errors{error.type=500,http.request.method=POST,http.route=/users}: 1",
                "hb.requests{\(ok)}: 2", "hb.requests{\(failed)}: 1",
                "http.server.active_requests{http.request.method=GET}: 0.0",
                "http.server.active_requests{http.request.method=POST}: 0.0",
                "http.server.request.duration{\(ok)}: 4.0 in [0, 2]",
                "http.server.request.duration{\(failed)}: 2.0 in [0, 1]",
            ])
        #expect(recorded.problems == [])
    }

    @Test("HTTP clients: counters and a recorder by host, a timer in milliseconds, a gauge of the pool's connections")
    func clients() throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        withMetricsFactory(recorded.factory) {
            let host = [("host", "example.com"), ("port", "443"), ("http.version", "2")]
            CoreMetrics.Counter(label: "http_client.requests", dimensions: host).increment(by: UInt8(1))
            CoreMetrics.Recorder(label: "http_client.response.size", dimensions: host).record(UInt32(7))
            CoreMetrics.Timer(label: "http_client.duration", dimensions: host, preferredDisplayUnit: .milliseconds)
                .record(DispatchTimeInterval.milliseconds(1_500))
            CoreMetrics.Gauge(label: "http_client.pool.connections", dimensions: host).record(Float(3))
            CoreMetrics.Timer(label: "http_client.duration", dimensions: host).record(duration: .seconds(1))
        }
        let host = "{host=example.com,http.version=2,port=443}"
        #expect(
            recorded.rows() == [
                "http_client.duration\(host): 2.5 in [1, 1]", "http_client.pool.connections\(host): 3.0",
                "http_client.requests\(host): 1", "http_client.response.size\(host): 7.0 in [0, 1, 0]",
            ])
    }

    @Test("gRPC servers: counters by service, method and status, timers measured around a call")
    func rpc() async throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1_000]))
        let call = [("rpc.system", "grpc"), ("rpc.service", "shop.Orders"), ("rpc.method", "Place")]
        try await withMetricsFactory(recorded.factory) {
            let timer = CoreMetrics.Timer(label: "rpc.server.duration", dimensions: call)
            let answer = try await timer.measure {
                try await Task.sleep(for: .nanoseconds(1))
                return 42
            }
            #expect(answer == 42)
            #expect(Timer.measure(label: "rpc.server.duration", dimensions: call) { 1 } == 1)
            for code in ["0", "0", "14"] {
                CoreMetrics.Counter(
                    label: "rpc.server.requests", dimensions: call + [("rpc.grpc.status_code", code)]
                ).increment()
            }
        }
        let rows = recorded.rows()
        let tags = "rpc.method=Place,rpc.service=shop.Orders,rpc.system=grpc"
        #expect(rows.filter { $0.hasPrefix("rpc.server.duration{\(tags)}") && $0.hasSuffix("in [2, 0]") }.count == 1)
        #expect(
            rows.suffix(2) == [
                "rpc.server.requests{rpc.grpc.status_code=0,\(tags)}: 2",
                "rpc.server.requests{rpc.grpc.status_code=14,\(tags)}: 1",
            ])
    }

    @Test("handles made for each call by many threads count exactly", arguments: [1, 2, 3])
    func perCall(seed: UInt64) throws {
        let recorded = try Recorded(timers: .distribution(bounds: [1]))
        let (threads, rounds) = (8, 2_000 * testScale)
        onThreads(threads) { number in
            var generator = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
            for _ in 0..<rounds {
                let value = Int.random(in: 0..<300, using: &generator)
                // Dimensions in any order, values that fit into words and such that do not.
                let dimensions = [("id", "\(value)"), ("route", "/a/route/that/is/longer/\(value % 3)"), ("m", "GET")]
                    .shuffled(using: &generator)
                CoreMetrics.Counter(label: "x", dimensions: dimensions, factory: recorded.factory).increment()
                CoreMetrics.Timer(label: "t", dimensions: [("m", "\(value % 2)")], factory: recorded.factory)
                    .recordSeconds(1)
            }
        }
        let batch = recorded.collect()
        let counts = try #require(batch.view("x"))
        #expect(counts.rows == 300 && counts.integers.reduce(0, +) == Int64(threads * rounds))
        let times = try #require(batch.view("t"))
        #expect(times.rows == 2 && times.doubles.reduce(0, +) == Double(threads * rounds))
    }
}
