public import Weir
package import WeirExport

extension Configuration {
    /// The sinks, as code would write them.
    public var sinks: [Sink] { sinkModels.compactMap(\.sink) }
}

extension SinkModel {
    /// What the configuration leaves out is as a sink has it.
    var sink: Sink? {
        guard let exporter = BuiltInExporters.exporter(exporter) else { return nil }
        var sink = Sink(exporter, name: name, settings: settings)
        sink.policy = policy
        sink.maximumAge = maximumAge
        sink.poisonDirectory = poisonDirectory
        if let maximumBatches { sink.maximumBatches = maximumBatches }
        if let maximumBytes { sink.maximumBytes = maximumBytes }
        if let timeout { sink.timeout = timeout }
        if let workers { sink.workers = workers }
        if let onDemand { sink.onDemand = onDemand }
        if let first = retry.first { sink.retry.first = first }
        if let longest = retry.longest { sink.retry.longest = longest }
        if let longestHint = retry.longestHint { sink.retry.longestHint = longestHint }
        if let failures = breaker.failuresInARow { sink.breaker.failuresInARow = failures }
        if let failures = breaker.failuresOf20 { sink.breaker.failuresOf20 = failures }
        if let pause = breaker.pause { sink.breaker.pause = pause }
        if let spill {
            sink.spill = Weir.Spill(directory: spill.directory)
            if let maximumBytes = spill.maximumBytes { sink.spill?.maximumBytes = maximumBytes }
            if let sync = spill.sync.flatMap(Sink.FileSync.init) { sink.spill?.sync = sync }
        }
        return sink
    }
}

extension Configuration {
    /// Where plugins, and the program that runs them, are looked for.
    package var pluginSearch: PluginSearch { PluginSearch(paths: pluginPath, host: pluginHost) }
}
