private import Synchronization
internal import WeirBatch

/// How a plugin's process is started: which program, which library, within which limits.
package struct ChildLauncher: Sendable {
    /// The library.
    package var path: String
    /// The plugin host program.
    package var program: String
    package var limits: ChildLimits

    package init(path: String, program: String, limits: ChildLimits = ChildLimits()) {
        self.path = path
        self.program = program
        self.limits = limits
    }

    /// A process whose plugin is open.
    struct Opened {
        let child: ChildProcess
        let previousStream: StreamID?
        /// Whether it gets batches when it asks for them.
        let collectsOnRequest: Bool
    }

    /// Loads the plugin in a process of its own, only to hear what it is.
    package func describe(log: PluginLog, time: TimeSource = .system) throws(ExportError) -> PluginDescription {
        let (child, description) = try load(ChildProcess.Handlers(log: log), time: time)
        close(child, until: time.monotonic() &+ limits.closeNanoseconds)
        return description
    }

    /// Loads the plugin in a process of its own and opens it for a sink.
    func open(for sink: SinkContext) throws(ExportError) -> Opened {
        let relay = DemandRelay(sink)
        let handlers = ChildProcess.Handlers(
            log: PluginLog(logger: sink.logger, time: sink.time), demand: relay.demand,
            collect: sink.collect, ended: relay.ended)
        let (child, description) = try load(handlers, time: sink.time)
        do throws(ExportError) {
            let settings = try SettingKind.check(sink.settings, against: description.settings, sink: sink.name)
            return Opened(
                child: child, previousStream: try open(child, settings, for: sink),
                collectsOnRequest: PluginDescription.collectsOnRequest(description.requiredFeatures))
        } catch {
            child.dismiss(until: 0)
            throw error
        }
    }

    /// Ends the instance, if there is one, and the process.
    func close(_ child: ChildProcess, until limit: UInt64) {
        _ = child.request(.close, awaiting: [.closed], until: limit)
        child.dismiss(until: limit)
    }

    private func load(
        _ handlers: ChildProcess.Handlers, time: TimeSource
    ) throws(ExportError) -> (ChildProcess, PluginDescription) {
        do throws(PluginFault) {
            let child = try ChildProcess(program: program, handlers: handlers, time: time)
            let answer = child.request(
                .load(path: path, memoryBytes: limits.memoryBytes), awaiting: [.described, .refused],
                until: time.monotonic() &+ limits.startNanoseconds)
            switch answer {
            case .reply(.described(let description)): return (child, description)
            case .reply(.refused(let reason)):
                child.dismiss(until: 0)
                throw .refused(reason: reason)
            case .reply(let other): throw .crashed(child.reject(other))
            case .ended(let end, _): throw .crashed(end)
            }
        } catch {
            throw .plugin(path: path, error)
        }
    }

    private func open(
        _ child: ChildProcess, _ settings: [CheckedSetting], for sink: SinkContext
    ) throws(ExportError) -> StreamID? {
        let answer = child.request(
            .open(sink: sink.name, settings: settings), awaiting: [.opened],
            until: sink.time.monotonic() &+ limits.startNanoseconds)
        switch answer {
        case .reply(.opened(let delivery, let previousStream)):
            guard delivery.outcome != .delivered else { return previousStream }
            var isTransient = false
            if case .retry = delivery.outcome { isTransient = true }
            throw .exporter(sink: sink.name, message: delivery.message, isTransient: isTransient)
        case .reply(let other): throw .plugin(path: path, .crashed(child.reject(other)))
        case .ended(let end, _): throw .plugin(path: path, .crashed(end))
        }
    }
}

/// Passes on what a process asks for. One that ends may have asked for all that it needs and been given it: nothing would
/// be delivered any more, and so no other be started. So its end asks for one batch in its place, and for a collection,
/// which only who gets batches on request is given.
private final class DemandRelay: Sendable {
    private let sink: SinkContext
    // Relaxed: a fact that nothing else depends on.
    private let hasDemanded = Atomic<Bool>(false)

    init(_ sink: SinkContext) {
        self.sink = sink
    }

    @Sendable func demand(_ batches: UInt64) {
        hasDemanded.store(true, ordering: .relaxed)
        sink.demand(batches)
    }

    @Sendable func ended(_ end: ChildEnd) {
        guard end != .killed(.dismissed) else { return }
        if hasDemanded.load(ordering: .relaxed) { sink.demand(1) }
        sink.collect()
    }
}
