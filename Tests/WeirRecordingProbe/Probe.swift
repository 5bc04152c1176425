import CWeirCPU

/// A program that links WeirRecording alone, for what cannot be tested inside the test's own process: the other path of
/// adding, the count of allocations, a fork, a process that has used up its tag keys, and what such a program links.
///
/// `WeirRecordingProbe SCENARIO [SIZE]` prints the path that ran and what is wrong, and exits with 1 where anything is.
@main
struct Probe {
    private(set) var faults = 0

    static func main() {
        let arguments = CommandLine.arguments
        let size = arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1
        print("path: \(weir_cpu_is_rseq() ? "rseq" : "atomic")")
        var probe = Probe()
        switch arguments.count > 1 ? arguments[1] : "" {
        case "totals": Totals(size: size).run(&probe)
        case "allocations": probeAllocations(&probe)
        case "keys": probeKeys(&probe)
        case "fork": probeFork(&probe)
        case "forks": probeForks(&probe, size: size)
        case "refused": probeRefused(&probe)
        case "unregistered": probeUnregistered(&probe)
        default:
            probe.fail("usage: WeirRecordingProbe totals|allocations|keys|fork|forks|refused|unregistered [SIZE]")
        }
        exit(probe.faults == 0 ? 0 : 1)
    }

    mutating func fail(_ problem: String) {
        print(problem)
        faults += 1
    }

    mutating func expect<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) {
        if found != expected { fail("\(what): expected \(expected), found \(found)") }
    }
}
