import WeirRecording
import CWeirCPU
import Glibc
enum M {
    static let latency = Measure<Double>("lat", unit: .seconds)
    static let count = Measure<Int64>("count")
    static let tags = Tags([a: "x", b: "y", c: "z"])
    static let none = Measure<Int64>("none")
    static let a: TagKey = "a"
    static let b: TagKey = "b"
    static let c: TagKey = "c"
}
func now() -> Double {
    var t = timespec(); unsafe clock_gettime(CLOCK_MONOTONIC, &t); return Double(t.tv_sec) * 1e9 + Double(t.tv_nsec)
}
nonisolated(unsafe) var word: UInt64 = 0
@main enum Bench {
    static func time(_ n: Int, _ body: (Int) -> Void) -> Double {
        body(n / 10); var best = 1e9
        for _ in 0..<5 { let t = now(); body(n); best = min(best, (now() - t) / Double(n)) }
        return best
    }
    static func main() throws {
        try Stats.default.register(
            View("lat", of: M.latency, by: [M.a, M.b], as: .distribution()),
            View("count", of: M.count, by: [M.a, M.b, M.c], as: .sum))
        let n = CommandLine.arguments.count > 1 ? 50_000_000 : 5_000_000
        let p = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
        let base = time(n) { n in for _ in 0..<n { unsafe weir_bench_xadd(p) } }
        print("xadd", base)
        let tags = Tags([M.a: "x", M.b: "y", M.c: "z"])
        let hot = M.count.bound(to: tags)
        let only = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : nil
        func report(_ name: String, _ t: @autoclosure () -> Double) {
            if let only, only != name { return }; let t = t(); print(name, t, t / base)
        }
        report("counter.bound", time(n) { n in for _ in 0..<n { hot.record(1) } })
        let hotD = M.latency.bound(to: tags)
        let values = (0..<1024).map { _ in Double.random(in: 0..<12) }
        unsafe values.withUnsafeBufferPointer { v in
            report("dist.bound", time(n) { n in for i in 0..<n { unsafe hotD.record(v[i & 1023]) } })
        }
        report("prebuilt1", time(n) { n in for _ in 0..<n { M.count.record(1, tags) } })
        let many = (0..<1000).map {
            Tags([M.a: "value\($0 % 10)", M.b: "v\($0 / 10 % 10)", M.c: "some longer value \($0/100)"])
        }
        let order16 = (0..<4096).map { _ in UInt16.random(in: 0..<1000) }
        let order = Order(o: order16)
        let measure = M.count
        report("prebuilt", time(n) { n in for i in 0..<n { measure.record(1, many[order[i & 4095]]) } })
        report(
            "prebuilt.span",
            time(n) { n in
                let sp = many.span; let o = order; for i in 0..<n { measure.record(1, sp[o[i & 4095]]) }
            })
        unsafe many.withUnsafeBufferPointer { m in
            report("prebuilt.ubp", time(n) { n in for i in 0..<n { unsafe measure.record(1, m[order[i & 4095]]) } })
        }
        let recs = many.map { measure.bound(to: $0) }
        report("bound.many", time(n) { n in for i in 0..<n { recs[order[i & 4095]].record(1) } })
        report(
            "bound.many.span",
            time(n) { n in
                let sp = recs.span; for i in 0..<n { sp[order[i & 4095]].record(1) }
            })
        report("static.one", time(n) { n in for _ in 0..<n { M.count.record(1, M.tags) } })
        report("static.prebuilt", time(n) { n in for i in 0..<n { M.count.record(1, many[order[i & 4095]]) } })
        let strs = many.map { t in (t[M.a]!, t[M.b]!, t[M.c]!) }
        let (a, b, c) = (M.a, M.b, M.c)
        report(
            "strings",
            time(n / 5) { n in
                for i in 0..<n { let s = strs[order[i & 4095]]; measure.record(1, [a: s.0, b: s.1, c: s.2]) }
            })
        report(
            "tuples",
            time(n / 5) { n in
                for i in 0..<n { let s = strs[order[i & 4095]]; measure.record(1, (a, s.0), (b, s.1), (c, s.2)) }
            })
        report("literal", time(n / 5) { n in for _ in 0..<n { M.count.record(1, [M.a: "x", M.b: "y", M.c: "z"]) } })
        report("static", time(n) { n in for _ in 0..<n { M.count.record(1) } })
        report("unviewed", time(n) { n in for _ in 0..<n { M.none.record(1, tags) } })
    }
}

struct Order { let o: [UInt16]; subscript(i: Int) -> Int { @inline(__always) get { Int(o[i]) } } }
