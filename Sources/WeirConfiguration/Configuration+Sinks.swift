public import Weir
package import WeirExport

extension Configuration {
    /// The sinks, as code would write them.
    public var sinks: [Sink] { sinkModels.map { $0.sink(pluginSearch) } }
}

extension SinkModel {
    /// What the configuration leaves out is as a sink has it.
    func sink(_ search: PluginSearch) -> Sink {
        var sink = exportingSink(search)
        sink.policy = policy
        sink.interval = interval
        sink.level = level
        sink.match = match
        sink.maximumAge = maximumAge
        sink.deadLetterDirectory = deadLetterDirectory
        if let maximumBatches { sink.maximumBatches = maximumBatches }
        if let maximumBytes { sink.maximumBytes = maximumBytes }
        if let isDelta { sink.temporality = isDelta ? .delta : .cumulative }
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

    private func exportingSink(_ search: PluginSearch) -> Sink {
        if let linked = BuiltInExporters.exporter(exporter) { return Sink(linked, name: name, settings: settings) }
        var sink = Sink.plugin(
            exporter, settings: settings, isolation: runsInProcess == true ? .inProcess : .process,
            required: isRequired ?? false, name: name)
        sink.pluginSearch = search
        return sink
    }
}

extension Configuration {
    /// Where plugins, and the program that runs them, are looked for.
    package var pluginSearch: PluginSearch { PluginSearch(paths: pluginPath, host: pluginHost) }
}
