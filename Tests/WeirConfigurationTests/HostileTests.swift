import Testing
import WeirRecording
import WeirTestSupport

@testable import WeirConfiguration

/// Texts that are made to do harm, and texts that fingers and disks have damaged.
@Suite("Hostile configurations")
struct HostileTests {
    /// Reads bytes; what comes out is a configuration, or problems of which each has its place.
    @discardableResult
    private func read(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> ConfigurationError? {
        do throws(ConfigurationError) {
            _ = try Configuration(SourceText(bytes, name: "weir.yaml"), environment: [:])
            return nil
        } catch {
            #expect(!error.problems.isEmpty, sourceLocation: sourceLocation)
            for problem in error.problems {
                if case .line(let line, let column) = problem.place {
                    #expect(line >= 1 && column >= 1, sourceLocation: sourceLocation)
                    #expect(!problem.excerpt.isEmpty, "\(problem)", sourceLocation: sourceLocation)
                }
                #expect(problem.description.hasPrefix("weir.yaml"), sourceLocation: sourceLocation)
            }
            return error
        }
    }

    private func read(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> ConfigurationError? {
        read(Array(text.utf8), sourceLocation: sourceLocation)
    }

    private func faults(_ text: String) -> [ConfigurationFault] { read(text)?.problems.map(\.fault) ?? [] }

    @Test("a file that is too long is not looked at")
    func tooLong() {
        let text = String(repeating: "# x\n", count: SourceText.limit / 4) + "\n"
        #expect(faults(text) == [.tooLong(limit: SourceText.limit)])
    }

    @Test("what is not UTF-8, or no character of YAML, is found where it is")
    func notText() throws {
        let error = try #require(read(Array("a: b\nc: é".utf8) + [0xFF, 0x0A]))
        #expect(error.problems.map(\.fault) == [.notText(byte: 0xFF)])
        #expect(error.problems.map(\.place) == [.line(2, column: 5)])
        #expect(faults("interval: 1\u{7}s") == [.character(7)])
        #expect(faults("interval: 1s\0") == [.character(0)])
        #expect(
            errors("interval: 1s\r\nlevel: \u{1B}[31m1")
                == """
                weir.yaml:2:8: error: the character U+001B cannot stand in YAML; in double quotes write it as an escape
                    2 | level:  [31m1
                      |        ^
                """)
    }

    @Test("a mark of the encoding is passed over, and lines end as YAML ends them")
    func lines() throws {
        #expect(try configuration("\u{FEFF}interval: 1s\r\nlevel: 2\r").level == 2)
        for end in ["\n", "\r", "\r\n", "\u{85}", "\u{2028}"] {
            let error = try #require(read("interval: 1s\(end)level: 99\(end)"))
            #expect(error.problems.map(\.place) == [.line(2, column: 8)], "\(end.debugDescription)")
        }
    }

    @Test(
        "nesting ends soon, whatever it is made of",
        arguments: ["[", "{a: ", "- ", "? ", "[{a: ", "a:\n"])
    func nesting(opening: String) throws {
        for depth in [33, 900, 1_100, 50_000] {
            var text = ""
            if opening == "a:\n" {
                // Each level is a column further in, so the length grows with the square.
                for level in 0..<min(depth, 1_100) { text += String(repeating: " ", count: level) + opening }
            } else {
                text = String(repeating: opening, count: depth)
            }
            #expect(read(text) != nil)
        }
        let levels = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(faults("x: \(levels)").contains(.tooDeep(limit: YAMLDocument.depthLimit)))
    }

    @Test("aliases of aliases are followed to a bounded number of values, as keys too")
    func aliasBombs() throws {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let reference = "*a\(level - 1)"
            bomb += "a\(level): &a\(level) [" + Array(repeating: reference, count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(faults(bomb).contains(.tooMany(limit: YAMLDocument.valueLimit)))
        for key in ["? *a30\n: x\n", "*a30 : x\n", "{*a30: x, *a30 : y}\n", "{[*a30, *a30], [*a30, *a30]}\n"] {
            #expect(read(bomb + key) != nil)
            #expect(read(bomb + "k: \(key)") != nil)
        }
        #expect(faults("x: &x [*x]").contains { if case .syntax = $0 { true } else { false } })
    }

    @Test("aliases that are meant are followed")
    func aliases() throws {
        let rules = try configuration(
            """
            views:
              - {select: a, keep: &keys [route, "*status"]}
              - {select: &name b, keep: *keys}
              - select: *name
                description: "not *name"
            """
        ).viewRules.rules
        #expect(rules.map(\.pattern) == ["a", "b", "b"])
        #expect(rules[1].keepsOnly == ["route", "*status"])
        #expect(rules[2].description == "not *name")
    }

    @Test("as many values as fit are too many")
    func tooMany() {
        let list = "plugins: {path: [" + String(repeating: "a,", count: YAMLDocument.valueLimit) + "]}"
        #expect(faults(list).contains(.tooMany(limit: YAMLDocument.valueLimit)))
        let keys = (0..<3_000).map { "k\($0): x\n" }.joined()
        let error = read(keys)
        #expect(error?.problems.count == ConfigurationError.limit)
        #expect((error?.omitted ?? 0) > 0)
    }

    @Test("many repeated keys end the reading")
    func repeatedKeys() {
        let text = (0..<200).map { "k\($0): {a: 1, a: 2, a: 3}\n" }.joined()
        #expect(read(text) != nil)
    }

    @Test("variables can not blow up a value")
    func variableBombs() {
        let environment = ["X": String(repeating: "x", count: 100_000)]
        let once = "resource: {a: \"" + String(repeating: "${X}", count: 100_000) + "\"}"
        #expect(errors(once, environment).contains("the values of environment variables exceed"))
        let often = "resource:\n" + (0..<20_000).map { "  k\($0): ${X}\n" }.joined()
        #expect(errors(often, environment).contains("the values of environment variables exceed"))
    }

    @Test("long lines are shown in part")
    func longLines() throws {
        let text = "{" + (0..<20_000).map { "k\($0): 1, " }.joined() + "}"
        let error = try #require(read(text))
        #expect(error.problems.allSatisfy { $0.excerpt.count < 400 })
    }

    @Test("whatever happens to a file, it is a configuration or has problems with places", arguments: 0..<8)
    func mutations(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let valid = Array(Example.text.utf8)
        #expect(read(valid) == nil)
        let pieces = [
            "- ", "? ", ": ", "&a ", "*a", "[", "]", "{", "}", "\"", "'", "|\n", ">\n", "\t", "#", "${", "}", "!!", "%",
            "@", "\n", "\r\n", "  ", ",", "---\n", "...\n", "<<: ", "é", "\u{FEFF}", "\u{2028}", "$$", "null", "~",
            "0x",
        ].map { Array($0.utf8) }
        var accepted = 0
        for _ in 0..<300 * testScale {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<7, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: place)
                case 3: bytes.replaceSubrange(place..<min(place + 40, bytes.count), with: [])
                case 4: bytes = Array(bytes[...place])
                case 5:
                    // A line twice.
                    let start = bytes[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
                    let end = bytes[place...].firstIndex(of: 0x0A) ?? bytes.count - 1
                    bytes.insert(contentsOf: bytes[start...max(start, end)], at: start)
                default:
                    // Uncommented, so that what the example only shows is read too.
                    if let hash = bytes[place...].firstIndex(of: UInt8(ascii: "#")) { bytes.remove(at: hash) }
                }
                if bytes.isEmpty { bytes = [0x0A] }
            }
            if read(bytes) == nil { accepted += 1 }
        }
        // Some changes are in comments: a test in which nothing is accepted would look at errors alone.
        #expect(accepted > 0)
    }
}
