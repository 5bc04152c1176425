internal import NIOCore
private import NIOPosix
private import Synchronization
private import WeirBatch
private import WeirGzip

/// Writes collections, each once in each form that is asked for, on a thread of its own: the one that serves clients
/// goes on serving.
final class Renderer: Sendable {
    private struct Written {
        var number: UInt64
        /// By format and encoding.
        var bodies: [[ByteBuffer?]]

        init(number: UInt64) {
            self.number = number
            bodies = Array(
                repeating: Array(repeating: nil, count: Negotiation.Encoding.allCases.count),
                count: Format.allCases.count)
        }
    }

    private let isCreatedShown: Bool
    private let pool = NIOThreadPool(numberOfThreads: 1)
    // Held for lookups; the one thread writes without it.
    private let written = Mutex(Written(number: 0))

    init(isCreatedShown: Bool) {
        self.isCreatedShown = isCreatedShown
        pool.start()
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
        let known = written.withLock { written -> (body: ByteBuffer?, plain: ByteBuffer?) in
            if written.number != published.number { written = Written(number: published.number) }
            return (written.bodies[format][encoding], written.bodies[format][Negotiation.Encoding.identity.rawValue])
        }
        if let body = known.body { return body }
        let plain =
            known.plain.map { Array($0.readableBytesView) }
            ?? Exposition.bytes(of: published.snapshot, as: wanted.format, isCreatedShown: isCreatedShown)
        let body =
            switch wanted.encoding {
            case .identity: ByteBuffer(bytes: plain)
            case .gzip: ByteBuffer(bytes: try Gzip.compress(plain, level: 1))
            case .zstd: ByteBuffer(bytes: try Zstd.compress(plain, level: 1))
            }
        written.withLock { $0.bodies[format][encoding] = body }
        return body
    }
}
