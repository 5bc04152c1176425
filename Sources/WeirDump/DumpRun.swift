internal import WeirBatch

/// Reads the inputs of a dump one after the other, and again as they grow if that is asked for.
package struct DumpRun {
    /// How long a dump that follows waits until it looks again.
    private static let pollMilliseconds: Int32 = 250

    private let options: DumpOptions
    private let output: Output
    private let diagnostics: Diagnostics
    private var dump: Dump
    private var status = DumpStatus.complete
    /// The file whose headers are being read.
    private var headedPath: String?
    /// A batch without a header in a file of which no header was read so far.
    private var headless: (path: String, offset: UInt64)?

    package init(_ options: DumpOptions, mode: DumpMode, output: Output, diagnostics: Diagnostics) {
        self.options = options
        self.output = output
        self.diagnostics = diagnostics
        dump = Dump(options, mode: mode, output: output)
    }

    /// Reads and prints until the inputs end, or following, until interrupted or until nobody reads the output.
    package mutating func run() -> DumpStatus {
        if options.follows { System.catchInterrupts() }
        let inputs = options.operands.map { Input($0) }
        while true {
            for input in inputs {
                input.drain(following: options.follows) { event in
                    take(event)
                    // Whoever follows waits for lines, not for full buffers.
                    if options.follows { output.flush() }
                    return goesOn
                }
            }
            if dump.isOverLimit {
                say(tooManySeries)
                status = .unreadable
            }
            guard goesOn else { break }
            dump.showTable()
            output.flush()
            guard options.follows, goesOn, inputs.contains(where: { !$0.isFinished }) else { break }
            System.pause(milliseconds: Self.pollMilliseconds)
        }
        if !dump.hasBatches, status == .complete, output.failure == nil, !options.follows {
            diagnostics.report(noBatches)
        }
        return finish()
    }

    private var goesOn: Bool { output.failure == nil && !System.isInterrupted && !dump.isOverLimit }

    /// What to say where there is nothing to show.
    private var noBatches: String {
        let operands = options.operands.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
        guard options.since == nil, options.until == nil else {
            return Terminal.safe("no batches of the times asked for in \(operands)")
        }
        return Terminal.safe("no batches in \(operands): ")
            + "a program writes the first of them an interval after it began to export, the last at shutdown"
    }

    private var tooManySeries: String {
        "more than \(NumberText.grouped(Int64(clamping: options.maximumSeries))) series, which take memory: "
            + "--max-series moves the bound, fewer files or a shorter time have fewer"
    }

    private mutating func finish() -> DumpStatus {
        output.flush()
        guard let failure = output.failure, !output.isBrokenPipe else {
            return output.isBrokenPipe ? .complete : status
        }
        diagnostics.report("standard output: \(System.describe(error: failure))")
        return .unreadable
    }
}

// MARK: - What reading comes upon

extension DumpRun {
    private mutating func take(_ event: Input.Event) {
        switch event {
        case .item(.frame(let frame), let path):
            expectHeaders(in: path)
            do throws(BatchError) {
                try dump.take(frame.header) { () throws(BatchError) in try frame.batch() }
            } catch {
                report(frame.damage(error), path)
            }
        case .item(.endMark(let mark), let path):
            expectHeaders(in: path)
            // An end mark has no batch to decode, and so nothing to throw.
            try? dump.take(mark.header) { () throws(BatchError) in Batch() }
        case .item(.headless(let frame), let path):
            if headedPath == path {
                reportHeadless(path, frame.offset)
            } else if headless?.path != path {
                headless = (path, frame.offset)
            }
            do throws(BatchError) {
                for batch in try frame.batches() { dump.take(headless: batch, compressedLength: frame.length) }
            } catch {
                report(frame.damage(error), path)
            }
        case .item(.damage(let damage), let path):
            if let header = damage.lost { dump.lose(header) }
            report(damage, path)
        case .unfinished(let damage, let path):
            say(damage.unfinishedSentence(path))
        case .unreadable(let path, let reason):
            say("\(path): \(reason)")
            status = .unreadable
        }
    }

    /// A file of batches that never had headers is as it should be. Where others have one, it was damaged beyond
    /// recognition: what zstd takes for somebody else's frame.
    private mutating func expectHeaders(in path: String) {
        headedPath = path
        guard let headless else { return }
        if headless.path == path { reportHeadless(path, headless.offset) }
        self.headless = nil
    }

    private mutating func reportHeadless(_ path: String, _ offset: UInt64) {
        say(HeadlessFrame.sentence(path, offset: offset))
        if status == .complete { status = .damaged }
    }

    private mutating func report(_ damage: Damage, _ path: String) {
        say(damage.sentence(path))
        if status == .complete { status = .damaged }
    }

    private func say(_ text: String) {
        // What was printed so far comes first where both go to one terminal.
        output.flush()
        diagnostics.report(text)
    }
}
