internal import WeirBatch

/// What this process says to a plugin's.
package enum HostMessage: Equatable, Sendable {
    /// Load the library; answered by ``ChildMessage/described(_:)`` or ``ChildMessage/refused(_:)``.
    case load(path: String, memoryBytes: UInt64)
    /// Make the instance; answered by ``ChildMessage/opened(_:previousStream:)``.
    case open(sink: String, settings: [CheckedSetting])
    /// Answered by ``ChildMessage/delivered(_:counters:)``.
    case deliver(deadline: UInt64, header: [UInt8], payload: [UInt8])
    /// Ask the running call to return. Not answered.
    case stop
    /// End the instance and the process; answered by ``ChildMessage/closed``.
    case close

    /// Both sides must be of one version: the program is built with the library.
    package static let version: UInt32 = 2

    enum Kind: UInt32 {
        case load = 1
        case open
        case deliver
        case stop
        case close

        /// The longest body.
        var limit: Int {
            switch self {
            case .load: 64 << 10
            case .open: 1 << 20
            case .deliver: Self.deliverOpening + ReadLimits().headerLength + HostMessage.longestPayload
            case .stop, .close: 0
            }
        }

        /// What stands before the header in ``deliver``: deadline, the header's length.
        static let deliverOpening = 12
    }

    /// A longer payload is not sent.
    static var longestPayload: Int { ReadLimits().payloadLength }

    /// The message's own bytes. What ``deliver`` carries follows as it is, so that nothing is copied to be sent.
    func opening() -> [UInt8] {
        var writer = WireWriter()
        switch self {
        case .load(let path, let memoryBytes):
            writer.add(Self.version)
            writer.add(memoryBytes)
            writer.add(path)
            return writer.finish(Kind.load.rawValue)
        case .open(let sink, let settings):
            writer.add(sink)
            writer.add(UInt32(settings.count))
            for setting in settings {
                writer.add(setting.key)
                writer.add(setting.text)
                writer.add(setting.number)
            }
            return writer.finish(Kind.open.rawValue)
        case .deliver(let deadline, let header, let payload):
            writer.add(deadline)
            writer.add(UInt32(header.count))
            return writer.finish(Kind.deliver.rawValue, following: header.count + payload.count)
        case .stop: return writer.finish(Kind.stop.rawValue)
        case .close: return writer.finish(Kind.close.rawValue)
        }
    }

    /// The next message of a socket; nil where it was closed. Blocks.
    package static func receive(from socket: Socket) throws(WireFault) -> HostMessage? {
        guard let bytes = socket.receive(exactly: WirePrefix.length) else { return nil }
        let prefix = try WirePrefix(bytes[...])
        guard let kind = Kind(rawValue: prefix.kind) else { throw .unknownKind(prefix.kind) }
        guard prefix.bodyLength <= kind.limit else {
            throw .tooLong(kind: prefix.kind, limit: kind.limit, found: prefix.bodyLength)
        }
        if kind == .deliver { return try receiveDelivery(from: socket, length: prefix.bodyLength) }
        guard let body = socket.receive(exactly: prefix.bodyLength) else { return nil }
        var reader = WireReader(body[...])
        let message = try decode(kind, &reader)
        try reader.end()
        return message
    }

    /// Reads header and payload straight into the arrays that the plugin will see.
    private static func receiveDelivery(from socket: Socket, length: Int) throws(WireFault) -> HostMessage? {
        guard length >= Kind.deliverOpening else { throw .cutOff(needed: Kind.deliverOpening, left: length) }
        guard let opening = socket.receive(exactly: Kind.deliverOpening) else { return nil }
        var reader = WireReader(opening[...])
        let deadline = try reader.number64()
        let headerLength = Int(try reader.number32())
        let rest = length - Kind.deliverOpening
        guard headerLength <= rest else { throw .cutOff(needed: headerLength, left: rest) }
        guard let header = socket.receive(exactly: headerLength),
            let payload = socket.receive(exactly: rest - headerLength)
        else { return nil }
        return .deliver(deadline: deadline, header: header, payload: payload)
    }

    private static func decode(_ kind: Kind, _ reader: inout WireReader) throws(WireFault) -> HostMessage {
        switch kind {
        case .load:
            let found = try reader.number32()
            guard found == version else { throw .unknownValue(field: "version", found: UInt64(found)) }
            let memoryBytes = try reader.number64()
            return .load(path: try reader.text(), memoryBytes: memoryBytes)
        case .open:
            let sink = try reader.text()
            var settings: [CheckedSetting] = []
            for _ in 0..<(try reader.count(elementLength: 16)) {
                let key = try reader.text()
                let text = try reader.text()
                settings.append(CheckedSetting(key: key, text: text, number: try reader.signed()))
            }
            return .open(sink: sink, settings: settings)
        case .stop: return .stop
        case .close, .deliver: return .close  // A delivery is read elsewhere.
        }
    }
}
