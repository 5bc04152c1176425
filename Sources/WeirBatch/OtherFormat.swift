/// Formats that files have which are taken for batch files: what the file is helps more than that it is damaged.
enum OtherFormat {
    private static let beginnings: [(name: String, bytes: [UInt8])] = [
        ("gzip", [0x1F, 0x8B]), ("bzip2", Array("BZh".utf8)), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
        ("zip", [0x50, 0x4B, 0x03, 0x04]), ("lz4", [0x04, 0x22, 0x4D, 0x18]),
    ]

    /// What a file is that begins so; nil where that is not known.
    static func name(of bytes: [UInt8]) -> String? {
        beginnings.first { bytes.starts(with: $0.bytes) }?.name
    }
}
