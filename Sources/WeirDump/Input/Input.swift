package import WeirBatch

/// One thing named to be read: a file, a directory of files, or standard input.
///
/// A directory's files are read in the order of their names. Where a frame is cut off at a file's end, it matters
/// whether the file may still grow: then the frame is unfinished, otherwise it is damage. A file may grow while its
/// writer holds its lock, and the one with the greatest name always may, since a copy of a directory has no locks. The
/// same holds for a file that is named by itself, judged by what stands beside it.
package final class Input {
    /// What reading comes upon.
    package enum Event {
        case item(Item, path: String)
        /// A frame at the end of a file that may grow.
        case unfinished(Damage, path: String)
        case unreadable(path: String, reason: String)
    }

    private enum Kind {
        case standardInput
        case file(directory: String, name: String)
        case directory(String)
    }

    private struct OpenFile {
        let reader: BatchReader
        let path: String
        let name: String
    }

    /// How batch files end.
    static let suffix = ".weir.zst"

    private let operand: String
    private let kind: Kind

    /// Files read to their end that may grow; several where several processes write to one directory.
    private var growing: [OpenFile] = []
    /// The directory's files not yet opened, in order; looked up again when there are none left.
    private var later: [String] = []
    /// The last file opened.
    private var lastName = ""
    private var hasOpened = false
    /// Whether nothing more will come from here.
    package private(set) var isFinished = false

    package init(_ operand: String) {
        self.operand = operand
        if operand == "-" {
            kind = .standardInput
        } else if case .success(true) = System.isDirectory(operand) {
            kind = .directory(operand)
        } else {
            let parts = operand.split(separator: "/", omittingEmptySubsequences: false)
            let directory = parts.dropLast().joined(separator: "/")
            kind = .file(
                directory: parts.count == 1 ? "." : directory.isEmpty ? "/" : directory, name: String(parts.last ?? ""))
        }
    }

    /// Reads all there is now.
    ///
    /// - Parameters:
    ///   - following: whether this will be called again, and what is unfinished be finished then.
    ///   - take: returns whether to go on.
    package func drain(following: Bool, _ take: (Event) -> Bool) {
        let waiting = growing
        growing = []
        for file in waiting where !isFinished { read(file, following: following, take) }
        while !isFinished, let file = openNext(take) { read(file, following: following, take) }
        if growing.isEmpty, !(following && isDirectory) { isFinished = true }
    }

    /// Reads one file to its present end.
    private func read(_ file: OpenFile, following: Bool, _ take: (Event) -> Bool) {
        // Asked before reading: what a writer let go of is complete by then.
        let mayGrow = mayGrow(file)
        do throws(BatchError) {
            while let item = try file.reader.next(following: mayGrow) {
                guard take(.item(item, path: file.path)) else { return isFinished = true }
            }
            guard mayGrow else { return }
            guard !following else { return growing.append(file) }
            while let item = try file.reader.next(following: false) {
                var event = Event.item(item, path: file.path)
                if case .damage(let damage) = item, case .truncated = damage.reason {
                    event = .unfinished(damage, path: file.path)
                }
                guard take(event) else { return isFinished = true }
            }
        } catch {
            if !take(.unreadable(path: file.path, reason: error.words)) { isFinished = true }
        }
    }
}

// MARK: - Which file

extension Input {
    /// The directory that is named, or that a named file lies in.
    var place: String {
        switch kind {
        case .standardInput: "standard input"
        case .file(let directory, _): directory
        case .directory(let directory):
            directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        }
    }

    private var isDirectory: Bool {
        if case .directory = kind { true } else { false }
    }

    /// The next file, opened; nil where there is none now.
    private func openNext(_ take: (Event) -> Bool) -> OpenFile? {
        switch kind {
        case .standardInput:
            guard !hasOpened else { return nil }
            hasOpened = true
            return open("standard input", "", take) { () throws(BatchError) in
                try BatchReader(DescriptorSource(descriptor: 0, path: "standard input"))
            }
        case .file(_, let name):
            guard !hasOpened else { return nil }
            hasOpened = true
            return open(operand, name, take) { () throws(BatchError) in try BatchReader(path: operand) }
        case .directory(let directory):
            lookForLater(in: directory, take)
            while !later.isEmpty, !isFinished {
                lastName = later.removeFirst()
                let path = directory.hasSuffix("/") ? directory + lastName : "\(directory)/\(lastName)"
                let file = open(path, lastName, take) { () throws(BatchError) in try BatchReader(path: path) }
                if let file { return file }
            }
            return nil
        }
    }

    private func open(
        _ path: String, _ name: String, _ take: (Event) -> Bool, _ make: () throws(BatchError) -> BatchReader
    ) -> OpenFile? {
        do throws(BatchError) {
            return OpenFile(reader: try make(), path: path, name: name)
        } catch {
            // A bounded directory loses its oldest file now and then, between our look and our opening it too.
            if case .system(_, _, let number) = error, isDirectory, System.isMissing(number) { return nil }
            if !take(.unreadable(path: path, reason: error.words)) { isFinished = true }
            return nil
        }
    }

    private func lookForLater(in directory: String, _ take: (Event) -> Bool = { _ in true }) {
        guard later.isEmpty else { return }
        do throws(SystemError) {
            later = try Self.batchFiles(in: directory).filter { $0 > lastName }
        } catch {
            isFinished = true
            _ = take(.unreadable(path: directory, reason: error.description))
        }
    }

    /// Whether somebody may still write to a file.
    private func mayGrow(_ file: OpenFile) -> Bool {
        switch kind {
        case .standardInput: return false
        case .file(let directory, let name):
            let siblings = name.hasSuffix(Self.suffix) ? try? Self.batchFiles(in: directory) : nil
            let isNewest = siblings.map { !$0.contains { $0 > name } } ?? false
            return isNewest || System.isLocked(file.path)
        case .directory(let directory):
            lookForLater(in: directory)
            return (later.isEmpty && file.name == lastName) || System.isLocked(file.path)
        }
    }

    private static func batchFiles(in directory: String) throws(SystemError) -> [String] {
        try System.names(in: directory).filter { $0.hasSuffix(suffix) }.sorted()
    }
}

extension BatchError {
    /// What went wrong, with the system's own words.
    var words: String {
        guard case .system(let call, _, let number) = self else { return description }
        return "\(call): \(System.describe(error: number))"
    }
}
