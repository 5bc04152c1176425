internal import Weir
internal import WeirExport

/// Reads `sinks`: a name, and under it what the sink is.
struct SinkReader {
    let catalog: ExporterCatalog

    func sinks(_ sinks: inout MappingReader) -> [SinkModel] {
        var models: [SinkModel] = []
        var spills: [String: String] = [:]
        for (name, value) in sinks.own() {
            var reader = MappingReader(
                value, path: sinks.path.appending(name), at: sinks.place(of: name), reading: sinks.reading)
            let model = sink(name, &reader)
            if let directory = model.spill?.directory, let other = spills.updateValue(name, forKey: directory) {
                reader.reportConflict("spill", "the sink '\(other)' spills to the same directory")
            }
            reader.finish()
            models.append(model)
        }
        return models
    }

    private func sink(_ name: String, _ reader: inout MappingReader) -> SinkModel {
        var model = SinkModel(name: name)
        if name.isEmpty || name.utf8.count > 255 {
            reader.reportConflict("", "a sink's name has 1 to 255 bytes")
        }
        if let exporter = reader.text("exporter") {
            model.exporter = exporter
        } else if !reader.has("exporter") {
            reader.reportMissing("exporter", "expected 'file', 'stdout', or a plugin's name or path")
        }
        model.settings = settings(of: model.exporter, &reader)
        model.policy = PolicyReader.policy(&reader)
        readBounds(&reader, into: &model)
        readFailures(&reader, into: &model)
        readFeed(&reader, into: &model)
        checkPromise(model, &reader)
        readPlugin(&reader, into: &model)
        return model
    }

    private func settings(of exporter: String, _ sink: inout MappingReader) -> [String: String] {
        var reader = sink.mapping("settings")
        let kinds = kinds(of: exporter, sink)
        var settings: [String: String] = [:]
        for (key, value) in reader.own(kinds?.map(\.key) ?? []) {
            reader.reading.keepSecret(value)
            let kind = kinds?.first { $0.key == key }
            if kinds != nil, kind == nil { continue }
            let form = kind?.form ?? .text(0...65_536)
            guard case .scalar(let scalar) = value.form, form.number(in: scalar.text) != nil else {
                reader.reading.reportWrong(value, path: reader.path.appending(key), form: form)
                continue
            }
            settings[key] = scalar.text
        }
        guard let kinds else { return settings }
        reader.finish(known: kinds.map(\.key))
        for kind in kinds where kind.defaultValue == nil && !reader.has(kind.key) {
            reader.reportMissing(kind.key, kind.description)
        }
        return settings
    }

    /// The settings that an exporter knows; nil where that is not known.
    private func kinds(of exporter: String, _ sink: MappingReader) -> [SettingKind]? {
        switch catalog.entry(exporter) {
        case .linked(let kinds), .plugin(let kinds): return kinds
        case .unasked: return nil
        case .refused(let reason):
            sink.report(.refusedExporter(reason: sink.reading.secrets.redacted(reason)), of: "exporter")
            return nil
        }
    }

    private func readBounds(_ sink: inout MappingReader, into model: inout SinkModel) {
        var bounds = sink.mapping("bounds")
        model.maximumBatches = bounds.integer("batches", Ranges.batches)
        model.maximumBytes = bounds.bytes("bytes", Ranges.bytes)
        model.maximumAge = bounds.duration("age", Ranges.age)
        bounds.finish()

        var spill = sink.mapping("spill")
        let directory = spill.text("directory")
        let maximumBytes = spill.bytes("maximumBytes", Ranges.spill)
        let sync = spill.choice("sync", ["never", "second", "always"])
        spill.finish()
        if let directory {
            model.spill = SinkModel.Spill(directory: directory, maximumBytes: maximumBytes, sync: sync)
        } else if spill.isPresent && !spill.has("directory") || maximumBytes != nil || sync != nil {
            spill.reportMissing("directory", "where batches go that memory has no room for")
        }
        model.deadLetterDirectory = sink.text("deadLetters", formerly: "poison")
    }

    /// Deltas are merged so that none is lost. What a worker has tried stays as it is, and the others need a place.
    private func checkPromise(_ model: SinkModel, _ sink: inout MappingReader) {
        guard model.isDelta == true, model.policy == nil || model.policy == .coalesce else { return }
        let workers = model.workers ?? 1
        guard let batches = model.maximumBatches, batches <= workers else { return }
        sink.mapping("bounds").reportConflict(
            "batches",
            "expected at least \(workers + 1) where deltas are coalesced, found \(batches): a batch for each worker, which "
                + "stays as it was tried, and one that takes in all others; raise the bound, or choose another policy")
    }

    private func readFailures(_ sink: inout MappingReader, into model: inout SinkModel) {
        var retry = sink.mapping("retry")
        model.retry.first = retry.duration("first", Ranges.wait)
        model.retry.longest = retry.duration("longest", Ranges.wait)
        model.retry.longestHint = retry.duration("longestHint", Ranges.wait)
        if let first = model.retry.first, let longest = model.retry.longest, first > longest {
            retry.reportConflict("first", "the first wait is longer than the longest")
        }
        retry.finish()

        var breaker = sink.mapping("breaker")
        model.breaker.failuresInARow = breaker.integer("failuresInARow", 0...1_000)
        model.breaker.failuresOf20 = breaker.integer("failuresOf20", 0...20)
        model.breaker.pause = breaker.duration("pause", Ranges.wait)
        breaker.finish()

        model.workers = sink.integer("workers", Ranges.workers)
        model.onDemand = sink.boolean("onDemand")
        model.timeout = sink.duration("timeout", Ranges.wait)
    }

    private func readFeed(_ sink: inout MappingReader, into model: inout SinkModel) {
        model.interval = sink.duration("interval", Ranges.interval)
        model.level = sink.integer("level", Ranges.level)
        model.isDelta = sink.choice("temporality", ["cumulative", "delta"]).map { $0 == "delta" }
        model.match = sink.texts("match", of: "patterns such as 'http/*' or '!debug/*'")
        if model.match == [] {
            sink.reportConflict("match", "an empty list matches no view: leave the key out for all")
        }
    }

    private func readPlugin(_ sink: inout MappingReader, into model: inout SinkModel) {
        model.runsInProcess = sink.choice("isolation", ["process", "inProcess"]).map { $0 == "inProcess" }
        model.isRequired = sink.boolean("required")
        guard case .linked = catalog.entry(model.exporter) else { return }
        for (key, isThere) in [("isolation", model.runsInProcess != nil), ("required", model.isRequired != nil)]
        where isThere {
            sink.reportConflict(key, "is for plugins: '\(model.exporter)' is a part of the program")
        }
    }
}
