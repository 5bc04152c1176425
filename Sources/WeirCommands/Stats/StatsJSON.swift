internal import WeirBatch
internal import WeirDump
package import WeirExport

/// Accounts for programs: one object a line and sink, all accounts in it, integers exact.
package struct StatsJSON {
    func show(_ process: ProcessAccounts, to output: Output) {
        for sink in process.sinks {
            var members = [
                "\"sink\":\(JSON.string(sink.name))", "\"stream\":\(JSON.string(process.stream.text))",
                "\"time\":\(JSON.string(Timestamp(nanoseconds: process.time).rfc3339))",
            ]
            members += Self.members(sink.accounts)
            let calls = sink.deliveries.sorted { $0.key < $1.key }.map { "\(JSON.string($0.key)):\($0.value)" }
            members.append("\"calls\":{\(calls.joined(separator: ","))}")
            members += health(sink)
            members.append("\"balanced\":\(process.isPartial ? "null" : "\(sink.accounts.imbalance == nil)")")
            members.append("\"resource\":\(JSON.object(process.resource.map { ($0.key, $0.value) }))")
            output.write("{\(members.joined(separator: ","))}\n")
        }
    }

    /// None where the metrics do not say; null for what has not been.
    private func health(_ sink: AccountsReader.SinkAccounts) -> [String] {
        guard let state = sink.state else { return [] }
        func text(_ time: UInt64?) -> String {
            time.map { JSON.string(Timestamp(nanoseconds: $0).text(fractionDigits: 3)) } ?? "null"
        }
        let failure = sink.failure.map { "{\"time\":\(text($0.time)),\"reason\":\(JSON.string($0.reason))}" }
        return [
            "\"state\":\(JSON.string(state))", "\"failingSince\":\(text(sink.failingSince))",
            "\"lastFailure\":\(failure ?? "null")", "\"lastSuccess\":\(text(sink.success))",
        ]
    }

    /// The accounts as members of an object, those without a cause by name, the others under `refused` and `dropped`.
    package static func members(_ accounts: Accounts) -> [String] {
        var (members, refused, dropped): ([String], [String], [String]) = ([], [], [])
        for row in AccountRow.rows(accounts) {
            let amount = object(row.amount)
            guard let cause = row.cause else {
                members.append("\(JSON.string(row.name == "in flight" ? "inflight" : row.name)):\(amount)")
                continue
            }
            guard row.amount != Amount() else { continue }
            let member = "\(JSON.string("\(cause)")):\(amount)"
            if row.name == "refused" { refused.append(member) } else { dropped.append(member) }
        }
        members.append("\"refused\":{\(refused.joined(separator: ","))}")
        members.append("\"dropped\":{\(dropped.joined(separator: ","))}")
        return members
    }

    private static func object(_ amount: Amount) -> String {
        "{\"batches\":\(amount.batches),\"rows\":\(amount.rows),\"bytes\":\(amount.bytes)}"
    }
}
