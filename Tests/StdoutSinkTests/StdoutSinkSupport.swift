import Foundation
import StdoutSink
import WeirBatch
import WeirExporterKit
import WeirTestSupport

/// A pipe that somebody else's standard output might be.
final class TestPipe: Sendable {
    let reading: Int32
    let writing: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        (reading, writing) = (ends[0], ends[1])
    }

    func makeNonBlocking() { _ = fcntl(writing, F_SETFL, O_NONBLOCK) }

    func closeReading() { close(reading) }

    func closeWriting() { close(writing) }

    /// All that comes until the other end is closed.
    func readToEnd() -> String {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(reading, &piece, piece.count)
            guard count > 0 else { break }
            all += piece[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }
}

func makeSink(_ format: Int64 = 0, own: Int64 = 0, to descriptor: Int32) throws -> StdoutSink {
    var settings = Settings()
    settings.set("format", text: "", number: format)
    settings.set("own", text: "", number: own)
    let host = ExporterHost(
        log: { _, _ in }, wallNanoseconds: { 0 }, monotonicNanoseconds: { DispatchTime.now().uptimeNanoseconds },
        readHeader: { _ in nil })
    return try StdoutSink(settings: settings, host: host, descriptor: descriptor)
}

/// A batch with its header, encoded as a sink gets it.
struct Frame {
    let header: FrameHeader
    let payload: [UInt8]

    init(_ batch: Batch, number: UInt64) throws {
        var encoder = try BatchEncoder()
        let encoded = try encoder.encode(batch)
        header = FrameHeader(stream: ShopBatches.stream, first: number, last: number, payload: encoded)
        payload = encoded.bytes
    }

    init(endMark number: UInt64) {
        header = FrameHeader(stream: ShopBatches.stream, first: number, last: number)
        payload = []
    }

    /// - Parameter milliseconds: How long it may take.
    @discardableResult
    func deliver(to sink: StdoutSink, milliseconds: UInt64 = 60_000) -> DeliveryResult {
        let encoded = header.encoded()
        let facts = FrameFacts(
            stream: StreamName(high: header.stream.high, low: header.stream.low), numbers: header.first...header.last,
            headerLength: UInt64(encoded.count), payloadLength: header.payloadLength)
        let deadline = DispatchTime.now().uptimeNanoseconds + milliseconds * 1_000_000
        return unsafe encoded.withUnsafeBytes { bytes in
            unsafe payload.withUnsafeBytes { payload in
                let frame = unsafe DeliveryFrame(facts: facts, deadline: deadline, header: bytes, payload: payload)
                return sink.deliver(frame)
            }
        }
    }
}
