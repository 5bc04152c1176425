internal import WeirBatch

/// Reads what is to be checked, every batch to its checksum, and prints what is missing.
///
/// What lies in one directory was delivered to one destination, and is checked together; several are checked apart, since
/// sinks that share a stream each have all of it.
package struct CheckRun {
    private let operands: [String]
    private let output: Output
    private let terminal: Terminal
    private let diagnostics: Diagnostics
    private var status = CheckStatus.complete

    package init(_ operands: [String], terminal: Terminal, output: Output, diagnostics: Diagnostics) {
        self.operands = operands
        self.terminal = terminal
        self.output = output
        self.diagnostics = diagnostics
    }

    package mutating func run() -> CheckStatus {
        let text = CheckText(terminal: terminal, output: output)
        var all: [StreamCheck] = []
        for place in places {
            var check = Check()
            for input in place.inputs {
                input.drain(following: false) { event in
                    take(event, &check)
                    return output.failure == nil
                }
            }
            let streams = check.streams(isBeingWritten: System.isLocked)
            if streams.isEmpty {
                if status != .unreadable { say("\(place.name): no batches, so there is nothing to check") }
                status = .unreadable
            } else {
                text.show(place.name, streams)
            }
            all += streams
        }
        if !all.isEmpty { text.sum(all) }
        output.flush()
        if let failure = output.failure, !output.isBrokenPipe {
            diagnostics.report("standard output: \(System.describe(error: failure))")
            return .unreadable
        }
        return status.and(CheckStatus(all))
    }

    /// The inputs by what they belong to, in the order named.
    private var places: [(name: String, inputs: [Input])] {
        var places: [(name: String, inputs: [Input])] = []
        for operand in operands {
            let input = Input(operand)
            if let index = places.firstIndex(where: { $0.name == input.place }) {
                places[index].inputs.append(input)
            } else {
                places.append((input.place, [input]))
            }
        }
        return places
    }

    private mutating func take(_ event: Input.Event, _ check: inout Check) {
        switch event {
        case .item(.frame(let frame), let path):
            do throws(BatchError) {
                let batch = try frame.batch()
                check.take(frame.header, path: path, batch: batch)
            } catch {
                check.take(frame.header, path: path, isLost: true)
                damaged(frame.damage(error).sentence(path))
            }
        case .item(.endMark(let mark), let path):
            check.take(mark.header, path: path)
        case .item(.headless(let frame), let path):
            damaged(frame.sentence(path))
        case .item(.damage(let damage), let path):
            if let header = damage.lost { check.take(header, path: path, isLost: true) }
            damaged(damage.sentence(path))
        case .unfinished(let damage, let path):
            say(damage.unfinishedSentence(path))
        case .unreadable(let path, let reason):
            say("\(path): \(reason)")
            status = .unreadable
        }
    }

    private mutating func damaged(_ text: String) {
        say(text)
        status = status.and(.damaged)
    }

    private func say(_ text: String) {
        output.flush()
        diagnostics.report(text)
    }
}
