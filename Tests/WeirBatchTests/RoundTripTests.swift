internal import Testing
internal import WeirBatch

@Suite("What is written is read back equal")
struct RoundTripTests {
    @Test("random batches of every aggregation", arguments: 1...UInt64(8))
    func randomBatches(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var encoder = try BatchEncoder()
        for _ in 0..<20 * scale { try roundTrip(using: &generator, encoder: &encoder) }
    }

    private func roundTrip(using generator: inout SeededGenerator, encoder: inout BatchEncoder) throws {
        var file = BatchFile()
        for _ in 0..<4 { try file.append(.random(using: &generator), with: &encoder) }
        let items = try Array(reading: file.bytes)
        #expect(items.count == 4)
        for (item, (header, batch)) in zip(items, file.frames) {
            let frame = try #require(item.frame)
            #expect(frame.header == header)
            #expect(try frame.batch() == batch)
        }
    }
}
