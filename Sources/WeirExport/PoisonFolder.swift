private import WeirBatch

/// A directory where batches are kept that a destination will never take, each as a batch file of its own, so that
/// somebody can look: `poison-01795525200000000000-574712000000000a-42.weir.zst`, by time, stream and number.
///
/// Bounded in bytes and files, the oldest go. Keeping one is no delivery: it counts as lost either way, and where the
/// disk refuses it is not kept.
package struct PoisonFolder: Sendable {
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
        let files = try fileSystem.list(directory).filter { Self.isOurs($0.name) }.sorted { $0.name < $1.name }
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
        return "poison-" + padded(String(time), 20) + "-" + padded(stream, 16) + "-\(header.first).weir.zst"
    }

    private static func padded(_ digits: String, _ width: Int) -> String {
        String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }

    private static func isOurs(_ name: String) -> Bool { name.hasPrefix("poison-") && name.hasSuffix(".weir.zst") }
}
