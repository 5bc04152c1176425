private import WeirBatch

/// A directory that keeps the batches which a destination rejects for good, each as a batch file of its own, so that
/// somebody can look: `dead-letter-01795525200000000000-574712000000000a-42.weir.zst`, by time, stream and number.
///
/// Bounded in bytes and files: the oldest go. A batch that is kept still counts as lost, and a batch that the disk
/// refuses is not kept.
package struct DeadLetterFolder: Sendable {
    package let directory: String
    package let maximumBytes: UInt64
    package let maximumFiles: Int

    private let fileSystem: any SpillFileSystem

    /// Makes the directory, where it is missing.
    package init(
        directory: String, maximumBytes: UInt64 = 64 << 20, maximumFiles: Int = 256,
        fileSystem: any SpillFileSystem = PosixSpillFileSystem()
    ) throws(SpillError) {
        self.directory = directory
        self.maximumBytes = maximumBytes
        self.maximumFiles = maximumFiles
        self.fileSystem = fileSystem
        try fileSystem.makeDirectory(directory)
    }

    /// Writes a batch file of one frame.
    ///
    /// - Parameter time: Nanoseconds since 1970.
    package func keep(_ batch: InflightBatch, time: UInt64) throws(SpillError) {
        let header = batch.header.encoded()
        let length = UInt64(header.count + batch.batch.bytes.count)
        guard length <= maximumBytes else { throw .tooLong(limit: maximumBytes, found: length) }
        try fileSystem.makeDirectory(directory)  // Somebody may have removed it.
        try makeRoom(for: length)
        let path = directory + "/" + Self.name(batch.header, time: time)
        let file: any SpillFile
        do throws(SpillError) {
            file = try fileSystem.create(path)
        } catch {
            if error.isExisting { return }  // Another sink's, which shares the directory.
            throw error
        }
        do throws(SpillError) {
            try file.write(header, at: 0)
            try file.write(batch.batch.bytes, at: UInt64(header.count))
        } catch {
            try? fileSystem.remove(path)
            throw error
        }
    }

    private func makeRoom(for length: UInt64) throws(SpillError) {
        let files = try fileSystem.list(directory).compactMap { file in
            Self.age(file.name).map { (age: $0, file: file) }
        }
        .sorted { $0.age < $1.age }.map(\.file)
        var bytes = files.reduce(0) { $0 + $1.size }
        var count = files.count
        for (name, size) in files {
            guard bytes + length > maximumBytes || count >= maximumFiles else { return }
            try fileSystem.remove(directory + "/" + name)
            bytes -= size
            count -= 1
        }
    }

    private static func name(_ header: FrameHeader, time: UInt64) -> String {
        let stream = String(header.stream.high, radix: 16)
        return prefix + padded(String(time), 20) + "-" + padded(stream, 16) + "-\(header.first).weir.zst"
    }

    private static func padded(_ digits: String, _ width: Int) -> String {
        String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }

    private static let prefix = "dead-letter-"

    /// What orders the files by time; `nil` for a file of somebody else. An earlier version called them `poison-…`.
    private static func age(_ name: String) -> Substring? {
        guard name.hasSuffix(".weir.zst"), let prefix = [prefix, "poison-"].first(where: name.hasPrefix) else {
            return nil
        }
        return name.dropFirst(prefix.count)
    }
}
