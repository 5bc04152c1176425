import Testing
import WeirExporterSupport
import WeirTestSupport

/// A view, its unit and kind, and what it is called.
struct Naming: CustomTestStringConvertible, Sendable {
    let view: String
    let unit: String
    let kind: FamilyName.Kind
    let sample: String
    let unitWords: String

    init(_ view: String, _ unit: String, _ kind: FamilyName.Kind, _ sample: String, unit unitWords: String = "") {
        self.view = view
        self.unit = unit
        self.kind = kind
        self.sample = sample
        self.unitWords = unitWords
    }

    var testDescription: String { "\(view) [\(unit)] → \(sample)" }
}

@Suite("Names of families")
struct FamilyNameTests {
    static let table = [
        Naming("http/requests", "1", .counter, "http_requests_total"),
        Naming("http.requests.total", "1", .counter, "http_requests_total"),
        Naming("http.requests", "{request}", .counter, "http_requests_total"),
        Naming("http.server.duration", "s", .histogram, "http_server_duration_seconds", unit: "seconds"),
        Naming("gc.pause.seconds", "s", .counter, "gc_pause_seconds_total", unit: "seconds"),
        Naming("gc.seconds.paused", "s", .gauge(isInteger: false), "gc_seconds_paused"),
        Naming("disk.io", "By", .counter, "disk_io_bytes_total", unit: "bytes"),
        Naming("disk.io", "By/s", .gauge(isInteger: false), "disk_io_bytes_per_second", unit: "bytes_per_second"),
        Naming("requests", "{request}/s", .gauge(isInteger: false), "requests_per_second", unit: "per_second"),
        Naming("calls", "1/min", .gauge(isInteger: false), "calls_per_minute", unit: "per_minute"),
        Naming("fuel", "l/h/m", .gauge(isInteger: false), "fuel_l_per_hour_per_minute", unit: "l_per_hour_per_minute"),
        Naming("cache.hit", "1", .gauge(isInteger: false), "cache_hit_ratio", unit: "ratio"),
        Naming("cache.hit.ratio", "1", .gauge(isInteger: false), "cache_hit_ratio", unit: "ratio"),
        Naming("threads", "1", .gauge(isInteger: true), "threads"),
        Naming("connections", "1", .sum, "connections"),
        Naming("cpu", "%", .gauge(isInteger: false), "cpu_percent", unit: "percent"),
        Naming("latency", "1", .histogram, "latency"),
        Naming("memory", "KiBy", .gauge(isInteger: true), "memory_kibibytes", unit: "kibibytes"),
        Naming("size", "By{payload}", .histogram, "size_bytes", unit: "bytes"),
        Naming("temperature", "Cel", .gauge(isInteger: false), "temperature_celsius", unit: "celsius"),
        Naming("dropped", "packets", .counter, "dropped_packets_total", unit: "packets"),
        Naming("dropped.packets", "packets", .counter, "dropped_packets_total", unit: "packets"),
        Naming("(lambda).function.executions(#)", "", .counter, "lambda_function_executions_total"),
        Naming("__a___b__", "", .sum, "a_b"),
        Naming("2xx", "", .counter, "_2xx_total"),
        Naming("rule:sum", "", .sum, "rule:sum"),
        Naming("total", "", .counter, "total_total"),
        Naming("größe", "By", .sum, "gr_e_bytes", unit: "bytes"),
        Naming("数", "", .counter, "unnamed_total"),
        Naming("", "", .sum, "unnamed"),
        Naming("x", "{open", .sum, "x"),
        Naming("x", "/", .sum, "x"),
        Naming("x", "µs", .histogram, "x_microseconds", unit: "microseconds"),
        Naming("Mixed.Case", "ms", .histogram, "Mixed_Case_milliseconds", unit: "milliseconds"),
    ]

    @Test("a view is called as OpenTelemetry's rules say", arguments: table)
    func naming(_ naming: Naming) {
        let name = FamilyName(view: naming.view, unit: naming.unit, kind: naming.kind)
        #expect(name.sample == naming.sample)
        #expect(name.unit == naming.unitWords)
    }

    @Test("a name is legal, whatever the view is called", arguments: 1...200)
    func isAlwaysLegal(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let characters = Array("abzAZ09_.:/-{}%\"\\\n é数🐟")
        let text = { (length: Int) in
            String((0..<length).map { _ in characters.randomElement(using: &generator)! })
        }
        for kind in [FamilyName.Kind.counter, .sum, .gauge(isInteger: false), .histogram] {
            let name = FamilyName(view: text(12), unit: text(5), kind: kind)
            for legal in name.allNames { #expect(legal.wholeMatch(of: /[a-zA-Z_:][a-zA-Z0-9_:]*/) != nil) }
            #expect(name.unit.isEmpty || name.family.hasSuffix(name.unit))
        }
    }

    @Test("one that would share a name with another has a mark in it, always the same, and is told whose the name is")
    func clash() {
        var claims = NameClaims(reserved: ["target_info"])
        let latency = FamilyName(view: "latency", unit: "s", kind: .histogram)
        for _ in 1...2 {
            let first = claims.claim(latency, for: "latency")
            #expect(first.name == latency && first.clash == nil)
        }
        let names: [(view: String, unit: String, kind: FamilyName.Kind, taken: String, holder: String)] = [
            ("latency.seconds", "s", .gauge(isInteger: false), "latency_seconds", "latency"),
            ("latency.seconds.count", "", .sum, "latency_seconds_count", "latency"),
            ("target.info", "", .sum, "target_info", "Prometheus's own"),
            ("latency/", "s", .counter, "latency_seconds", "latency"),
        ]
        var used = Set(latency.allNames)
        for (view, unit, kind, taken, holder) in names {
            let wanted = FamilyName(view: view, unit: unit, kind: kind)
            let (name, clash) = claims.claim(wanted, for: view)
            #expect(clash == NameClaims.Clash(view: view, name: taken, holder: holder, marked: name.family))
            #expect(used.isDisjoint(with: name.allNames) && name.kind == kind && name.unit == wanted.unit)
            #expect(name.unit.isEmpty || name.family.hasSuffix("_" + name.unit))
            #expect(name.family.wholeMatch(of: /[a-z_]*x[0-9a-f]{8}[a-z_]*/) != nil)
            used.formUnion(name.allNames)
            #expect(claims.claim(wanted, for: view).name == name)
        }
        // The next collection may have them in another order, or lack some.
        claims.begin()
        for (view, unit, kind, _, _) in names.reversed() {
            #expect(
                used.isSuperset(
                    of: claims.claim(FamilyName(view: view, unit: unit, kind: kind), for: view).name.allNames))
        }
        #expect(claims.claim(latency, for: "latency").name == latency)
        #expect(
            claims.claim(FamilyName(view: "latency.seconds.total", unit: "", kind: .sum), for: "gauge").clash == nil)
    }
}
