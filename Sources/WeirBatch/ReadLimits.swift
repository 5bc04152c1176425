/// How much memory a reader spends on what it does not trust.
package struct ReadLimits: Equatable, Sendable {
    /// A header's skippable frame, whole.
    package var headerLength = 64 << 10
    /// A compressed batch.
    package var payloadLength = 64 << 20
    /// A batch uncompressed, and what zstd may write whatever the frame declares.
    package var rawLength = 64 << 20
    /// What protobuf-c may allocate to unpack a batch; the columns made of it take as much again at most.
    package var unpackedLength = 1 << 30

    package init() {}
}
