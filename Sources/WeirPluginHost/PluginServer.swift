internal import WeirExport

/// The child's side: one thread listens to the socket, another calls the plugin. So the end of the socket ends this
/// process at once, whatever the plugin does.
final class PluginServer: Sendable {
    private let socket: Socket
    /// What the calling thread does next.
    private let request = Monitor<HostMessage?>(nil)
    private let plugin = Monitor(Plugin())
    private let host: HostTable
    private let output: ServerOutput

    private struct Plugin {
        var table: PluginTable?
        var exporter: InProcessExporter?
        /// Threads that ask it to return from a call: it is not to be closed before they have.
        var stopping = 0
    }

    init(_ socket: Socket) {
        self.socket = socket
        let output = ServerOutput(socket)
        self.output = output
        host = HostTable(
            log: { output.send(.log($0, $1)) }, demand: { output.send(.demand($0)) },
            collect: { output.send(.collect) })
    }

    /// Until the socket is closed.
    func serve() -> Never {
        guard Thread.start("weir-sink", { self.work() }) else {
            System.complain("the system has no thread to give")
            System.exit(code: 71)
        }
        do throws(WireFault) {
            while let message = try HostMessage.receive(from: socket) {
                if message == .stop {
                    stop()
                } else if !request.withLock({ place in
                    defer { place = place ?? message }
                    return place == nil
                }) {
                    System.complain("a request came while another waited")
                    System.endNow(code: 76)
                }
            }
            System.endNow(code: 0)
        } catch {
            System.complain("the parent sent \(error)")
            System.endNow(code: 76)
        }
    }

    /// On a thread of its own, since a plugin's answer to it may hang.
    private func stop() {
        let exporter = plugin.withLock { plugin in
            if plugin.exporter != nil { plugin.stopping += 1 }
            return plugin.exporter
        }
        guard let exporter else { return }
        let hasStarted = Thread.start("weir-stop") {
            exporter.stop()
            self.plugin.withLock { $0.stopping -= 1 }
        }
        if !hasStarted { plugin.withLock { $0.stopping -= 1 } }
    }

    /// Takes the exporter out, so that nobody asks it anything more, and closes it when it has come back from what it was
    /// asked. Where that hangs, the parent ends this process.
    private func close() {
        let exporter = plugin.withLock { plugin in
            defer { plugin.exporter = nil }
            return plugin.exporter
        }
        plugin.wait { plugin, _ in plugin.stopping == 0 ? () : nil }
        exporter?.close()
    }

    // MARK: - The thread that calls the plugin

    private func work() {
        while true {
            let message = request.wait { request, _ in
                defer { request = nil }
                return request
            }
            switch message {
            case .load(let path, let memoryBytes): output.send(load(path, memoryBytes))
            case .open(let sink, let settings): output.send(open(sink, settings))
            case .deliver(let deadline, let header, let payload): output.send(deliver(header, payload, deadline))
            case .close:
                close()
                output.send(.closed)
                // What the plugin's C library still holds for a file goes there.
                System.exit(code: 0)
            case .stop: break  // Never waits here.
            }
        }
    }

    private func load(_ path: String, _ memoryBytes: UInt64) -> ChildMessage {
        if memoryBytes > 0 { System.limitMemory(to: memoryBytes) }
        do throws(ExportError) {
            let table = try PluginLoader.load(path, host: host)
            plugin.withLock { $0.table = table }
            return .described(PluginDescription(table))
        } catch {
            guard case .plugin(_, let fault) = error else { return .refused(error.description) }
            return .refused(fault.description)
        }
    }

    private func open(_ sink: String, _ settings: [CheckedSetting]) -> ChildMessage {
        guard let table = plugin.withLock({ $0.table }) else {
            return .opened(Delivery(.fatal, message: "nothing was loaded"), previousStream: nil)
        }
        do throws(ExportError) {
            let exporter = try InProcessExporter(table, sink: sink, settings: settings, host: host)
            plugin.withLock { $0.exporter = exporter }
            return .opened(Delivery(.delivered), previousStream: exporter.previousStream)
        } catch {
            guard case .exporter(_, let message, let isTransient) = error else {
                return .opened(Delivery(.fatal, message: error.description), previousStream: nil)
            }
            let outcome: Delivery.Outcome = isTransient ? .retry(hint: nil, attemptLimit: nil) : .fatal
            return .opened(Delivery(outcome, message: message), previousStream: nil)
        }
    }

    private func deliver(_ header: [UInt8], _ payload: [UInt8], _ deadline: UInt64) -> ChildMessage {
        guard let exporter = plugin.withLock({ $0.exporter }) else {
            return .delivered(Delivery(.fatal, message: "nothing was opened"), counters: [])
        }
        let delivery = exporter.deliver(encoded: header, payload: payload, deadline: deadline)
        return .delivered(delivery, counters: exporter.counters())
    }
}

/// The way back, for any thread: messages whole, one behind the other.
private final class ServerOutput: Sendable {
    private let socket: Socket
    private let lock = Monitor(())

    init(_ socket: Socket) {
        self.socket = socket
    }

    func send(_ message: ChildMessage) {
        let bytes = message.encoded()
        // Where nobody can be told any more, be it that the plugin closed what it does not know, nothing is left to do.
        lock.withLock { _ in
            if !socket.send(bytes) { System.endNow(code: 74) }
        }
    }
}
