internal import CNATS

/// A connection to one server, and JetStream over it. The one file, with ``NatsOptions``, in which the library's types
/// appear.
///
/// It does not reconnect by itself: what was asked when it broke fails at once, and the next batch makes another one.
@safe
package final class NatsConnection: @unchecked Sendable {
    // Sendable: both pointers are written by `init` alone, and the library locks what they lead to.

    /// Where it leads.
    let server: NatsServer

    private let connection: OpaquePointer
    private let jetStream: OpaquePointer

    /// What JetStream said of a message.
    package struct Acknowledgement: Equatable, Sendable {
        /// In the stream.
        package var sequence: UInt64
        /// Whether it had the message already.
        package var isDuplicate: Bool
    }

    /// - Parameter milliseconds: How long it may take.
    package init(
        to server: NatsServer, _ settings: NatsSettings, milliseconds: Int64
    ) throws(NatsError) {
        let options = try NatsOptions()
        try options.set(server, settings, milliseconds: milliseconds)
        var connection: OpaquePointer?
        let status = NatsLibrary.withSignalsBlocked {
            unsafe natsConnection_Connect(&connection, options.pointer)
        }
        guard status == NATS_OK, let made = unsafe connection else {
            throw Self.failure(to: server, status)
        }
        var jetStream: OpaquePointer?
        let second = unsafe natsConnection_JetStream(&jetStream, made, nil)
        guard second == NATS_OK, let context = unsafe jetStream else {
            unsafe natsConnection_Destroy(made)
            throw .library("JetStream: \(NatsLibrary.reason(second))")
        }
        self.server = server
        unsafe self.connection = made
        unsafe self.jetStream = context
    }

    deinit {
        unsafe jsCtx_Destroy(jetStream)
        unsafe natsConnection_Destroy(connection)
    }

    private static func failure(to server: NatsServer, _ status: natsStatus) -> NatsError {
        let reason = NatsLibrary.reason(status)
        switch status {
        case NATS_CONNECTION_AUTH_FAILED, NATS_NOT_PERMITTED, NATS_SECURE_CONNECTION_WANTED,
            NATS_SECURE_CONNECTION_REQUIRED:
            return .refused(server: server.url, reason: reason)
        default: return .unreachable(server: server.url, reason: reason)
        }
    }

    /// Whether it still stands, as far as is known.
    var isOpen: Bool { unsafe natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED }

    /// Ends it, and with it what is being asked. May wait for a write that is blocked.
    func close() { unsafe natsConnection_Close(connection) }

    // MARK: - Messages

    /// Publishes a message and waits until the stream has it.
    ///
    /// - Parameters:
    ///   - body: Its bytes.
    ///   - headers: Without line ends.
    ///   - milliseconds: How long the acknowledgement may take.
    package func publish(
        _ body: [UInt8], to subject: String, stream: String, headers: [(name: String, value: String)],
        milliseconds: Int64
    ) throws(NatsError) -> Acknowledgement {
        let message = try Message(body, to: subject)
        for (name, value) in headers { try message.set(name, to: value) }
        var acknowledgement: UnsafeMutablePointer<jsPubAck>?
        var code = jsErrCode(rawValue: 0)
        let status = unsafe stream.withCString { stream in
            var options = unsafe jsPubOptions()
            unsafe jsPubOptions_Init(&options)
            unsafe options.MaxWait = milliseconds
            unsafe options.ExpectStream = stream
            return NatsLibrary.withSignalsBlocked {
                unsafe js_PublishMsg(&acknowledgement, jetStream, message.pointer, &options, &code)
            }
        }
        if status == NATS_OK, let answer = unsafe acknowledgement {
            defer { unsafe jsPubAck_Destroy(answer) }
            return unsafe Acknowledgement(sequence: answer.pointee.Sequence, isDuplicate: answer.pointee.Duplicate)
        }
        throw failure(status, code, of: body.count, to: subject, stream: stream)
    }

    private func failure(
        _ status: natsStatus, _ code: jsErrCode, of length: Int, to subject: String, stream: String
    ) -> NatsError {
        let reason = NatsLibrary.reason(status)
        switch (status, code) {
        case (NATS_MAX_PAYLOAD, _):
            return .tooLarge(length: length, limit: unsafe natsConnection_GetMaxPayload(connection), of: "the server")
        case (_, JSStreamMessageExceedsMaximumErr):
            let limit = messageLimit(of: stream) ?? 0
            return .tooLarge(length: length, limit: limit, of: "the stream \(stream)")
        case (NATS_NO_RESPONDERS, _): return .noStream(name: stream, subject: subject)
        case (NATS_ERR, let code) where code.rawValue != 0: return .jetStream(code: code.rawValue, reason)
        default: break
        }
        // A server refuses by a word of its own, and leaves the question unanswered.
        var words: UnsafePointer<CChar>?
        if unsafe natsConnection_GetLastError(connection, &words) == NATS_NOT_PERMITTED {
            return .notPermitted(unsafe words.map { unsafe String(cString: $0) } ?? reason)
        }
        return .unanswered("\(server.url) did not acknowledge: \(reason)")
    }

    /// The newest message of a subject: the value of one of its headers.
    package func lastHeader(_ name: String, of subject: String, in stream: String, milliseconds: Int64) -> String? {
        var message: OpaquePointer?
        var options = unsafe Self.options(milliseconds)
        let status = NatsLibrary.withSignalsBlocked {
            unsafe js_GetLastMsg(&message, jetStream, stream, subject, &options, nil)
        }
        guard status == NATS_OK, let found = unsafe message else { return nil }
        defer { unsafe natsMsg_Destroy(found) }
        var value: UnsafePointer<CChar>?
        guard unsafe natsMsgHeader_Get(found, name, &value) == NATS_OK else { return nil }
        return unsafe value.map { unsafe String(cString: $0) }
    }

    // MARK: - Streams

    /// Makes a stream for a subject, where there is none of its name.
    ///
    /// - Returns: Whether one is there as described; false where it is there otherwise.
    func makeStream(
        _ settings: NatsSettings.StreamSettings, subject: String, milliseconds: Int64
    ) throws(NatsError) -> Bool {
        var code = jsErrCode(rawValue: 0)
        var options = unsafe Self.options(milliseconds)
        let status = unsafe settings.name.withCString { name in
            unsafe subject.withCString { subject in
                var subjects: UnsafePointer<CChar>? = unsafe subject
                return unsafe withUnsafeMutablePointer(to: &subjects) { subjects in
                    var stream = unsafe jsStreamConfig()
                    unsafe jsStreamConfig_Init(&stream)
                    unsafe stream.Name = name
                    unsafe stream.Subjects = subjects
                    unsafe stream.SubjectsLen = 1
                    unsafe stream.Discard = js_DiscardOld
                    unsafe stream.Storage = settings.isInMemory ? js_MemoryStorage : js_FileStorage
                    unsafe stream.Replicas = settings.replicas
                    unsafe stream.MaxBytes = settings.maximumBytes
                    unsafe stream.MaxAge = settings.maximumAge
                    unsafe stream.Duplicates = settings.duplicateWindow
                    return NatsLibrary.withSignalsBlocked {
                        unsafe js_AddStream(nil, jetStream, &stream, &options, &code)
                    }
                }
            }
        }
        switch (status, code) {
        case (NATS_OK, _): return true
        case (_, JSStreamNameExistErr): return false
        case (NATS_ERR, let code) where code.rawValue != 0:
            throw .jetStream(code: code.rawValue, "making the stream \(settings.name): \(NatsLibrary.reason(status))")
        default: throw .library("cannot make the stream \(settings.name): \(NatsLibrary.reason(status))")
        }
    }

    /// `max_msg_size`; nil where it cannot be had.
    private func messageLimit(of stream: String) -> Int64? {
        var information: UnsafeMutablePointer<jsStreamInfo>?
        var options = unsafe Self.options(1000)
        guard unsafe js_GetStreamInfo(&information, jetStream, stream, &options, nil) == NATS_OK,
            let found = unsafe information
        else { return nil }
        defer { unsafe jsStreamInfo_Destroy(found) }
        return unsafe found.pointee.Config.map { unsafe Int64($0.pointee.MaxMsgSize) }
    }

    private static func options(_ milliseconds: Int64) -> jsOptions {
        var options = unsafe jsOptions()
        unsafe jsOptions_Init(&options)
        unsafe options.Wait = milliseconds
        return unsafe options
    }
}

/// A message to be published.
@safe
private struct Message: ~Copyable {
    let pointer: OpaquePointer

    init(_ body: [UInt8], to subject: String) throws(NatsError) {
        // Longer than any server takes; its own limit is found when it is sent.
        guard let length = Int32(exactly: body.count) else {
            throw .tooLarge(length: body.count, limit: Int64(Int32.max), of: "the NATS library")
        }
        var message: OpaquePointer?
        let status = unsafe body.withUnsafeBytes { bytes in
            unsafe natsMsg_Create(&message, subject, nil, bytes.baseAddress, length)
        }
        guard status == NATS_OK, let made = unsafe message else {
            throw .library("cannot make a message: \(NatsLibrary.reason(status))")
        }
        unsafe pointer = made
    }

    deinit { unsafe natsMsg_Destroy(pointer) }

    func set(_ name: String, to value: String) throws(NatsError) {
        let status = unsafe natsMsgHeader_Set(pointer, name, value)
        guard status == NATS_OK else { throw .library("cannot set \(name): \(NatsLibrary.reason(status))") }
    }
}
