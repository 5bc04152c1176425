#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// Finds the regular files of a tree: those that `find PATH -type f` finds. Symbolic links are not followed.
struct Walker {
    let queue: WorkQueue
    let progress: Progress
    /// Directories that are left out: the batches grow while the tree is walked.
    let excluded: Set<Identity>
    /// Directories that may be open at a time.
    let directoryLimit: Int

    /// Walks depth first, with the directories of one path open at a time.
    func walk(_ root: Directory) {
        guard var pending = visit(root) else { return }
        while let next = pending.popLast(), !progress.isInterrupted {
            switch open(next) {
            case .failure(let fault):
                // A directory that has become something else since is none of ours.
                if fault.number != ENOTDIR, fault.number != ELOOP { progress.warn(next.path, fault) }
            case .success(let descriptor):
                let directory = Directory(descriptor: descriptor, path: next.path)
                pending += visit(directory) ?? []
            }
        }
    }

    /// Opens a directory; where too many are open, after the files that wait in them are done.
    private func open(_ entry: Entry) -> Result<Int32, SystemFault> {
        if Directory.openCount >= directoryLimit { queue.waitUntilEmpty() }
        return Files.open(entry)
    }

    /// Queues a directory's files and returns the directories in it; `nil` where it is left out or nobody takes files.
    private func visit(_ directory: Directory) -> [Entry]? {
        if let facts = Files.facts(directory.descriptor), excluded.contains(Files.identity(facts)) {
            progress.note("\(directory.path) is left out: the batches are written there")
            return nil
        }
        switch Files.entries(of: directory) {
        case .failure(let fault):
            progress.warn(directory.path, fault)
            return nil
        case .success(let (directories, files)):
            for file in files where !queue.push(file) { return nil }
            return directories
        }
    }
}
