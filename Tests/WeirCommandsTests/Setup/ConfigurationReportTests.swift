import Testing
import WeirConfiguration
import WeirDump
import WeirCommands

@Suite("What config check says")
struct ConfigurationReportTests {
    private func report(_ yaml: String, _ environment: [String: String] = [:]) throws -> String {
        let configuration = try Configuration(yaml: yaml, environment: environment)
        let output = Output()
        ConfigurationReport(configuration, file: "weir.yaml").write(to: output, terminal: Terminal(hasColour: false))
        return output.collected
    }

    @Test("the example comes to two sinks with a feed each")
    func example() throws {
        #expect(
            try report(Example.text) == """
                weir.yaml: nothing is wrong
                resource: deployment.environment.name, service.name

                  sink    exporter  feed  may wait                on a full queue  spills to
                  local   file      1     256 batches, 32MiB, 1h  dropOldest
                  recent  file      2     256 batches, 32MiB      coalesce         weir-spill

                  feed  every  values      level  views
                  1     10s    cumulative  1      all
                  2     1m     delta       3      db/*, http/*, !http/debug/*

                  views            become
                  without a limit  at most 2000 series
                  all              tags of at most 1024 bytes
                  http/*           without user.id
                  db/*             by db.system, db.operation
                                   at most 500 series
                                   forgotten after 1h
                  http/latency     named http.server.duration
                                   described otherwise
                                   7 bounds
                                   exemplars traceBased
                  http/size        exponential within 2.5 %
                  debug/*          left out

                """)
    }

    @Test("sinks that want the same share a feed, whichever way they say so")
    func feeds() throws {
        let said = try report(
            """
            interval: 5s
            sinks:
              a: {exporter: file, settings: {directory: a}}
              b: {exporter: file, settings: {directory: b}, interval: 5000ms, level: 1, temporality: cumulative}
              c: {exporter: file, settings: {directory: c}, interval: 6s}
            """)
        #expect(said.contains("  a     file      1 "))
        #expect(said.contains("  b     file      1 "))
        #expect(said.contains("  c     file      2 "))
    }

    @Test("without sinks nothing is exported, and it says so")
    func noSinks() throws {
        #expect(try report("interval: 1s") == "weir.yaml: nothing is wrong\nno sinks: nothing is exported\n")
    }

    @Test("what came from the environment is not shown")
    func secrets() throws {
        let said = try report(
            """
            stats: {socket: "/run/${S}"}
            resource: {a: "${S}"}
            views: [{select: "${S}", rename: "x${S}", keep: ["${S}", b]}]
            sinks:
              a:
                exporter: "${P}/plugin.so"
                match: ["${S}"]
                spill: {directory: "${S}"}
            """, ["S": "classified", "P": "/classified", "WEIR_SINKS_A_DEAD_LETTERS": "classified"])
        #expect(!said.contains("classified"))
        #expect(said.contains("  ${S}   named x${S}\n         by ${S}, b\n"))
        #expect(said.contains("${P}/plugin.so"))
    }
}
