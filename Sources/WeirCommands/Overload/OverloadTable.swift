internal import Weir
package import WeirDump
internal import WeirExport

/// The accounts for people: a line a policy, and what they have in common below.
package struct OverloadTable {
    private let report: OverloadReport
    private let options: OverloadOptions

    package init(_ report: OverloadReport, _ options: OverloadOptions) {
        self.report = report
        self.options = options
    }

    package func write(to output: Output, terminal: Terminal) {
        var table = Table()
        table.addColumn("policy", .left)
        for header in ["offered", "delivered", "coalesced"] { table.addColumn(header) }
        for header in ["dropped", "refused"] { table.addColumn(header, .left) }
        table.addColumn("waiting")
        if options.spillDirectory != nil { table.addColumn("spilled") }
        for header in ["peak", "held", "age p50", "worst", "waited", "late"] { table.addColumn(header) }
        for header in ["order", "balanced"] { table.addColumn(header, .left) }
        for lane in report.lanes { table.addRow(cells(lane)) }
        table.write(to: output, terminal: terminal, indent: 0)
        output.write("\n")
        for lane in report.lanes {
            guard let imbalance = lane.imbalance else { continue }
            output.write(terminal.styled("\(lane.policy.name): \(imbalance.sentence)", .red) + "\n")
        }
        output.write(notes.map { $0 + "\n" }.joined())
    }

    private func cells(_ lane: LaneFigures) -> [String] {
        let accounts = lane.accounts
        var cells = [lane.policy.name]
        cells += [accounts.offered, accounts.delivered, accounts.coalesced].map { NumberText.grouped($0.batches) }
        cells += [OverloadLine.causes(accounts.dropped), OverloadLine.causes(accounts.refused)]
        cells.append(NumberText.grouped(lane.waiting))
        if options.spillDirectory != nil { cells.append(NumberText.grouped(accounts.spilled.batches)) }
        cells += [NumberText.grouped(lane.peakBatches), OverloadLine.memory(lane.peakBytes)]
        cells += [lane.medianAge, lane.worstAge].map { $0.map(Unit.duration) ?? "-" }
        cells.append(Unit.duration(Double(lane.counts.waitedNanoseconds) / 1e9))
        cells.append(NumberText.grouped(lane.counts.lateTicks))
        return cells + [lane.isOrdered ? "kept" : "lost", lane.imbalance == nil ? "yes" : "NO"]
    }

    private var notes: [String] {
        let seconds = report.elapsed / .seconds(1)
        let came = Unit("{batch}").rate(options.rate)
        let delay = Unit.duration(options.sinkDelay / .seconds(1))
        let side = options.workers == 1 ? "" : ", \(options.workers) side by side"
        var notes = ["\(Unit.duration(seconds)): batches came at \(came), a delivery takes \(delay)\(side)"]
        if let before = report.residentBefore, let peak = report.residentPeak {
            notes.append(
                "memory of the process: \(OverloadLine.memory(UInt64(before))) before, "
                    + "\(OverloadLine.memory(UInt64(peak))) at most")
        }
        let before = Unit.duration(report.recordingBefore / 1e9)
        let meanwhile = report.recordingMeanwhile.map { ", \(Unit.duration($0 / 1e9)) meanwhile" } ?? ""
        notes.append("to record a measurement: \(before) before\(meanwhile)")
        let needs = report.lanes.map { "\($0.policy.policy)" }.filter { $0.contains(",") }
        if !needs.isEmpty { notes.append("with: \(needs.joined(separator: "; "))") }
        let deltas = report.lanes.filter { $0.policy.temporality == .delta }.map(\.policy.name)
        if !deltas.isEmpty {
            notes.append("fed with deltas, the others with cumulative values: \(deltas.joined(separator: ", "))")
        }
        if report.isInterrupted { notes.append("interrupted") }
        return notes
    }
}
