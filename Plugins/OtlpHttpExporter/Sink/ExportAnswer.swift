internal import WeirHTTPClient
internal import WeirExporterSupport

/// What a collector says of a request that it did not refuse: `ExportMetricsServiceResponse`.
///
/// The status has accepted the request already. A body that cannot be read takes nothing back: servers that answer in
/// JSON, or with a word, keep the points all the same, and a request that is sent again would count twice.
struct ExportAnswer: Equatable {
    var rejectedPoints: UInt64 = 0
    /// Why, or a warning where none was rejected.
    var message = ""
    /// Why the body says nothing; nil where it was read.
    var unreadable: String?

    /// - Parameter answer: A success.
    init(_ answer: HTTPAnswer) {
        // Nothing to say is said with nothing, whatever its type.
        if answer.body.isEmpty, answer.isWhole { return }
        guard answer.isWhole else {
            unreadable = "its answer broke off, or is longer than \(answer.body.count) bytes"
            return
        }
        let type = (answer.header("Content-Type") ?? "application/x-protobuf").lowercased()
        guard type.hasPrefix("application/x-protobuf") || type.hasPrefix("application/protobuf") else {
            let shown = String(decoding: type.utf8.filter { 0x20...0x7E ~= $0 }.prefix(100), as: UTF8.self)
            unreadable = "its answer is of type \(shown), not application/x-protobuf"
            return
        }
        do throws(WireReader.Failure) {
            try read(answer.body[...])
        } catch {
            (rejectedPoints, message) = (0, "")
            unreadable = "its answer cannot be read: \(error)"
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
