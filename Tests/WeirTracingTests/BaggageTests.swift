import Testing
import WeirTestSupport

@testable import WeirTracing

@Suite("The baggage header")
struct BaggageTests {
    /// `name: value` of a header's members, decoded.
    private func members(_ header: String) -> [String]? {
        Baggage(header)?.members.map { "\($0.name): \(Baggage.decoded($0.value) ?? "nothing")" }
    }

    @Test(
        "it is read as W3C writes it",
        arguments: [
            ("", []),
            ("key1=value1", ["key1: value1"]),
            (
                "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
                ["key1: value1", "key2: value2", "key3: value3"]
            ),
            (
                "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false",
                ["userId: Amélie", "serverNode: DF 28", "isProduction: false"]
            ),
            ("a=b=c,!#$%&'*+-.^_`|~9=/:@?[]{}()<>", ["a: b=c", "!#$%&'*+-.^_`|~9: /:@?[]{}()<>"]),
            (" , a=1 ,\t,b=,,", ["a: 1", "b: "]),
            ("a=%ff%41%c3", ["a: \u{FFFD}A\u{FFFD}"]),
            ("a=1+1", ["a: 1+1"]),
        ])
    func read(header: String, expected: [String]) throws {
        let found = try #require(members(header))
        #expect(found == expected)
    }

    @Test(
        "what is no baggage is nothing",
        arguments: [
            "a", "=", "=b", " =b", "a b=c", "a=b c", "a=\"b\"", "a=b\\c", "a=é", "é=a", "a=1,b", "a=1;p\"", "a=1;p,q",
            "a\u{0}=1", "a=1\r\nb: c", "a=1;p\n", "a(=1", "a=\u{7F}",
        ])
    func refused(header: String) {
        #expect((Baggage(header) == nil) == true)
    }

    @Test("a percent sign needs two digits", arguments: ["%", "%4", "%4g", "%g4", "a%", "%%41", "%-1"])
    func percent(value: String) {
        #expect((Baggage.decoded(Substring(value).utf8) == nil) == true)
    }

    @Test("bytes and members are counted")
    func limits() {
        let value = String(repeating: "v", count: Baggage.maximumBytes - 2)
        #expect((Baggage("a=" + value)?.members.count == 1) == true)
        #expect((Baggage("a=" + value + "v") == nil) == true)
        let many = (0..<180).map { "k\($0)=v" }.joined(separator: ",")
        #expect((Baggage(many)?.members.count == 180) == true)
        #expect((Baggage(many + ",one=more") == nil) == true)
        // Commas alone are no members.
        #expect((Baggage(String(repeating: ",", count: 8_192))?.members.count == 0) == true)
    }

    @Test(
        "values are written such that everybody reads them",
        arguments: [
            ("acme", "acme"), ("a b", "a%20b"), ("1+1=2", "1%2B1=2"), ("100%", "100%25"), ("é", "%C3%A9"),
            ("a,b;c\\\"", "a%2Cb%3Bc%5C%22"), ("", ""),
        ])
    func written(value: String, expected: String) {
        #expect(Baggage.encoded(value) == expected)
    }

    @Test("names that are no tokens are written percent-encoded")
    func names() {
        #expect(Baggage.name(of: "http.route") == "http.route")
        #expect(Baggage.name(of: "50%") == "50%")
        #expect(Baggage.name(of: "tenant name, 50%") == "tenant%20name%2C%2050%25")
    }

    @Test("a writer leaves out what does not fit, wholly, and takes what still does")
    func writer() {
        var writer = BaggageWriter()
        writer.append(String(repeating: "a", count: 8_000))
        writer.append(String(repeating: "b", count: 192))
        #expect(writer.text.utf8.count == 8_000)
        writer.append(String(repeating: "c", count: 191))
        #expect(writer.text.utf8.count == 8_192)
        var many = BaggageWriter()
        for _ in 0..<200 { many.append("a=b") }
        #expect(many.text.split(separator: ",").count == 180)
    }

    @Test("of any text, what is read can be written, and is read as the same again")
    func random() throws {
        var generator = SeededGenerator(seed: 0xBA66A6E)
        var (read, refused) = (0, 0)
        for _ in 0..<(10_000 * testScale) {
            let text = randomHeader(names: ["a", "b", "c.d"], using: &generator)
            guard let baggage = Baggage(text) else {
                refused += 1
                continue
            }
            read += baggage.members.isEmpty ? 0 : 1
            var writer = BaggageWriter()
            for member in baggage.members { writer.append(member.text) }
            let again = try #require(Baggage(writer.text), "\(text)")
            #expect(again.members.map(\.text) == baggage.members.map(\.text))
            #expect(again.members.map(\.name) == baggage.members.map(\.name))
            for member in baggage.members {
                guard let value = Baggage.decoded(member.value) else { continue }
                let decoded = try #require(Baggage.decoded(Substring(Baggage.encoded(value)).utf8))
                #expect(decoded == value)
            }
        }
        #expect(read > 1_000 * testScale, "\(read) were read")
        #expect(refused > 1_000 * testScale, "\(refused) were refused")
    }
}

/// A header that is baggage, or else almost; now and then anything.
func randomHeader(names: [String], using generator: inout SeededGenerator) -> String {
    if Int.random(in: 0..<10, using: &generator) == 0 {
        let count = Int.random(in: 0...20, using: &generator)
        return String(decoding: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }, as: UTF8.self)
    }
    func piece(_ common: [String], _ odd: [String]) -> String {
        (Int.random(in: 0..<16, using: &generator) == 0 ? odd : common).randomElement(using: &generator) ?? ""
    }
    let bytes = ["\u{0}", "\"", "\\", "\n", "é", "%", "%4", ",", ";", " ", "\u{7F}"]
    let members = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
        let (name, equals) = (piece(names, ["", "é", "(", " "]), piece(["=", " =", "= "], ["", "=="]))
        let value = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            piece(["v9", "%41", "%C3%A9", "%c3", "+", "="], bytes + ["%00"])
        }
        return name + equals + value.joined() + piece(["", "", ";p=q", " ; p"], bytes)
    }
    return members.joined(separator: piece([",", " ,\t"], [",,", ";"]))
}
