internal import WeirBatch
internal import WeirDump
internal import WeirExport

/// Accounts from a process that runs, over its socket.
enum RunningProcess {
    static func read(_ path: String, diagnostics: Diagnostics) -> [ProcessAccounts]? {
        do throws(ServingError) {
            return accounts(try StatsRequest.ask(path), path, diagnostics)
        } catch {
            let hint = error.isNobodyThere ? ": its process is gone, or serves its accounts elsewhere" : ""
            diagnostics.report("\(error)\(hint)")
            return nil
        }
    }

    private static func accounts(
        _ answer: [UInt8], _ path: String, _ diagnostics: Diagnostics
    ) -> [ProcessAccounts]? {
        do throws(BatchError) {
            let reader = try BatchReader(MemorySource(answer))
            guard case .frame(let frame) = try reader.next() else {
                let words = String(decoding: answer.prefix(200).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
                let found = words.isEmpty ? "nothing" : "'\(words)'"
                diagnostics.report("\(path): wanted a batch, found \(found): is it a socket of Weir's?")
                return nil
            }
            let batch = try frame.batch()
            var accounts = AccountsReader()
            accounts.add(batch)
            return [
                ProcessAccounts(
                    stream: frame.header.stream, resource: batch.resource, time: batch.endTime, sinks: accounts.sinks)
            ]
        } catch {
            diagnostics.report("\(path): \(error)")
            return nil
        }
    }
}
