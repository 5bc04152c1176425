internal import WeirDump
internal import WeirExporterSupport

extension ProgressLine {
    /// Shows what a demo did so far.
    func show(_ totals: Totals, batches: UInt64, elapsed: Duration) {
        guard isShown else { return }
        let bytes = Unit("By")
        let rate = bytes.rate(Double(totals.input) / max(elapsed / .seconds(1), 1e-3))
        show(
            "\(NumberText.grouped(totals.files)) files, \(bytes.text(.integer(totals.input))), \(rate), "
                + "ratio \(DemoTable.ratio(totals)), \(batches) batches")
    }
}
