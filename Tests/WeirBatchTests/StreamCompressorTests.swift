import Testing
import WeirBatch
import WeirTestSupport

@Suite("Compressing a stream to count it")
struct StreamCompressorTests {
    private func compressed(
        _ bytes: [UInt8], pieces size: Int, _ compressor: inout StreamCompressor
    ) throws(BatchError) -> Int {
        var count = 0
        var rest = bytes[...]
        while rest.count > size {
            count += try compressor.add(Array(rest.prefix(size)).span)
            rest = rest.dropFirst(size)
        }
        return count + (try compressor.finish(Array(rest).span))
    }

    @Test("noise stays as large as it is and sameness goes, in pieces of any size", arguments: [7, 1_000, 1 << 20])
    func counts(size: Int) throws {
        var generator = SeededGenerator(seed: 5)
        let noise = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var compressor = try StreamCompressor(level: 3)
        let count = try compressed(noise, pieces: size, &compressor)
        #expect((100_000...100_100).contains(count))
        #expect(try compressed(Array(repeating: 1, count: 100_000), pieces: size, &compressor) < 200)
    }

    @Test("a frame has nothing of the one before, finished or thrown away")
    func independent() throws {
        let text = Array("every frame is one for itself, and each as long as the other".utf8)
        var compressor = try StreamCompressor(level: 3)
        let once = try compressor.finish(text.span)
        #expect(once > 0)
        _ = try compressor.add([UInt8](repeating: 3, count: 500_000).span)
        compressor.reset()
        #expect(try compressor.finish(text.span) == once)
        // Magic number, descriptor, size, an empty block and the checksum.
        #expect(try compressor.finish([UInt8]().span) == 13)
    }

    @Test("a level that zstd does not have is refused")
    func level() {
        #expect {
            _ = try StreamCompressor(level: 23)
        } throws: { error in
            guard case .compressionLevel(_, 23)? = error as? BatchError else { return false }
            return true
        }
    }
}
