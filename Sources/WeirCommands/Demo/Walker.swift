internal import WeirDump
private import WeirSystem

/// Finds the regular files of a tree: those that `find PATH -type f` finds. Symbolic links are not followed.
struct Walker {
    let queue: WorkQueue
    let progress: Progress
    /// The directory that is left out: the batches grow while the tree is walked.
    let excluded: Identity?
    /// Directories that may be open at a time.
    let directoryLimit: Int

    /// Walks depth first. Of directories that wait, it keeps the path alone, so that neither depth nor breadth costs
    /// descriptors.
    func walk(_ root: Directory) {
        var pending: [TreePath] = []
        visit(root, &pending)
        while let path = pending.popLast(), !progress.isInterrupted {
            // Where too many are open, the files that wait in them are done first.
            if Directory.openCount >= directoryLimit { queue.waitUntilEmpty() }
            switch Files.openDirectory(path, below: root) {
            case .failure(let error):
                // One that is something else by now is none of ours.
                guard error.number != ENOTDIR, error.number != ELOOP else { continue }
                progress.omitDirectory(path.text(below: root.root), error)
            case .success(let descriptor):
                visit(Directory(descriptor: descriptor, root: root.root, path: path), &pending)
            }
        }
    }

    /// Queues a directory's files, and adds the directories in it to those that wait.
    private func visit(_ directory: Directory, _ pending: inout [TreePath]) {
        if let excluded, Files.facts(directory.descriptor).map(Files.identity) == excluded {
            progress.note("\(directory.text) is left out: the batches are written there")
            return
        }
        let error = Files.forEachEntry(of: directory) { entry, kind in
            switch kind {
            case .directory: pending.append(directory.path.appending(entry.name))
            case .file: return queue.push(entry)
            case .other: break
            }
            return true
        }
        if let error { progress.omitDirectory(directory.text, error) }
    }
}
