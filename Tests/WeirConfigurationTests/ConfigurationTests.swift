import Foundation
import Testing
import Weir
import WeirRecording
import WeirTestSupport

@testable import WeirConfiguration

@Suite("Configuration")
struct ConfigurationTests {
    @Test("the example is a configuration, and so is what it only shows")
    func example() throws {
        let plain = try configuration(Example.text)
        #expect(plain.sinkModels.map(\.name) == ["local", "recent"])
        #expect(plain.resource["service.name"] == "example")
        // A policy at a time; the rest all together.
        let policies = Example.text.split(separator: "\n").filter { $0.contains("#policy") }
        #expect(policies.count == 5)
        for policy in policies {
            let text = Example.text.split(separator: "\n").map { line in
                if line == policy { return line.replacing("#policy", with: "policy") }
                if line.contains("policy: dropOldest") || line.contains("#policy") { return "" }
                return line.replacing(#/^( *)#(?! \S|$)/#) { "\($0.1)" }
            }.joined(separator: "\n")
            let whole = try configuration(text)
            #expect(whole.sinkModels.map(\.name) == ["local", "recent", "remote"])
            #expect(whole.sinkModels[0].policy != nil && whole.sinkModels[0].policy != .dropOldest)
            #expect(whole.pluginPath == ["/usr/local/lib/weir"])
            #expect(whole.statsSocket == "/run/example/weir.sock")
        }
    }

    @Test("the example has every key that is known")
    func exampleIsWhole() throws {
        // What errors of unknown keys list as known.
        let probes =
            ["x: 1", "limits: {x: 1}", "views: [{x: 1}]", "plugins: {x: 1}", "stats: {x: 1}"]
            + ["x: 1", "bounds: {x: 1}", "retry: {x: 1}", "breaker: {x: 1}", "spill: {x: 1}", "settings: {x: 1}"]
            .map { "sinks: {a: {exporter: file, \($0)}}" }
        for probe in probes {
            let error = #expect(throws: ConfigurationError.self) { try configuration(probe) }
            let known = error?.problems.compactMap { problem -> [String]? in
                if case .unknownKey("x", _, let known) = problem.fault { known } else { nil }
            }
            #expect(known?.count == 1, "\(probe)")
            for key in known?.first ?? [] { #expect(Example.text.contains("\(key):"), "\(probe): \(key)") }
        }
    }

    @Test("every key of the example says what it says")
    func values() throws {
        let read = try configuration(Example.text, ["SERVICE_NAME": "shop", "WEIR_DATA": "/data"])
        #expect(read.interval == .seconds(10) && read.level == 1)
        #expect(read.resource == ["service.name": "shop", "deployment.environment.name": "development"])
        #expect(read.viewRules.seriesLimit == 2_000 && read.viewRules.tagValueBytes == 1_024)
        let rules = read.viewRules.rules
        #expect(rules.map(\.pattern) == ["http/*", "db/*", "http/latency", "http/size", "debug/*"])
        #expect(rules[0] == ViewRule("http/*", removing: ["user.id"]))
        #expect(
            rules[1]
                == ViewRule(
                    "db/*", keepingOnly: ["db.system", "db.operation"], seriesLimit: 500, forgetsIdle: .seconds(3600)))
        #expect(rules[2].name == "http.server.duration" && rules[2].description == "Time to serve a request")
        #expect(rules[2].buckets == .bounds([0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]))
        #expect(rules[2].exemplars == .traceBased && rules[3].exemplars == nil)
        #expect(rules[3].buckets == .exponential(relativeError: 0.025))
        #expect(rules[4] == .dropping("debug/*"))
        let local = read.sinkModels[0]
        #expect(local.exporter == "file" && local.settings["directory"] == "/data")
        #expect(local.settings["rotateBytes"] == "64MiB")
        #expect(local.maximumBatches == 256 && local.maximumBytes == 32 << 20 && local.maximumAge == .seconds(3600))
        #expect(local.policy == .dropOldest && local.timeout == .seconds(10))
        #expect(
            local.retry
                == SinkModel.Retry(first: .milliseconds(500), longest: .seconds(30), longestHint: .seconds(300)))
        #expect(local.breaker == SinkModel.Breaker(failuresInARow: 5, failuresOf20: 10, pause: .seconds(30)))
        let recent = read.sinkModels[1]
        #expect(recent.interval == .seconds(60) && recent.level == 3 && recent.isDelta == true)
        #expect(recent.match == ["http/*", "db/*", "!http/debug/*"] && recent.workers == 1 && recent.onDemand == false)
        #expect(recent.spill == SinkModel.Spill(directory: "weir-spill", maximumBytes: 1 << 30, sync: "second"))
        #expect(recent.deadLetterDirectory == "weir-dead-letters")
    }

    @Test("a key that has another name now is read, with a warning that names both and the place")
    func formerNames() throws {
        func read(_ sink: String, _ environment: [String: String] = [:]) throws(ConfigurationError) -> Configuration {
            try Configuration(yaml: "sinks:\n  a:\n    exporter: stdout\n\(sink)", environment: environment)
        }
        let former = try read("    poison: there\n")
        #expect(former.sinkModels[0].deadLetterDirectory == "there")
        #expect(former.warnings.count == 1)
        #expect(former.warnings[0].hasPrefix("weir.yaml:4:5: warning: sinks.a.poison is called 'deadLetters' now"))
        let overridden = try read("", ["WEIR_SINKS_A_POISON": "elsewhere"])
        #expect(overridden.sinkModels[0].deadLetterDirectory == "elsewhere")
        #expect(overridden.warnings.count == 1)
        #expect(overridden.warnings[0].hasPrefix("environment variable WEIR_SINKS_A_POISON: warning: "))
        #expect(try read("    deadLetters: there\n").warnings.isEmpty)
        #expect(throws: ConfigurationError.self) { _ = try read("    poison: there\n    deadLetters: there\n") }
    }

    @Test("policies are read with what they need")
    func policies() throws {
        let expected: [(String, OverflowPolicy)] = [
            ("dropOldest", .dropOldest), ("dropNewest", .dropNewest), ("'lifo'", .lifo), ("{coalesce: {}}", .coalesce),
            ("{block: {deadline: 1500ms}}", .block(deadline: .milliseconds(1500))),
            (
                "{asyncThenSync: {high: 0.8, low: 0.5, deadline: 1s}}",
                .asyncThenSync(high: 0.8, low: 0.5, deadline: .seconds(1))
            ),
            ("{random: {low: 0, high: 1}}", .random(low: 0, high: 1)),
            ("{expire: {age: 5m}}", .expire(age: .seconds(300))),
            ("{codel: {target: 5s, interval: 100s}}", .codel(target: .seconds(5), interval: .seconds(100))),
        ]
        for (text, policy) in expected {
            let read = try configuration("sinks: {a: {exporter: file, settings: {directory: d}, policy: \(text)}}")
            #expect(read.sinkModels.map(\.policy) == [policy])
            #expect(try OverflowPolicy(spelled: text, place: "--policy") == policy)
        }
        #expect(
            try OverflowPolicy(spelled: "block: {deadline: 1s}", place: "--policy") == .block(deadline: .seconds(1)))
    }

    @Test(
        "a policy that stands alone is refused as it is in a file",
        arguments: [
            "", "lifo, dropOldest", "blokc: {deadline: 1s}", "block: {deadline: 1}", "block", "{", "lifo\nlevel: 3",
            "[lifo]",
            "{random: {low: 1, high: 0}}",
        ])
    func lonePolicies(text: String) {
        #expect(throws: ConfigurationError.self) { try OverflowPolicy(spelled: text, place: "--policy") }
    }

    @Test("a variable overrides a key, whether it is in the file or not")
    func overrides() throws {
        let yaml = """
            interval: 10s
            sinks:
              my-file:
                exporter: file
                settings: {directory: d, rotateBytes: 1MiB}
                policy: {block: {deadline: 1s}}
            """
        let environment = [
            "WEIR_INTERVAL": "5s", "WEIR_LEVEL": "7", "WEIR_STATS_SOCKET": "/run/s", "WEIR_LIMITS_SERIES": "10",
            "WEIR_SINKS_MY_FILE_SETTINGS_DIRECTORY": "/other", "WEIR_SINKS_MY_FILE_SETTINGS_ROTATE_AGE": "2h",
            "WEIR_SINKS_MY_FILE_POLICY": "lifo", "WEIR_SINKS_MY_FILE_BOUNDS_BYTES": "1MiB",
            "WEIR_SINKS_MY_FILE_RETRY_LONGEST_HINT": "9s", "WEIR_SINKS_MY_FILE_ON_DEMAND": "true", "WEIR_CPU": "atomic",
        ]
        let read = try configuration(yaml, environment)
        #expect(read.interval == .seconds(5) && read.level == 7)
        #expect(read.statsSocket == "/run/s" && read.viewRules.seriesLimit == 10)
        let sink = try #require(read.sinkModels.first)
        #expect(sink.settings == ["directory": "/other", "rotateBytes": "1MiB", "rotateAge": "2h"])
        #expect(sink.policy == .lifo && sink.maximumBytes == 1 << 20)
        #expect(sink.retry.longestHint == .seconds(9) && sink.onDemand == true)
    }

    @Test(
        "variables stand in values as the shell has them",
        arguments: [
            ("${A}", "a"), ("x${A}y${A}z", "xayaz"), ("${B:b}", "b"), ("${B:-b}", "b"), ("${A:b}", "a"), ("${B:}", ""),
            ("${E:x}", "x"), ("${E}", ""), ("$$", "$"), ("$${A}", "${A}"), ("$A $ 5$", "$A $ 5$"),
            ("${B:a:b c}", "a:b c"),
            ("${B:--}", "-"), ("$$$$", "$$"), ("${env:A}", "a"), ("${env:B:-b}", "b"), ("${_x1}", "under"),
        ])
    func substitution(written: String, text: String) throws {
        let environment = ["A": "a", "E": "", "_x1": "under"]
        #expect(try Substitution(written, environment: environment, room: 100).text == text)
        let read = try configuration("resource: {k: \"\(written)\"}", environment)
        #expect(read.resource["k"] == text)
    }

    @Test("a value that comes from a variable is not looked at for variables again, nor for YAML")
    func noSecondLook() throws {
        let read = try configuration("resource:\n  a: ${X}\n  b: '${X}'\n", ["X": "[${Y}] # $$"])
        #expect(read.resource == ["a": "[${Y}] # $$", "b": "[${Y}] # $$"])
    }

    @Test("JSON is a configuration too, and keys may have nothing under them")
    func forms() throws {
        let read = try configuration(
            #"{"interval": "1s", "sinks": {"a": {"exporter": "file", "settings": {"directory": "d"}}}}"#)
        #expect(read.sinkModels.map(\.name) == ["a"])
        #expect(try configuration("resource:\nviews:\nsinks:\nlimits:\nplugins:\nstats:\n") == Configuration())
    }

    @Test("the file is what is named, or WEIR_CONFIG says, or weir.yaml here")
    func defaultPath() {
        #expect(Configuration.defaultPath(environment: [:]) == "weir.yaml")
        #expect(Configuration.defaultPath(environment: ["WEIR_CONFIG": ""]) == "weir.yaml")
        #expect(Configuration.defaultPath(environment: ["WEIR_CONFIG": "/etc/weir.yaml"]) == "/etc/weir.yaml")
    }

    @Test("a file is read as a text is")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/weir.yaml"
        try Example.text.write(toFile: path, atomically: true, encoding: .utf8)
        let environment = ["SERVICE_NAME": "x"]
        #expect(
            try Configuration(contentsOf: path, environment: environment) == configuration(Example.text, environment))
    }
}
