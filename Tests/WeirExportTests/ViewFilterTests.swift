import Testing

@testable import WeirExport

@Suite("Patterns over the names of views")
struct ViewFilterTests {
    @Test(
        "choose those that match one, and none with an exclamation mark",
        arguments: [
            (["http/*"], "http/latency", true), (["http/*"], "rpc/latency", false), (["http/*"], "https/x", false),
            (["http/*", "!http/debug/*"], "http/debug/a", false), (["!http/debug/*", "http/*"], "http/a", true),
            (["!debug/*"], "anything", true), (["!debug/*"], "debug/x", false), ([], "x", true),
            (["a?c"], "aéc", true), (["a?c"], "ac", false), (["*"], "", true), (["a"], "ab", false),
            (["*b*b*b*c"], "abbbabcb", false), (["*b*b*b*c"], "abbbabc", true), (["**"], "x", true),
            (["http/*"], "weir.sink.batches", true), (["http/*", "!weir.*"], "weir.sink.batches", false),
        ])
    func matches(patterns: [String], name: String, isIn: Bool) throws {
        #expect(try ViewFilter(patterns).matches(name) == isIn)
    }

    @Test("without a character to match are refused")
    func refuses() {
        #expect(throws: ViewFilterFault(pattern: "")) { try ViewFilter(["a", ""]) }
        #expect(throws: ViewFilterFault(pattern: "!")) { try ViewFilter(["!"]) }
    }

    @Test("of many stars cost no more than lengths multiplied")
    func cost() throws {
        let filter = try ViewFilter([String(repeating: "*a", count: 100) + "b"])
        #expect(!filter.matches(String(repeating: "a", count: 2_000)))
    }

    @Test("in another order are the same feed")
    func order() throws {
        #expect(try ViewFilter(["a", "!b", "c"]) == ViewFilter(["c", "a", "!b", "a"]))
        #expect(try ViewFilter([]) == .all)
    }
}
