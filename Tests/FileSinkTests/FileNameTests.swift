import FileSink
import Foundation
import Testing
import WeirTestSupport

@Suite("The name of a batch file")
struct FileNameTests {
    @Test("a name says when the file began, of which stream it is, and its number there")
    func example() {
        let name = FileName(time: 1_795_526_761_123_456_789, streamPrefix: 0x0123_4567_89AB_CDEF, number: 1)
        #expect(name.text == "weir-20261124T132601.123456789Z-0123456789abcdef-000001.weir.zst")
        #expect(FileName(name.text) == name)
    }

    @Test("names read back as they were written, and agree with the calendar")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 5)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyyMMdd'T'HHmmss"
        // Leap days, the ends of years and centuries, and anything between 1970 and 2554.
        let edges: [UInt64] = [
            0, 951_782_400, 951_868_799, 4_107_542_399, 4_107_542_400, 1_709_164_800, 13_569_465_600,
        ]
        for seconds in edges + (0..<2000).map({ _ in .random(in: 0...18_400_000_000, using: &random) }) {
            let name = FileName(
                time: seconds * 1_000_000_000 + .random(in: 0..<1_000_000_000, using: &random),
                streamPrefix: random.next(), number: .random(in: 1...10_000_000, using: &random))
            #expect(FileName(name.text) == name)
            let date = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            #expect(name.text.hasPrefix("weir-\(date)."))
        }
    }

    @Test("the order of names is the order of times")
    func order() {
        var random = SeededGenerator(seed: 6)
        let names = (0..<500).map { _ in
            FileName(
                time: .random(in: 0...18_400_000_000_000_000_000, using: &random), streamPrefix: random.next(),
                number: .random(in: 1...999_999, using: &random))
        }
        #expect(names.sorted().map(\.text) == names.map(\.text).sorted())
    }

    @Test(
        "other files are not ours",
        arguments: [
            "", "weir-", "notes.txt", "weir-20261124T132601.123456789Z-0123456789abcdef-000001.weir.zst.part",
            "weir-20261324T132601.123456789Z-0123456789abcdef-000001.weir.zst",
            "weir-99991124T132601.123456789Z-0123456789abcdef-000001.weir.zst",
            "weir-20261124T252601.123456789Z-0123456789abcdef-000001.weir.zst",
            "weir-20261124T132601.+23456789Z-0123456789abcdef-000001.weir.zst",
            "weir-20261124T132601.123456789Z-0123456789abcdeg-000001.weir.zst",
            "weir-20261124T132601.123456789Z-0123456789abcdef-1.weir.zst",
            "weir-20261124T132601.123456789Z-0123456789abcdef-99999999999999999999999.weir.zst",
        ])
    func foreign(name: String) {
        #expect(FileName(name) == nil)
    }
}
