internal import WeirExporterKit

/// A directory of batch files, ours and those of processes that share it: names in order, and a bound in total.
///
/// A file that somebody writes is locked by its writer. Nobody removes it, and nobody takes its stream for one of the
/// past.
struct BatchDirectory: Sendable {
    let path: String
    let totalBytes: UInt64
    let totalFiles: UInt64

    /// Files removed to hold the bound, and their bytes.
    private(set) var removed = (files: UInt64(0), bytes: UInt64(0))

    private let fileSystem: any FileSystem
    /// What the files took when last listed, and what was written since.
    private var bytes: UInt64 = 0

    /// Makes the directory, where it is missing.
    init(
        path: String, totalBytes: UInt64, totalFiles: UInt64, fileSystem: any FileSystem
    ) throws(SystemError) {
        self.path = path
        self.totalBytes = totalBytes
        self.totalFiles = totalFiles
        self.fileSystem = fileSystem
        try fileSystem.makeDirectory(path)
    }

    /// The stream of the newest file that nobody writes any more. A file holds one stream, so its first header tells;
    /// where that is torn, as by a kill, the file before it is asked.
    ///
    /// - Parameter readHeader: The host's; nil for bytes that are no header.
    func previousStream(_ readHeader: ([UInt8]) -> FrameFacts?) throws(SystemError) -> StreamName? {
        var streamsInUse: Set<UInt64> = []
        for (name, _) in try list().reversed().prefix(64) where !streamsInUse.contains(name.streamPrefix) {
            do throws(SystemError) {
                guard let beginning = try fileSystem.beginning(of: path(of: name), count: 1 << 18) else {
                    streamsInUse.insert(name.streamPrefix)
                    continue
                }
                if let header = readHeader(beginning) { return header.stream }
            } catch {
                continue  // Another process has removed it, or does not let us look.
            }
        }
        return nil
    }

    /// Begins a file that is named after all others, in a directory that is made anew where it is gone, and makes room for
    /// its first frame.
    ///
    /// - Parameter time: The wall clock. Where it stepped back, the name follows the newest one instead, so that the
    ///   order of names stays the order of writing.
    mutating func create(
        stream: StreamName, number: UInt64, time: UInt64, frameLength: UInt64
    ) throws(SystemError) -> any WritableFile {
        try fileSystem.makeDirectory(path)  // Somebody may have removed it.
        let files = try list()
        bytes = files.reduce(0) { $0 + $1.size }
        try remove(files, needed: frameLength, newFiles: 1)
        var name = FileName(time: time, streamPrefix: stream.high, number: number)
        if let newest = files.last?.name, newest.time >= time { name.time = newest.time + 1 }
        while true {
            do throws(SystemError) {
                return try fileSystem.create(path(of: name))
            } catch {
                guard error.isExisting, name.time < .max else { throw error }
                name.time += 1  // Another process was a moment faster.
            }
        }
    }

    /// Removes the oldest files until one more frame fits.
    mutating func makeRoom(for frameLength: UInt64) throws(SystemError) {
        guard bytes + frameLength > totalBytes else { return }
        let files = try list()
        bytes = files.reduce(0) { $0 + $1.size }
        try remove(files, needed: frameLength, newFiles: 0)
    }

    /// Makes the files' names outlast a crash of the machine.
    func sync() throws(SystemError) {
        try fileSystem.syncDirectory(path)
    }

    /// Counts what was written since.
    mutating func wrote(_ length: UInt64) {
        bytes += length
    }

    private mutating func remove(
        _ files: [(name: FileName, size: UInt64)], needed: UInt64, newFiles: UInt64
    ) throws(SystemError) {
        var count = UInt64(files.count) + newFiles
        for (name, size) in files {
            guard bytes + needed > totalBytes || count > totalFiles else { return }
            guard try fileSystem.remove(path(of: name)) else { continue }
            removed.files += 1
            removed.bytes += size
            bytes -= min(size, bytes)
            count -= 1
        }
    }

    /// Our files, oldest first.
    private func list() throws(SystemError) -> [(name: FileName, size: UInt64)] {
        try fileSystem.list(path) { FileName($0) != nil }
            .compactMap { file in FileName(file.name).map { ($0, file.size) } }
            .sorted { $0.0 < $1.0 }
    }

    private func path(of name: FileName) -> String { path + "/" + name.text }
}

extension FileName: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        (left.time, left.streamPrefix, left.number) < (right.time, right.streamPrefix, right.number)
    }
}
