internal import WeirBatch

/// One thing named to be read: a file, a directory of files, or standard input.
///
/// A directory's files are read in the order of their names. The one with the greatest name may be growing, so a frame
/// cut off at its end is not damage but unfinished; every other file is as long as it will ever be. The same holds for
/// a file that is named by itself, judged by what stands beside it.
final class Input {
    /// What reading comes upon.
    enum Event {
        case item(Item, path: String)
        /// A frame at the end of a file that may be growing.
        case unfinished(Damage, path: String)
        case unreadable(path: String, reason: String)
    }

    private enum Kind {
        case standardInput
        case file(directory: String, name: String)
        case directory(String)
    }

    /// How batch files end.
    static let suffix = ".weir.zst"

    private let operand: String
    private let kind: Kind

    private var reader: BatchReader?
    private var path = ""
    /// The directory's files behind the one being read, in order; looked up again when there are none left.
    private var later: [String] = []
    private var lastName = ""
    /// Whether nothing more will come from here.
    private(set) var isFinished = false

    init(_ operand: String) {
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
    func drain(following: Bool, _ take: (Event) -> Bool) {
        while !isFinished {
            guard let reader = openNext(take) else {
                if !following { isFinished = true }
                return
            }
            // Asked before reading: what a writer left behind for a newer file is complete then.
            let mayGrow = mayGrow()
            switch read(reader, mayGrow: mayGrow, following: following, take) {
            case .stopped: isFinished = true
            case .ended where mayGrow && following: return
            case .ended, .failed: self.reader = nil
            }
            if !isDirectory { isFinished = true }
        }
    }

    private enum Ending { case ended, failed, stopped }

    /// Reads one file to its present end.
    private func read(
        _ reader: BatchReader, mayGrow: Bool, following: Bool, _ take: (Event) -> Bool
    ) -> Ending {
        do throws(BatchError) {
            while let item = try reader.next(following: mayGrow) {
                guard take(.item(item, path: path)) else { return .stopped }
            }
            guard mayGrow, !following else { return .ended }
            while let item = try reader.next(following: false) {
                var event = Event.item(item, path: path)
                if case .damage(let damage) = item, case .truncated = damage.reason {
                    event = .unfinished(damage, path: path)
                }
                guard take(event) else { return .stopped }
            }
            return .ended
        } catch {
            return take(.unreadable(path: path, reason: error.words)) ? .failed : .stopped
        }
    }
}

// MARK: - Which file

extension Input {
    private var isDirectory: Bool {
        if case .directory = kind { true } else { false }
    }

    /// The reader of the file at hand, or of the next one; nil where there is none now.
    private func openNext(_ take: (Event) -> Bool) -> BatchReader? {
        if let reader { return reader }
        switch kind {
        case .standardInput:
            path = "standard input"
            reader = open(take) { () throws(BatchError) in
                try BatchReader(DescriptorSource(descriptor: 0, path: path))
            }
            return reader
        case .file:
            path = operand
            reader = open(take) { () throws(BatchError) in try BatchReader(path: path) }
            return reader
        case .directory(let directory):
            lookForLater(in: directory, take)
            while reader == nil, !later.isEmpty, !isFinished {
                lastName = later.removeFirst()
                path = directory.hasSuffix("/") ? directory + lastName : "\(directory)/\(lastName)"
                reader = open(take) { () throws(BatchError) in try BatchReader(path: path) }
            }
            return reader
        }
    }

    private func open(
        _ take: (Event) -> Bool, _ make: () throws(BatchError) -> BatchReader
    ) -> BatchReader? {
        do throws(BatchError) {
            return try make()
        } catch {
            // A bounded directory loses its oldest file now and then, between our look and our opening it too.
            if case .system(_, _, let number) = error, isDirectory, System.isMissing(number) { return nil }
            if !take(.unreadable(path: path, reason: error.words)) || !isDirectory { isFinished = true }
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

    /// Whether somebody may still write to the file at hand.
    private func mayGrow() -> Bool {
        switch kind {
        case .standardInput: return false
        case .file(let directory, let name):
            guard name.hasSuffix(Self.suffix) else { return false }
            let siblings = (try? Self.batchFiles(in: directory)) ?? []
            return !siblings.contains { $0 > name }
        case .directory(let directory):
            lookForLater(in: directory)
            return later.isEmpty
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
