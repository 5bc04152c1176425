internal import Foundation
internal import Synchronization
internal import Weir
internal import WeirBatch
package import WeirDump
internal import WeirExport

/// The main job on real input: concurrent workers compress every regular file of a tree and record what they do, while
/// batches are exported.
package struct Demo: Sendable {
    private let options: DemoOptions
    private let line: ProgressLine
    private let progress: Progress

    /// How long an interrupt, or the progress line, waits at most until it is looked at.
    private static let tick = Duration.milliseconds(250)

    /// - Parameter line: Takes warnings, and what was done so far.
    package init(_ options: DemoOptions, line: ProgressLine) {
        self.options = options
        self.line = line
        progress = Progress(
            record: { DemoMeasures.error.record(1, Tags([(DemoMeasures.reason, $0)]), in: options.stats) },
            say: line.say)
    }

    /// Runs to the end of the tree, or until SIGINT or SIGTERM.
    ///
    /// - Throws: ``DemoError``, and what registering, exporting and zstd throw.
    package func run() async throws -> DemoReport {
        System.catchInterrupts(alsoTermination: true)
        let root = try openRoot()
        // Checked before anything runs: a worker could only say it late.
        _ = try StreamCompressor(level: options.level)
        try options.stats.register(DemoMeasures.views(seriesLimit: options.seriesLimit))
        let exporting = try startExporting(
            every: options.interval, to: .file(directory: options.directory), resource: ["service.name": "weir-demo"],
            from: options.stats)
        // From now on the directory exists.
        let excluded = Files.identity(of: options.directory)
        var report = DemoReport()
        if case .directory(let directory) = root, Files.facts(directory.descriptor).map(Files.identity) == excluded {
            await exporting.shutdown()
            throw DemoError.isOutput(path: options.path)
        }
        report.elapsed = await ContinuousClock().measure {
            await compress(root, excluded) { exporting.counts.collections }
        }
        let end = await exporting.shutdown()
        if let failure = progress.failure { throw failure }

        let recorded = try RecordedTotals(of: exporting.streams[0], in: options.directory)
        (report.counted, report.recorded) = (progress.byKind, recorded.byKind)
        (report.batches, report.batchBytes) = (recorded.batches, recorded.bytes)
        (report.omissions, report.changes) = (progress.omissions, progress.changes)
        report.isInterrupted = progress.isInterrupted
        report.exportFailure = end.isComplete ? nil : end.description
        return report
    }

    // MARK: - The root

    private enum Root: Sendable {
        case directory(Directory)
        case file(Entry)
    }

    private func openRoot() throws(DemoError) -> Root {
        let opened = try directory(options.path)
        switch Files.facts(opened.descriptor).map({ Files.Kind($0.st_mode) }) {
        case .directory: return .directory(opened)
        case .file: return .file(try entry(of: options.path))
        case .other, nil: throw .notAFile(path: options.path)
        }
    }

    /// A single file, in the directory where it is.
    private func entry(of path: String) throws(DemoError) -> Entry {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        return Entry(parent: try directory(parent), name: Array(name.utf8CString), isNamed: true)
    }

    private func directory(_ path: String) throws(DemoError) -> Directory {
        switch Files.open(path) {
        case .failure(let error): throw .unreadable(path: path, reason: error.description)
        case .success(let descriptor): return Directory(descriptor: descriptor, root: path)
        }
    }

    // MARK: - The work

    /// Walks and compresses, on threads of their own: they wait for disks.
    private func compress(
        _ root: Root, _ excluded: Identity?, batches: @escaping @Sendable () -> UInt64
    ) async {
        let queue = WorkQueue()
        let recorders = KindRecorders(limit: options.seriesLimit, stats: options.stats)
        let began = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await onThread { walk(root, excluded, queue) } }
            for _ in 0..<options.workers {
                group.addTask { await onThread { work(queue, recorders) } }
            }
            let ticker = Task {
                while !Task.isCancelled {
                    line.show(progress.totals, batches: batches(), elapsed: ContinuousClock.now - began)
                    if progress.isInterrupted { queue.close(discarding: true) }
                    try? await Task.sleep(for: Self.tick)
                }
            }
            await group.waitForAll()
            ticker.cancel()
            await ticker.value
        }
    }

    private func walk(_ root: Root, _ excluded: Identity?, _ queue: WorkQueue) {
        switch root {
        case .file(let entry): _ = queue.push(entry)
        case .directory(let directory):
            let limit = Files.directoryLimit(workers: options.workers)
            Walker(queue: queue, progress: progress, excluded: excluded, directoryLimit: limit).walk(directory)
        }
        queue.close(discarding: progress.isInterrupted)
    }

    private func work(_ queue: WorkQueue, _ recorders: KindRecorders) {
        do throws(BatchError) {
            var worker = try Worker(queue: queue, progress: progress, recorders: recorders, level: options.level)
            try worker.run()
        } catch {
            progress.fail(error)
            queue.close(discarding: true)
        }
    }
}

/// Runs something that waits, on a thread of its own.
private func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            body()
            continuation.resume()
        }
    }
}
