internal import Weir
internal import WeirExport
internal import WeirExporterKit

/// One policy at work: a pipeline with a slow sink. Used by one task at a time.
final class Lane {
    private let destination: Destination
    private let destinationName: String
    private let exporting: Exporting
    private(set) var figures: LaneFigures

    /// Starts the pipeline.
    init(_ policy: OverloadPolicy, _ options: OverloadOptions, _ load: Load) throws(ExportingError) {
        destination = Destination(delayNanoseconds: options.sinkDelay.nanosecondsClamped)
        destinationName = destination.register()
        figures = LaneFigures(policy: policy)
        var sink = Sink(
            ExporterPlugin(SlowExporter.self), name: policy.name,
            settings: [SlowExporter.destination.key: destinationName])
        sink.policy = policy.policy
        sink.temporality = policy.temporality
        sink.maximumBatches = options.maximumBatches
        sink.maximumBytes = options.maximumBytes
        sink.workers = options.workers
        // As slow as it is meant to be, it is not stuck.
        sink.timeout = max(.seconds(10), options.sinkDelay)
        sink.spill = options.spillDirectory.map { Spill(directory: "\($0)/\(policy.name)") }
        do throws(ExportingError) {
            exporting = try startExporting(
                every: options.interval, to: [sink], collecting: load.source(), resource: load.resource)
        } catch {
            Destination.close(destinationName)
            throw error
        }
    }

    /// Looks at the sink.
    func sample() {
        guard let sink = exporting.snapshots.first else { return }
        let arrivals = destination.current
        figures.note(sink.accounts, exporting.counts, arrivals)
    }

    /// Ends the pipeline: what waits then is dropped, or stays on disk.
    func finish() async {
        sample()
        await exporting.shutdown(deadline: .zero)
        figures.noteEnd(exporting.snapshots.first?.accounts ?? Accounts())
        Destination.close(destinationName)
    }
}

extension Duration {
    /// Whole nanoseconds; nothing below zero, and no more than there are.
    var nanosecondsClamped: UInt64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = UInt64(max(seconds, 0)).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(UInt64(max(attoseconds, 0)) / 1_000_000_000)
        return overflow || carry ? .max : sum
    }
}
