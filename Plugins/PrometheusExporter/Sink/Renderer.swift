internal import NIOCore
private import NIOPosix
private import Synchronization
private import WeirBatch
private import WeirExporterSupport

/// Writes collections, each once in each form that is asked for, on a thread of its own: the one that serves clients
/// goes on serving.
final class Renderer: Sendable {
    private struct Written {
        var number: UInt64
        /// By format and encoding.
        var bodies = none
        /// Of the last body of each format, as it is.
        var lengths = [Int](repeating: 0, count: Format.allCases.count)

        static let none = Array(
            repeating: [ByteBuffer?](repeating: nil, count: Negotiation.Encoding.allCases.count),
            count: Format.allCases.count)
    }

    private let isCreatedShown: Bool
    private let pool = NIOThreadPool(numberOfThreads: 1)
    // Held for lookups; the one thread writes without it.
    private let written = Mutex(Written(number: 0))

    init(isCreatedShown: Bool) {
        self.isCreatedShown = isCreatedShown
        Signals.blocked { pool.start() }
    }

    /// The collection as an answer's body.
    func body(
        of published: Scrapes.Published, as wanted: Negotiation, on loop: any EventLoop
    ) -> EventLoopFuture<ByteBuffer> {
        pool.runIfActive(eventLoop: loop) { try self.write(published, as: wanted) }
    }

    func close() { try? pool.syncShutdownGracefully() }

    private func write(_ published: Scrapes.Published, as wanted: Negotiation) throws -> ByteBuffer {
        let (format, encoding) = (wanted.format.rawValue, wanted.encoding.rawValue)
        let identity = Negotiation.Encoding.identity.rawValue
        let known = written.withLock { written -> (body: ByteBuffer?, plain: ByteBuffer?, length: Int) in
            if written.number != published.number {
                (written.number, written.bodies) = (published.number, Written.none)
            }
            return (written.bodies[format][encoding], written.bodies[format][identity], written.lengths[format])
        }
        if let body = known.body { return body }
        // One that grows while it is written would be copied again and again.
        let plain =
            known.plain.map { Array($0.readableBytesView) }
            ?? Exposition.bytes(
                of: published.snapshot, as: wanted.format, isCreatedShown: isCreatedShown,
                capacity: known.length + known.length / 8)
        let body =
            switch wanted.encoding {
            case .identity: ByteBuffer(bytes: plain)
            case .gzip: ByteBuffer(bytes: try Gzip.compress(plain, level: 1))
            case .zstd: ByteBuffer(bytes: try Zstd.compress(plain, level: 1))
            }
        written.withLock { written in
            written.bodies[format][encoding] = body
            written.lengths[format] = plain.count
        }
        return body
    }
}
