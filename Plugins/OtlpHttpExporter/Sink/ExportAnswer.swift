internal import WeirHTTPClient
internal import WeirWire

/// What a collector says of a request that it did not refuse: `ExportMetricsServiceResponse`.
struct ExportAnswer: Equatable {
    var rejectedPoints: UInt64 = 0
    /// Why, or a warning where none was rejected.
    var message = ""

    /// An answer that is none of a collector's.
    enum Failure: Error, Equatable, CustomStringConvertible {
        case contentType(found: String)
        case body(WireReader.Failure)

        var description: String {
            switch self {
            case .contentType(let found): "wanted a collector's answer, found one of type \(found)"
            case .body(let failure): "wanted a collector's answer: \(failure)"
            }
        }
    }

    init(_ answer: HTTPAnswer) throws(Failure) {
        // Nothing to say is said with nothing, whatever its type.
        if answer.body.isEmpty { return }
        let type = answer.header("Content-Type") ?? "application/x-protobuf"
        guard type.lowercased().hasPrefix("application/x-protobuf") else { throw .contentType(found: type) }
        do throws(WireReader.Failure) {
            try read(answer.body[...])
        } catch {
            throw .body(error)
        }
    }

    private mutating func read(_ body: ArraySlice<UInt8>) throws(WireReader.Failure) {
        var response = WireReader(body)
        while let field = try response.next() {
            guard field.field == 1, case .bytes(let partial) = field.value else { continue }
            var reader = WireReader(partial)
            while let field = try reader.next() {
                switch (field.field, field.value) {
                // An int64; what is negative means nothing.
                case (1, .varint(let points)): rejectedPoints = points > UInt64(Int64.max) ? 0 : points
                case (2, .bytes(let text)): message = String(decoding: text.prefix(1000), as: UTF8.self)
                default: break
                }
            }
        }
    }
}
