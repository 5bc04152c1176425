import Foundation
import Testing
import WeirBatch
import WeirDump
import WeirTestSupport

/// Files cut and changed at every byte: nothing traps, what is whole is shown, and what is not is reported.
@Suite("Damaged files")
struct DamageTests {
    /// Three frames, and where each begins.
    private func file() throws -> (bytes: [UInt8], starts: [Int]) {
        var encoder = try BatchEncoder()
        var bytes: [UInt8] = []
        var starts: [Int] = []
        for number in 1...3 {
            starts.append(bytes.count)
            let payload = try encoder.encode(ShopBatches.batch(number))
            let header = FrameHeader(
                stream: ShopBatches.stream, first: UInt64(number), last: UInt64(number), payload: payload)
            bytes += header.encoded() + payload.bytes
        }
        return (bytes, starts)
    }

    private func dump(_ path: String, _ mode: DumpMode) -> (status: DumpStatus, output: String, said: String) {
        let (output, said) = (Output(), Output())
        var run = DumpRun(DumpOptions(operands: [path]), mode: mode, output: output, diagnostics: Diagnostics(said))
        return (run.run(), output.collected, said.collected)
    }

    private func points(_ output: String) -> Int { output.split(separator: "\n").count }

    @Test("a file cut at any byte shows every whole batch, and says what was cut")
    func cut() throws {
        let (bytes, starts) = try file()
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("cut-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        let rows = (1...3).map { ShopBatches.batch($0).rows }
        for length in stride(from: 0, to: bytes.count, by: testScale > 1 ? 1 : 7) {
            try Data(bytes[..<length]).write(to: url)
            let result = dump(url.path, .batches(JSONFormat(), readsPoints: true))
            let whole = (starts + [bytes.count]).dropFirst().filter { $0 <= length }.count
            #expect(points(result.output) == rows[..<whole].reduce(0, +))
            let isWhole = length == 0 || starts.contains(length)
            #expect(result.status == (isWhole ? .complete : .damaged))
            #expect(result.said.contains("damaged") == !isWhole)
        }
    }

    @Test("a file with any byte changed shows the batches that are whole, and says what was changed")
    func flipped() throws {
        let (bytes, starts) = try file()
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("flip-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        let rows = (1...3).map { ShopBatches.batch($0).rows }
        var generator = SeededGenerator(seed: 5)
        for position in stride(from: 0, to: bytes.count, by: testScale > 1 ? 1 : 5) {
            var changed = bytes
            changed[position] ^= UInt8.random(in: 1...255, using: &generator)
            try Data(changed).write(to: url)
            let hit = starts.lastIndex { $0 <= position }!
            let expected = rows.reduce(0, +) - rows[hit]
            let result = dump(url.path, .batches(JSONFormat(), readsPoints: true))
            #expect(result.status == .damaged, "byte \(position)")
            #expect(points(result.output) == expected || points(result.output) == expected + rows[hit])
            #expect(result.said.contains(": byte "))
            for mode: DumpMode in [
                .latest(TextTableFormat(terminal: Terminal(hasColour: true))), .latest(OpenMetricsFormat()),
                .batches(TextBatchFormat(terminal: Terminal(hasColour: false)), readsPoints: true),
                .latest(CSVFormat()),
            ] { #expect(dump(url.path, mode).status == .damaged) }
        }
    }
}
