import Testing
import WeirDump
import WeirTestSupport

@Suite("Selectors")
struct SelectorTests {
    @Test(
        "a selector reads what Prometheus writes, and the names of views",
        arguments: [
            ("http/latency", 1), ("demo.files{}", 1), (#"http/latency{http.route="/users"}"#, 2),
            (#"{a="1",b!="2",c=~"x.*",d!~'y'}"#, 4), (#"{ a = "1" , b = "2" , }"#, 2), ("{}", 0),
            (#"{"my view"}"#, 1), (#"{"my view","odd key"="1"}"#, 2), (#"a:b-c_d{x=`raw\`}"#, 2),
            (#"{"quoted key"="1"}"#, 1),
        ])
    func reads(text: String, matchers: Int) throws {
        #expect(try Selector(parsing: text).matchers.count == matchers)
    }

    @Test("values are unquoted, and what a regular expression escapes stays escaped")
    func unquotes() throws {
        let selector = try Selector(parsing: #"{a="q\"\\\n\t\.",b=`q\n`,c='"'}"#)
        let values = selector.matchers.map { matcher in
            if case .equal(let value) = matcher.operation { value } else { "" }
        }
        #expect(values == ["q\"\\\n\t\\.", #"q\n"#, "\""])
    }

    @Test(
        "operators match as in Prometheus",
        arguments: [
            (#"{a="1"}"#, "1", true), (#"{a="1"}"#, "12", false), (#"{a!="1"}"#, "2", true), (#"{a!="1"}"#, "1", false),
            (#"{a=~"1|2"}"#, "2", true), (#"{a=~"1"}"#, "12", false), (#"{a=~"1.*"}"#, "12", true),
            (#"{a!~"1.*"}"#, "12", false), (#"{a!~"1"}"#, "12", true), (#"{a=~"(?i)get"}"#, "GET", true),
            (#"{a=~""}"#, "", true),
        ])
    func matches(text: String, value: String, expected: Bool) throws {
        let matchers = try Selector(parsing: text).matchers
        #expect(matchers.allSatisfy { $0.matches(value) } == expected)
    }

    @Test(
        "what cannot be read is an error that points at the place",
        arguments: [
            ("", 0, "a view's name or '{'", "the end"),
            (#"a{b="1""#, 7, "',' or '}'", "the end"),
            (#"a{b="1" c="2"}"#, 8, "',' or '}'", "'c'"),
            ("a{b}", 3, "'=', '!=', '=~' or '!~'", "'}'"),
            ("a{b=1}", 4, "a quoted value", "'1'"),
            (#"a{b!"1"}"#, 4, "'=' or '~' after '!'", "'\"'"),
            (#"a{b="1}"#, 4, "a closing \" for this one", "the end"),
            (#"a{,}"#, 2, "a tag's key or '}'", "','"),
            (#"a b"#, 2, "'{' or the end", "'b'"),
            (#"a{} b"#, 4, "'{' or the end", "'b'"),
        ])
    func refuses(text: String, column: Int, expected: String, found: String) {
        #expect(throws: DumpError.selector(text: text, column: column, expected: expected, found: found)) {
            try Selector(parsing: text)
        }
    }

    @Test("the error shows the selector with a caret under the place")
    func caret() {
        let error = DumpError.selector(text: "a{b=1}", column: 4, expected: "a quoted value", found: "'1'")
        #expect(error.description == "expected a quoted value, found '1'\n  a{b=1}\n      ^")
    }

    @Test("a broken regular expression is an error at its quote")
    func brokenRegex() {
        let error = #expect(throws: DumpError.self) { try Selector(parsing: #"a{b=~"(x"}"#) }
        guard case .selector(_, let column, let expected, _) = error else {
            Issue.record("not an error of the selector")
            return
        }
        #expect(column == 5)
        #expect(expected == "a regular expression")
    }

    @Test("no text makes the parser trap")
    func fuzz() {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array(#"ab{}="'`\!~,. é/("#)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...12, using: &generator)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator)! })
            do throws(DumpError) {
                _ = try Selector(parsing: text)
            } catch {
                guard case .selector(text, let column, _, _) = error else {
                    Issue.record("another error for \(text)")
                    continue
                }
                #expect((0...text.count).contains(column))
            }
        }
    }
}
