/// What is wrong with a batch, or with the bytes that should be one.
package enum BatchError: Error, Equatable, Sendable {
    case outOfMemory
    /// A system call failed.
    case system(call: String, path: String, errno: Int32)
    /// Something that has no length and no end: a pipe, a socket, a device, or a directory.
    case notRegular(found: String)
    case compressionLevel(allowed: ClosedRange<Int32>, found: Int32)
    /// Something is longer than the writer's or reader's limit.
    case tooLong(Part, limit: UInt64, found: UInt64)

    // MARK: Framing

    /// A file of another kind, by its first bytes.
    case otherFormat(name: String)
    /// Neither a header nor a zstd frame begins here.
    case unexpectedBytes
    /// The source ends within a frame.
    case truncated(expected: UInt64, found: UInt64)
    /// A Weir header in a skippable frame of another number than Weir's.
    case headerMagic(expected: UInt32, found: UInt32)
    case headerChecksum(expected: UInt32, found: UInt32)
    /// The header's checksum holds, but a field makes no sense.
    case headerField(String, found: UInt64)
    /// Written by a later Weir whose format this one would misread.
    case version(known: UInt32, found: UInt32)
    /// The frame behind a header does not have the length that the header says.
    case payloadLength(expected: UInt64, found: UInt64)
    case rawLength(expected: UInt64, found: UInt64)
    /// The payload has no content checksum, so that damage could not be seen.
    case noContentChecksum
    /// zstd's word for what it met.
    case compression(String)

    // MARK: Content

    /// Not the protobuf message that it should be, or one that needs more memory than allowed.
    case malformed(message: String)
    case batchCount(expected: Int, found: Int)
    /// A column has not as many values as the rows need.
    case columnLength(view: String, column: String, expected: UInt64, found: UInt64)
    /// An index into the strings that are not there.
    case tagValue(view: String, strings: Int, found: UInt32)
    /// A key that a view has twice, so that a row may have two values of one tag.
    case repeatedKey(view: String, key: String)
    /// An exemplar of a row that is not there.
    case exemplarRow(view: String, rows: Int, found: UInt32)
    /// Bounds or bucket indexes that do not ascend; `position` is the first that does not.
    case notAscending(view: String, column: String, position: Int)
    /// A row's bucket counts add up to more than 2^63 - 1.
    case countOverflow(view: String, row: Int)
    /// An enumeration's value, or a scale, that this reader does not know.
    case unknownValue(view: String, field: String, found: Int64)
    /// Header and batch contradict each other.
    case headerDisagrees(field: String, header: UInt64, batch: UInt64)

    /// What has a greatest length.
    package enum Part: String, Sendable {
        case header
        case payload
        case raw = "uncompressed batch"
    }
}

extension BatchError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .outOfMemory: "out of memory"
        case .system(let call, let path, let errno): "\(path): \(call) failed (errno \(errno))"
        case .notRegular(let found): "wanted a regular file, found \(found)"
        case .compressionLevel(let allowed, let found): "compression level \(found) is not in \(allowed)"
        case .tooLong(let part, let limit, let found): "\(part.rawValue) of \(found) bytes, limit \(limit)"
        case .otherFormat(let name): "this is \(name), and no batch file: unpack it, and name what was in it"
        case .unexpectedBytes: "neither a header nor a zstd frame"
        case .truncated(let expected, let found): "cut off: \(found) of \(expected) bytes"
        case .headerMagic(let expected, let found): "header in skippable frame \(found), not \(expected)"
        case .headerChecksum(let expected, let found): "header checksum \(found), not \(expected)"
        case .headerField(let field, let found): "header field \(field) cannot be \(found)"
        case .version(let known, let found): "format version \(found), known up to \(known)"
        case .payloadLength(let expected, let found): "payload of \(found) bytes, header says \(expected)"
        case .rawLength(let expected, let found): "\(found) bytes uncompressed, header says \(expected)"
        case .noContentChecksum: "payload without checksum"
        case .compression(let word): "zstd: \(word)"
        case .malformed(let message): "not a weir.v1.\(message), or one that needs more memory than allowed"
        case .batchCount(let expected, let found): "\(found) batches in a frame, not \(expected)"
        case .columnLength(let view, let column, let expected, let found):
            "view \(view): column \(column) has \(found) values, not \(expected)"
        case .tagValue(let view, let strings, let found): "view \(view): tag value \(found) of \(strings) strings"
        case .repeatedKey(let view, let key): "view \(view): the key \(key) is there twice"
        case .exemplarRow(let view, let rows, let found): "view \(view): exemplar of row \(found) of \(rows)"
        case .notAscending(let view, let column, let position):
            "view \(view): \(column) does not ascend at \(position)"
        case .countOverflow(let view, let row): "view \(view): the counts of row \(row) overflow"
        case .unknownValue(let view, let field, let found): "view \(view): \(field) \(found) is not known"
        case .headerDisagrees(let field, let header, let batch):
            "\(field) is \(header) in the header, \(batch) in the batch"
        }
    }
}
