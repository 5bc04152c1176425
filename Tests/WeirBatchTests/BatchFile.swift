internal import Foundation
internal import WeirBatch

/// How much larger than in CI the long tests are.
let scale = max(1, ProcessInfo.processInfo.environment["WEIR_TEST_SCALE"].flatMap(Int.init) ?? 1)

/// A batch file in memory, and what a reader should see in it.
struct BatchFile {
    private(set) var bytes: [UInt8] = []
    private(set) var frames: [(header: FrameHeader, batch: Batch)] = []
    let stream = StreamID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    /// Writes a frame as a sink does; gaps as given.
    mutating func append(_ batch: Batch, gaps: [Gap] = [], with encoder: inout BatchEncoder) throws(BatchError) {
        let payload = try encoder.encode(batch)
        let number = UInt64(frames.count + 1)
        var header = FrameHeader(stream: stream, first: number, last: number, payload: payload)
        header.gaps = gaps
        bytes += header.encoded() + payload.bytes
        frames.append((header, batch))
    }

    /// Writes the end mark.
    mutating func end() {
        let number = UInt64(frames.count)
        bytes += FrameHeader(stream: stream, first: number, last: number).encoded()
    }
}

extension Array where Element == Item {
    /// Everything that a reader finds.
    init(reading bytes: [UInt8], limits: ReadLimits = ReadLimits()) throws(BatchError) {
        self = []
        let reader = try BatchReader(MemorySource(bytes), limits: limits)
        while let item = try reader.next() { append(item) }
    }
}

extension Item {
    var frame: Frame? { if case .frame(let frame) = self { frame } else { nil } }
    var endMark: EndMark? { if case .endMark(let mark) = self { mark } else { nil } }
    var headless: HeadlessFrame? { if case .headless(let frame) = self { frame } else { nil } }
    var damage: Damage? { if case .damage(let damage) = self { damage } else { nil } }
}
