import Testing
import WeirTestSupport

@Suite("weir config, as a user runs it")
struct ConfigCommandTests {
    private let wrong = """
        interval: 10
        sinks:
          file:
            exporter: file
            polcy: lifo
            settings: {directory: weir-data}
        """

    @Test("an example that is printed is accepted")
    func example() throws {
        let directory = try TemporaryDirectory()
        let example = try Command.weir("config", "example")
        #expect(example.status == 0 && example.errors == "")
        try directory.write(Array(example.output.utf8), to: "weir.yaml")
        let check = try Command.weir("config", "check", in: directory)
        #expect(check.status == 0 && check.errors == "")
        #expect(check.output.hasPrefix("weir.yaml: nothing is wrong\n"))
        // It opened nothing.
        #expect(try directory.names() == ["weir.yaml"])
    }

    @Test("all that is wrong is told on stderr as a compiler does it, and the exit code is 78")
    func wrongFile() throws {
        let directory = try TemporaryDirectory()
        try directory.write(Array(wrong.utf8), to: "shop.yaml")
        let check = try Command.weir("config", "check", "shop.yaml", in: directory)
        #expect(check.status == 78 && check.output == "")
        #expect(
            check.errors == """
                shop.yaml:1:11: error: interval: expected a duration such as 500ms, 10s or 1h, from 1ms to 366d, found '10'
                    1 | interval: 10
                      |           ^~
                shop.yaml:5:5: error: unknown key 'polcy' in sinks.file: did you mean 'policy'?
                    5 |     polcy: lifo
                      |     ^~~~~

                """)
    }

    @Test("the environment names the file, and overrides what is in it")
    func environment() throws {
        let directory = try TemporaryDirectory()
        try directory.write(Array(wrong.replacing("polcy", with: "policy").utf8), to: "shop.yaml")
        let environment = ["WEIR_CONFIG": "shop.yaml", "WEIR_INTERVAL": "3s"]
        let check = try Command.weir("config", "check", environment: environment, in: directory)
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.output.contains("  1     3s     cumulative"))
    }

    @Test("plugins are asked for their settings where that is wanted")
    func plugins() throws {
        let directory = try TemporaryDirectory()
        let library = Command.weirPath.replacing(#/weir$/#, with: "libFileExporter.so")
        let yaml = """
            sinks:
              a: {exporter: "${PLUGIN}", settings: {directory: d, rotateBites: 1}}
              b: {exporter: natz}
            """
        try directory.write(Array(yaml.utf8), to: "weir.yaml")
        let environment = ["PLUGIN": library]
        let unasked = try Command.weir("config", "check", environment: environment, in: directory)
        #expect(unasked.status == 0, "\(unasked.errors)")
        let asked = try Command.weir("config", "check", "--plugins", environment: environment, in: directory)
        #expect(asked.status == 78)
        #expect(
            asked.errors.contains(
                "weir.yaml:2:55: error: unknown key 'rotateBites' in sinks.a.settings: did you mean 'rotateBytes'?\n"))
        #expect(asked.errors.contains("weir.yaml:3:17: error: sinks.b.exporter: natz: no such plugin: wanted "))
        #expect(!asked.errors.contains(library))
    }

    @Test("a file that is not there is another exit code")
    func unreadable() throws {
        let directory = try TemporaryDirectory()
        let check = try Command.weir("config", "check", in: directory)
        #expect(check.status == 2)
        #expect(check.errors == "weir.yaml: error: cannot be read: No such file or directory\n")
        #expect(try Command.weir("config", "check", "a", "b").status == 64)
    }
}
