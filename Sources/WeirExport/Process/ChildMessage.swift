package import WeirBatch

/// What a plugin's process says to this one.
package enum ChildMessage: Equatable, Sendable {
    case described(PluginDescription)
    /// The library was not loaded: a sentence that says why.
    case refused(String)
    /// What opening came to.
    case opened(Delivery, previousStream: StreamID?)
    case delivered(Delivery, counters: [ExporterCount])
    case closed
    /// A line for the log, at any time. The level is one of the C header's.
    case log(UInt32, String)
    /// The plugin asks for so many batches more, at any time.
    case demand(UInt64)
    /// The plugin asks for a batch of now, at any time.
    case collect

    package enum Kind: UInt32, Sendable {
        case described = 101
        case refused
        case opened
        case delivered
        case closed
        case log
        case demand
        case collect

        /// The longest body.
        var limit: Int {
            switch self {
            case .described: 1 << 20
            case .refused, .log: 32 << 10
            case .opened, .delivered: 64 << 10
            case .closed, .collect: 0
            case .demand: 8
            }
        }

        /// Whether it answers a request.
        var isReply: Bool { self != .log && self != .demand && self != .collect }
    }

    var kind: Kind {
        switch self {
        case .described: .described
        case .refused: .refused
        case .opened: .opened
        case .delivered: .delivered
        case .closed: .closed
        case .log: .log
        case .demand: .demand
        case .collect: .collect
        }
    }

    package func encoded() -> [UInt8] {
        var writer = WireWriter()
        switch self {
        case .described(let description): description.write(to: &writer)
        case .refused(let reason): writer.add(reason)
        case .opened(let delivery, let stream):
            delivery.write(to: &writer)
            writer.add(stream?.high ?? 0)
            writer.add(stream?.low ?? 0)
        case .delivered(let delivery, let counters):
            delivery.write(to: &writer)
            writer.add(UInt32(counters.count))
            for counter in counters {
                writer.add(counter.name)
                writer.add(counter.unit)
                writer.add(counter.value)
            }
        case .closed, .collect: break
        case .log(let level, let line):
            writer.add(level)
            writer.add(line)
        case .demand(let batches): writer.add(batches)
        }
        return writer.finish(kind.rawValue)
    }

    init(_ kind: Kind, _ body: ArraySlice<UInt8>) throws(WireFault) {
        var reader = WireReader(body)
        switch kind {
        case .described: self = .described(try PluginDescription(&reader))
        case .refused: self = .refused(try reader.text())
        case .opened:
            let delivery = try Delivery(&reader)
            let stream = StreamID(high: try reader.number64(), low: try reader.number64())
            // All zero names no stream.
            self = .opened(delivery, previousStream: stream == StreamID(high: 0, low: 0) ? nil : stream)
        case .delivered:
            let delivery = try Delivery(&reader)
            var counters: [ExporterCount] = []
            for _ in 0..<(try reader.count(elementLength: 16)) {
                let name = try reader.text()
                let unit = try reader.text()
                counters.append(ExporterCount(name: name, unit: unit, value: try reader.number64()))
            }
            self = .delivered(delivery, counters: counters)
        case .closed: self = .closed
        case .log:
            let level = try reader.number32()
            self = .log(level, try reader.text())
        case .demand: self = .demand(try reader.number64())
        case .collect: self = .collect
        }
        try reader.end()
    }
}

/// Bytes of a socket until they are whole messages. Holds at most the longest message and what came with its end.
struct ChildInbox {
    private var bytes: [UInt8] = []
    private var start = 0

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        unsafe bytes.append(contentsOf: chunk)
    }

    /// The next whole message. A length that no message has is a fault before its bytes are waited for.
    mutating func next() throws(WireFault) -> ChildMessage? {
        guard bytes.count - start >= WirePrefix.length else { return compact() }
        let prefix = try WirePrefix(bytes[start..<start + WirePrefix.length])
        guard let kind = ChildMessage.Kind(rawValue: prefix.kind) else { throw .unknownKind(prefix.kind) }
        guard prefix.bodyLength <= kind.limit else {
            throw .tooLong(kind: prefix.kind, limit: kind.limit, found: prefix.bodyLength)
        }
        let body = start + WirePrefix.length
        guard bytes.count - body >= prefix.bodyLength else { return compact() }
        start = body + prefix.bodyLength
        return try ChildMessage(kind, bytes[body..<start])
    }

    private mutating func compact() -> ChildMessage? {
        bytes.removeFirst(start)
        start = 0
        return nil
    }
}

// MARK: - Fields

extension Delivery {
    fileprivate func write(to writer: inout WireWriter) {
        let (code, number, limit): (UInt32, UInt64, UInt32) =
            switch outcome {
            case .delivered: (0, 0, 0)
            case .retry(let hint, let limit): (1, hint ?? 0, limit ?? 0)
            case .partial(let acceptedRows): (2, acceptedRows, 0)
            case .rejected: (3, 0, 0)
            // Only the parent quarantines.
            case .fatal, .quarantined: (4, 0, 0)
            }
        writer.add(code)
        writer.add(UInt32((isUncertain ? 1 : 0) | (isOutOfOrder ? 2 : 0)))
        writer.add(number)
        writer.add(limit)
        writer.add(message)
    }

    fileprivate init(_ reader: inout WireReader) throws(WireFault) {
        let code = try reader.number32()
        let flags = try reader.number32()
        let number = try reader.number64()
        let limit = try reader.number32()
        let outcome: Outcome
        switch code {
        case 0: outcome = .delivered
        case 1: outcome = .retry(hint: number == 0 ? nil : number, attemptLimit: limit == 0 ? nil : limit)
        case 2: outcome = .partial(acceptedRows: number)
        case 3: outcome = .rejected
        case 4: outcome = .fatal
        default: throw .unknownValue(field: "outcome", found: UInt64(code))
        }
        self.init(
            outcome, isUncertain: flags & 1 != 0, isOutOfOrder: flags & 2 != 0, message: try reader.text())
    }
}

extension PluginDescription {
    fileprivate func write(to writer: inout WireWriter) {
        writer.add(name)
        writer.add(version)
        writer.add(abiMajor)
        writer.add(abiMinor)
        writer.add(requiredFeatures)
        writer.add(UInt32(settings.count))
        for setting in settings {
            writer.add(setting.key)
            writer.add(setting.description)
            writer.add(setting.defaultValue)
            setting.form.write(to: &writer)
        }
    }

    fileprivate init(_ reader: inout WireReader) throws(WireFault) {
        let name = try reader.text()
        let version = try reader.text()
        let (major, minor) = (try reader.number32(), try reader.number32())
        let features = try reader.number64()
        var settings: [SettingKind] = []
        for _ in 0..<(try reader.count(elementLength: 16)) {
            let key = try reader.text()
            let description = try reader.text()
            let defaultValue = try reader.optionalText()
            settings.append(
                SettingKind(
                    key: key, description: description, form: try SettingKind.Form(&reader),
                    defaultValue: defaultValue))
        }
        self.init(
            name: name, version: version, abiMajor: major, abiMinor: minor, requiredFeatures: features,
            settings: settings)
    }
}

extension SettingKind.Form {
    fileprivate func write(to writer: inout WireWriter) {
        func write(_ code: UInt32, _ range: ClosedRange<Int64>) {
            writer.add(code)
            writer.add(range.lowerBound)
            writer.add(range.upperBound)
        }
        switch self {
        case .text(let range): write(1, range)
        case .integer(let range): write(2, range)
        case .boolean: writer.add(UInt32(3))
        case .bytes(let range): write(4, range)
        case .duration(let range): write(5, range)
        case .choice(let words):
            writer.add(UInt32(6))
            writer.add(UInt32(words.count))
            for word in words { writer.add(word) }
        }
    }

    fileprivate init(_ reader: inout WireReader) throws(WireFault) {
        func range(_ reader: inout WireReader) throws(WireFault) -> ClosedRange<Int64> {
            let lowerBound = try reader.signed()
            return lowerBound...max(lowerBound, try reader.signed())
        }
        let code = try reader.number32()
        switch code {
        case 1: self = .text(try range(&reader))
        case 2: self = .integer(try range(&reader))
        case 3: self = .boolean
        case 4: self = .bytes(try range(&reader))
        case 5: self = .duration(try range(&reader))
        case 6:
            var words: [String] = []
            for _ in 0..<(try reader.count(elementLength: 4)) { words.append(try reader.text()) }
            self = .choice(words)
        default: throw .unknownValue(field: "setting's kind", found: UInt64(code))
        }
    }
}
