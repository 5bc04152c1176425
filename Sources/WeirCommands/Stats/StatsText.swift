internal import WeirBatch
internal import WeirDump
internal import WeirExport
internal import WeirExporterSupport

/// Accounts for people: a table a sink, what is zero left out, and whether they balance.
struct StatsText {
    let terminal: Terminal

    func show(_ process: ProcessAccounts, to output: Output) {
        let resource = process.resource.map { Terminal.safe("\($0.key)=\($0.value)") }.joined(separator: " ")
        output.write(terminal.styled(resource.isEmpty ? "stream \(process.stream.text)" : resource, .bold) + "\n")
        let time = Timestamp(nanoseconds: process.time).text(fractionDigits: 3)
        output.write(terminal.styled("  as of \(time)", .dim) + "\n")
        for sink in process.sinks {
            output.write("\n  " + terminal.styled("sink \(Terminal.safe(sink.name))", .bold) + "\n")
            show(sink.accounts, to: output)
            let calls = sink.deliveries.filter { $0.value > 0 }.sorted { $0.key < $1.key }
                .map { "\(NumberText.grouped($0.value)) \(Terminal.safe($0.key))" }
            output.write("    calls: \(calls.isEmpty ? "none" : calls.joined(separator: ", "))\n")
            showHealth(sink, to: output)
            output.write("    \(verdict(sink.accounts, process.isPartial))\n")
        }
    }

    /// Nothing where the metrics do not say.
    private func showHealth(_ sink: AccountsReader.SinkAccounts, to output: Output) {
        guard let state = sink.state else { return }
        func text(_ time: UInt64) -> String { Timestamp(nanoseconds: time).text(fractionDigits: 3) }
        let since = sink.failingSince.map { " since \(text($0))" } ?? ""
        let words = terminal.styled(Terminal.safe(state) + since, state == "healthy" ? .dim : .red)
        output.write("    state: \(words)\n")
        if let failure = sink.failure {
            output.write("    last failure: \(text(failure.time)): \(Terminal.safe(failure.reason))\n")
        }
        output.write("    last success: \(sink.success.map(text) ?? "none")\n")
    }

    private func verdict(_ accounts: Accounts, _ isPartial: Bool) -> String {
        if isPartial {
            return terminal.styled("added up from differences of which some are missing: not checked", .yellow)
        }
        guard let imbalance = accounts.imbalance else { return "balanced" }
        return terminal.styled(imbalance.sentence, .red)
    }

    private func show(_ accounts: Accounts, to output: Output) {
        var table = Table()
        table.addColumn("", .left)
        for header in ["batches", "rows", "bytes"] { table.addColumn(header) }
        for row in AccountRow.rows(accounts) where row.isAlwaysShown || row.amount != Amount() {
            let name = row.cause.map { "\(row.name): \($0)" } ?? row.name
            table.addRow([
                name, NumberText.grouped(row.amount.batches), NumberText.grouped(row.amount.rows),
                Unit("By").text(.integer(Int64(clamping: row.amount.bytes))),
            ])
        }
        table.write(to: output, terminal: terminal, indent: 4)
    }
}

/// One line of the accounts, in the order of the identities.
struct AccountRow {
    let name: String
    var cause: Gap.Cause?
    let amount: Amount
    var isAlwaysShown = false

    static func rows(_ accounts: Accounts) -> [AccountRow] {
        var rows = [
            AccountRow(name: "recovered", amount: accounts.recovered),
            AccountRow(name: "offered", amount: accounts.offered, isAlwaysShown: true),
        ]
        rows += Gap.Cause.allCases.map { AccountRow(name: "refused", cause: $0, amount: accounts.refused[$0]) }
        rows += [
            AccountRow(name: "accepted", amount: accounts.accepted, isAlwaysShown: true),
            AccountRow(name: "delivered", amount: accounts.delivered, isAlwaysShown: true),
            AccountRow(name: "coalesced", amount: accounts.coalesced),
        ]
        rows += Gap.Cause.allCases.map { AccountRow(name: "dropped", cause: $0, amount: accounts.dropped[$0]) }
        rows += [
            AccountRow(name: "queued", amount: accounts.queued, isAlwaysShown: true),
            AccountRow(name: "in flight", amount: accounts.inflight),
            AccountRow(name: "spilled", amount: accounts.spilled),
            AccountRow(name: "uncertain", amount: accounts.uncertain),
        ]
        return rows
    }
}
