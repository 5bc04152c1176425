package import WeirExporterKit

/// What can be set on a sink of files.
package struct FileSettings: Equatable, Sendable {
    package var directory: String
    package var rotateBytes: UInt64
    /// Nanoseconds.
    package var rotateAge: UInt64
    package var totalBytes: UInt64
    package var totalFiles: UInt64
    package var sync: Int64

    init(_ settings: Settings) {
        directory = settings.text(Self.directory)
        rotateBytes = UInt64(settings.number(Self.rotateBytes))
        rotateAge = UInt64(settings.number(Self.rotateAge))
        totalBytes = UInt64(settings.number(Self.totalBytes))
        totalFiles = UInt64(settings.number(Self.totalFiles))
        sync = settings.number(Self.sync)
    }

    static let directory = Setting(
        "directory", .text(length: 1...4096), default: nil, "The directory of the files, made where it is missing.")
    static let rotateBytes = Setting(
        "rotateBytes", .bytes(4096...1 << 40), default: "64MiB",
        "A file that would grow beyond this is ended, and another begun.")
    static let rotateAge = Setting(
        "rotateAge", .duration(1_000_000_000...31_622_400_000_000_000), default: "1h",
        "A file that is older than this is ended, and another begun.")
    static let totalBytes = Setting(
        "totalBytes", .bytes(8192...1 << 50), default: "1GiB",
        "What all files of the directory may take; the oldest are removed. At least twice rotateBytes.")
    static let totalFiles = Setting(
        "totalFiles", .integer(2...1_000_000), default: "4096",
        "How many files the directory may hold; the oldest are removed.")
    static let sync = Setting(
        "sync", .choice(["never", "second", "always"]), default: "second",
        "When frames are forced to disk: never, with the first frame a second after the last time, or each one.")

    static let all = [directory, rotateBytes, rotateAge, totalBytes, totalFiles, sync]
}

extension FileSink {
    package static let kind = ExporterKind(name: "file", version: "1.0.0", settings: FileSettings.all)

    /// The sink as hosts see it.
    package static let plugin = ExporterPlugin(FileSink.self)
}
