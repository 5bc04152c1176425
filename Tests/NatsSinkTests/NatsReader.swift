import CNATS
import NatsSink
import Testing
import WeirBatch

/// What a server's streams hold, read with the client library itself.
@safe
final class NatsReader {
    private let connection: OpaquePointer
    private let jetStream: OpaquePointer

    struct Failure: Error, Equatable {
        let call: String
        let status: UInt32
    }

    /// A message as the stream has it.
    struct Stored {
        var bytes: [UInt8]
        var headers: [String: String]
    }

    init(_ url: String) throws {
        // Keeps the library open while exporters come and go.
        try NatsLibrary.open()
        var options: OpaquePointer?
        unsafe natsOptions_Create(&options)
        defer { unsafe natsOptions_Destroy(options) }
        unsafe natsOptions_SetURL(options, url)
        unsafe natsOptions_SetTimeout(options, 5000)
        var connection: OpaquePointer?
        var jetStream: OpaquePointer?
        do {
            try Self.check("connect", unsafe natsConnection_Connect(&connection, options))
            try Self.check("JetStream", unsafe natsConnection_JetStream(&jetStream, connection, nil))
        } catch {
            unsafe natsConnection_Destroy(connection)
            NatsLibrary.close()
            throw error
        }
        unsafe self.connection = connection!
        unsafe self.jetStream = jetStream!
    }

    deinit {
        unsafe jsCtx_Destroy(jetStream)
        unsafe natsConnection_Destroy(connection)
        NatsLibrary.close()
    }

    private static func check(_ call: String, _ status: natsStatus) throws {
        guard status == NATS_OK else { throw Failure(call: call, status: status.rawValue) }
    }

    /// What the server says of a stream.
    struct Facts: Equatable {
        var subjects: [String]
        var maximumBytes: Int64
        var maximumAge: Int64
        var duplicateWindow: Int64
        var replicas: Int64
        var isInMemory: Bool
        var discardsOld: Bool
        var numbers: Range<UInt64>
        /// nil for a server without a cluster, and while one is elected.
        var leader: String?

        init(_ information: jsStreamInfo, _ stream: jsStreamConfig) {
            unsafe subjects = (0..<Int(stream.SubjectsLen)).map { unsafe String(cString: stream.Subjects[$0]!) }
            unsafe maximumBytes = stream.MaxBytes
            unsafe maximumAge = stream.MaxAge
            unsafe duplicateWindow = stream.Duplicates
            unsafe replicas = stream.Replicas
            unsafe isInMemory = stream.Storage == js_MemoryStorage
            unsafe discardsOld = stream.Discard == js_DiscardOld && stream.Retention == js_LimitsPolicy
            unsafe numbers = max(information.State.FirstSeq, 1)..<information.State.LastSeq + 1
            let name = unsafe information.Cluster.flatMap { unsafe $0.pointee.Leader }
            leader = unsafe name.map { unsafe String(cString: $0) }
        }
    }

    func facts(of stream: String) throws -> Facts {
        var information: UnsafeMutablePointer<jsStreamInfo>?
        try Self.check("information", unsafe js_GetStreamInfo(&information, jetStream, stream, nil, nil))
        defer { unsafe jsStreamInfo_Destroy(information) }
        return unsafe Facts(information!.pointee, information!.pointee.Config.pointee)
    }

    /// All messages, in the order in which they were stored.
    func messages(in stream: String = "WEIR") throws -> [Stored] {
        try facts(of: stream).numbers.map { try message($0, in: stream) }
    }

    private func message(_ sequence: UInt64, in stream: String) throws -> Stored {
        var message: OpaquePointer?
        try Self.check("get \(sequence)", unsafe js_GetMsg(&message, jetStream, stream, sequence, nil, nil))
        defer { unsafe natsMsg_Destroy(message) }
        var headers: [String: String] = [:]
        for name in ["Nats-Msg-Id", "Weir-Stream", "Weir-Numbers", "Weir-Part", "Weir-End", "Content-Type"] {
            var value: UnsafePointer<CChar>?
            if unsafe natsMsgHeader_Get(message, name, &value) == NATS_OK {
                headers[name] = unsafe value.map { unsafe String(cString: $0) }
            }
        }
        let bytes = unsafe UnsafeRawBufferPointer(
            start: natsMsg_GetData(message), count: Int(natsMsg_GetDataLength(message)))
        return unsafe Stored(bytes: Array(bytes), headers: headers)
    }

    /// Makes a stream that is not the exporter's.
    func makeStream(
        _ name: String, subject: String, maximumMessage: Int32 = -1, discardsNew: Bool = false,
        maximumMessages: Int64 = -1
    ) throws {
        let status = unsafe name.withCString { name in
            unsafe subject.withCString { subject in
                var subjects: UnsafePointer<CChar>? = unsafe subject
                return unsafe withUnsafeMutablePointer(to: &subjects) { subjects in
                    var stream = unsafe jsStreamConfig()
                    unsafe jsStreamConfig_Init(&stream)
                    unsafe stream.Name = name
                    unsafe stream.Subjects = subjects
                    unsafe stream.SubjectsLen = 1
                    unsafe stream.MaxMsgSize = maximumMessage
                    unsafe stream.MaxMsgs = maximumMessages
                    unsafe stream.Discard = discardsNew ? js_DiscardNew : js_DiscardOld
                    return unsafe js_AddStream(nil, jetStream, &stream, nil, nil)
                }
            }
        }
        try Self.check("make \(name)", status)
    }
}
