internal import Foundation
internal import Weir
internal import WeirBatch
internal import WeirExport

/// The main job on real input: concurrent workers compress every regular file of a tree and record what they do, while
/// batches are exported.
package struct Demo {
    private let options: DemoOptions
    private let progress: Progress
    private let show: @Sendable (_ totals: Totals, _ batches: Int, _ elapsed: Duration) -> Void

    /// - Parameters:
    ///   - say: Takes notes and warnings, a line each, from any thread.
    ///   - show: Takes what was done so far, four times a second.
    package init(
        _ options: DemoOptions, say: @escaping @Sendable (String) -> Void,
        show: @escaping @Sendable (_ totals: Totals, _ batches: Int, _ elapsed: Duration) -> Void
    ) {
        self.options = options
        self.show = show
        progress = Progress(say)
    }

    /// Runs to the end of the tree, or until SIGINT or SIGTERM.
    ///
    /// - Throws: ``DemoError``, and what registering and exporting throw.
    package func run() async throws -> DemoReport {
        Progress.catchInterrupts()
        let root = try openRoot()
        // Checked before anything runs: a worker could only say it late.
        _ = try StreamCompressor(level: options.level)
        try register(DemoMeasures.views)
        let exporting = try startExporting(
            every: options.interval, to: .file(directory: options.directory), resource: ["service.name": "weir-demo"])
        await compress(root) { exporting.counts.collections }
        let end = await exporting.shutdown()
        if let failure = progress.failure { throw failure }

        let recorded = try RecordedTotals(of: exporting.stream, in: options.directory)
        return DemoReport(
            counted: progress.totals, recorded: recorded.byExtension, batches: recorded.batches,
            unreadable: progress.unreadable, changed: progress.changed, isInterrupted: progress.isInterrupted,
            exporting: end.isComplete ? "" : end.description)
    }

    private enum Root: Sendable {
        case directory(Directory)
        case file(Entry)
    }

    private func openRoot() throws(DemoError) -> Root {
        let descriptor: Int32
        switch Files.open(options.path) {
        case .failure(let fault): throw .unreadable(path: options.path, reason: Files.describe(fault.number))
        case .success(let opened): descriptor = opened
        }
        let opened = Directory(descriptor: descriptor, path: options.path)
        switch Files.kind(of: descriptor) {
        case .directory: return .directory(opened)
        case .file: return .file(try entry(of: options.path))
        case .other: throw .notAFile(path: options.path)
        }
    }

    /// A single file, in the directory where it is.
    private func entry(of path: String) throws(DemoError) -> Entry {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        switch Files.open(parent) {
        case .failure(let fault): throw .unreadable(path: parent, reason: Files.describe(fault.number))
        case .success(let descriptor):
            return Entry(
                parent: Directory(descriptor: descriptor, path: parent), name: name.utf8CString.map { $0 })
        }
    }

    /// Walks and compresses, on threads of their own: they wait for disks.
    private func compress(_ root: Root, batches: @escaping @Sendable () -> UInt64) async {
        let queue = WorkQueue()
        let began = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await onThread {
                    switch root {
                    case .file(let entry): _ = queue.push(entry)
                    case .directory(let directory):
                        let excluded = Set([Files.identity(of: options.directory)].compactMap { $0 })
                        Walker(
                            queue: queue, progress: progress, excluded: excluded,
                            directoryLimit: Files.directoryLimit(workers: options.workers)
                        ).walk(directory)
                    }
                    queue.close(discarding: progress.isInterrupted)
                }
            }
            for _ in 0..<options.workers {
                group.addTask {
                    await onThread {
                        do throws(BatchError) {
                            try Worker(queue: queue, progress: progress, level: options.level).run()
                        } catch {
                            progress.fail(error)
                            queue.close(discarding: true)
                        }
                    }
                }
            }
            let ticker = Task {
                while !Task.isCancelled {
                    show(progress.totals, Int(clamping: batches()), ContinuousClock.now - began)
                    if progress.isInterrupted { queue.close(discarding: true) }
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
            await group.waitForAll()
            ticker.cancel()
            await ticker.value
        }
        show(progress.totals, Int(clamping: batches()), ContinuousClock.now - began)
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
