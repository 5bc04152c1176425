import Testing
import WeirHTTPClient
import WeirTestSupport

@testable import OtlpHttpSink
@testable import WeirExporterKit

@Suite("OTLP's messages")
struct MessageTests {
    @Test("buckets that lie far apart are shown at a lower scale, and no count is lost")
    func denseBuckets() {
        let near = [DeliveredBucket(index: -3, count: 1), DeliveredBucket(index: 0, count: 2)]
        let exact = DenseBuckets(scale: 5, positive: near, negative: [])
        #expect(exact.scale == 5 && exact.positive == .init(offset: -3, counts: [1, 0, 0, 2]))
        #expect(exact.negative == .init())
        let far = [DeliveredBucket(index: .min, count: 1), DeliveredBucket(index: .max, count: 2)]
        let wide = DenseBuckets(scale: 20, positive: far, negative: near)
        #expect(wide.positive.counts.count <= 1024)
        #expect(wide.positive.counts.reduce(0, +) == 3 && wide.negative.counts.reduce(0, +) == 3)
        #expect(wide.scale < 20)
        let pairs = (0..<2048).map { DeliveredBucket(index: $0, count: UInt64($0)) }
        let merged = DenseBuckets(scale: 3, positive: pairs, negative: [])
        #expect(merged.scale == 2 && merged.positive.counts.count == 1024)
        #expect(merged.positive.counts[5] == 10 + 11)
    }

    private func answer(_ body: [UInt8], type: String? = "application/x-protobuf") -> HTTPAnswer {
        HTTPAnswer(status: 200, headers: type.map { [HTTPHeader("content-type", $0)] } ?? [], body: body)
    }

    @Test("a collector's answer is read, and one that cannot be read is a yes all the same")
    func answers() {
        #expect(ExportAnswer(answer([], type: "text/plain")) == ExportAnswer(answer([])))
        let partial = ExportAnswer(answer([0x0A, 6, 0x08, 5, 0x12, 2, 0x6E, 0x6F]))
        #expect(partial.rejectedPoints == 5 && partial.message == "no")
        let negative: [UInt8] = [0x0A, 11, 0x08] + [UInt8](repeating: 0xFF, count: 9) + [1]
        #expect(ExportAnswer(answer(negative)).rejectedPoints == 0)
        // The field that was read before the answer breaks counts for nothing.
        for body in [[0x0A, 6, 0x08], [0x0A, 2, 0x08, 5, 0xFF], Array("OK".utf8)] as [[UInt8]] {
            let unreadable = ExportAnswer(answer(body))
            #expect(unreadable.unreadable != nil && unreadable.rejectedPoints == 0 && unreadable.message == "")
        }
        let json = ExportAnswer(answer(Array("{}".utf8), type: "application/json"))
        #expect(json.unreadable?.contains("application/json") == true && json.rejectedPoints == 0)
        #expect(ExportAnswer(HTTPAnswer(status: 200, isWhole: false)).unreadable != nil)
        var random = SeededGenerator(seed: 11)
        for _ in 0..<(5000 * testScale) {
            let length = Int.random(in: 0...30, using: &random)
            _ = ExportAnswer(answer((0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }))
        }
    }
}
