internal import Foundation
internal import Synchronization

/// A proxy before a real server that does to a client what networks and servers do.
///
/// Each new connection meets the next fault of the plan; the last one stays. A change of plan resets the connections that
/// are open.
package final class FaultProxy: Sendable {
    package enum Fault: Sendable, Equatable {
        case pass
        /// Nobody listens.
        case refuse
        /// Takes what comes and never answers.
        case hang
        /// Passes so many bytes a second each way.
        case slow(bytesPerSecond: Int)
        /// Passes so many bytes of what the client sends, then resets both connections.
        case resetRequest(after: Int)
        /// Passes so many bytes of what the server answers, then resets both connections.
        case resetAnswer(after: Int)
        /// The server does its work and begins to answer; the client's connection is reset before it sees any of that.
        case dropAcknowledgement
        /// Takes a whole HTTP request and answers it; the server never sees it.
        case answer(status: Int, headers: [String] = [], body: [UInt8] = [])
    }

    /// Where clients find it, on 127.0.0.1.
    package let port: UInt16

    private let core: ProxyCore

    /// - Parameter server: The port of the real server on 127.0.0.1.
    package init(to server: UInt16, _ faults: Fault...) throws {
        let listener = try FileDescriptor.loopbackSocket()
        port = try listener.boundPort()
        core = ProxyCore(listener: listener, server: server)
        core.plan(faults.isEmpty ? [.pass] : faults)
        let core = core
        Thread.detachNewThread { core.acceptUntilClosed() }
    }

    deinit {
        core.close()
    }

    /// What connections meet from now on, one fault each, the last one for ever.
    package func plan(_ faults: Fault...) { core.plan(faults) }

    package func plan(_ faults: [Fault]) { core.plan(faults) }

    /// How many connections have met the fault so far.
    package func count(of fault: Fault) -> Int { core.count(of: fault) }

    /// How many connections there were, of all kinds but those refused.
    package var connections: Int { core.connections }
}

/// What the proxy's threads share.
final class ProxyCore: Sendable {
    private struct State {
        var plan: [FaultProxy.Fault] = [.pass]
        var met: [FaultProxy.Fault] = []
        var open: [ObjectIdentifier: FileDescriptor] = [:]
        var isListening = false
        var isClosed = false
    }

    private let listener: FileDescriptor
    private let server: UInt16
    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)

    init(listener: FileDescriptor, server: UInt16) {
        self.listener = listener
        self.server = server
    }

    var connections: Int { state.withLock { $0.met.count } }

    func count(of fault: FaultProxy.Fault) -> Int { state.withLock { $0.met.count { $0 == fault } } }

    func plan(_ faults: [FaultProxy.Fault]) {
        state.withLock { state in
            state.plan = faults
            state.open.values.forEach { $0.reset() }
            listenIfPlanned(&state)
        }
        changed.signal()
    }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.open.values.forEach { $0.reset() }
            state.isListening = false
            listener.shutDown()
        }
        changed.signal()
    }

    /// A socket that was shut down keeps its port, refuses, and can listen again.
    private func listenIfPlanned(_ state: inout State) {
        let isWanted = state.plan.first != .refuse && !state.isClosed
        if isWanted && !state.isListening { listener.startListening() }
        if !isWanted && state.isListening { listener.shutDown() }
        state.isListening = isWanted
    }

    func acceptUntilClosed() {
        while !state.withLock({ $0.isClosed }) {
            guard let client = listener.accept() else {
                changed.wait()
                continue
            }
            let fault = state.withLock { state in
                let fault = state.plan[0]
                state.met.append(fault)
                state.open[ObjectIdentifier(client)] = client
                if state.plan.count > 1 { state.plan.removeFirst() }
                listenIfPlanned(&state)
                return fault
            }
            Thread.detachNewThread {
                ProxyConnection(client: client, server: self.server, fault: fault).run()
                self.state.withLock { $0.open[ObjectIdentifier(client)] = nil }
            }
        }
    }
}
