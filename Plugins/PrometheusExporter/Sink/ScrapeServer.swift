internal import NIOCore
private import NIOHTTP1
private import NIOPosix
private import Synchronization
internal import WeirExporterKit
private import WeirSystem

/// Serves HTTP/1.1 on one thread, to so many clients at a time.
final class ScrapeServer: Sendable {
    /// With the port that it was given where it asked for any.
    let address: String

    private let group: MultiThreadedEventLoopGroup
    private let connections: Connections

    /// - Parameter timeout: Of ``PrometheusSettings/clientTimeout``. Nanoseconds.
    /// - Throws: An address that cannot be had.
    init(
        at address: ListenAddress, service: ScrapeService, timeout: Int64, maximumConnections: Int
    ) throws(ExporterError) {
        let connections = Connections(limit: maximumConnections)
        let group = Signals.blocked { MultiThreadedEventLoopGroup(numberOfThreads: 1) }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                guard connections.enter() else { return channel.close() }
                channel.closeFuture.whenComplete { _ in connections.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    let size = RequestSizeLimit()
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(size)
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
                    try pipeline.addHandler(
                        ScrapeHandler(service: service, timeout: .nanoseconds(timeout), size: size))
                }
            }
        do {
            let channel = try bootstrap.bind(host: address.host, port: address.port).wait()
            let port = channel.localAddress?.port ?? address.port
            self.address = address.withPort(port).description
        } catch {
            try? group.syncShutdownGracefully()
            let isTaken = (error as? IOError)?.errnoCode == addressInUse
            throw ExporterError(
                "listen: \(address) cannot be served at: \(error)"
                    + (isTaken ? "; whoever has it must end, or `listen` name another" : ""), isTransient: isTaken)
        }
        self.group = group
        self.connections = connections
    }

    /// Connections that there was no room for.
    var refused: UInt64 { connections.refused }

    /// Closes all connections, too.
    func close() { try? group.syncShutdownGracefully() }
}

/// How many clients are connected.
private final class Connections: Sendable {
    private struct State {
        var count = 0
        var refused: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    var refused: UInt64 { state.withLock { $0.refused } }

    func enter() -> Bool {
        state.withLock { state in
            guard state.count < limit else {
                state.refused += 1
                return false
            }
            state.count += 1
            return true
        }
    }

    func leave() { state.withLock { $0.count -= 1 } }
}

private let addressInUse = EADDRINUSE
