private import Synchronization
public import WeirExporterKit
private import WeirExporterSupport
private import WeirHTTPClient
private import WeirSystem

/// Puts each batch into a bucket of an S3 server as an object of its own, which is a Weir batch file.
///
/// An object is put only where none of its name is there, and its name is the batch's own: one that is sent again changes
/// nothing, and the answer that it is there is as good as the first one.
public final class S3Sink: Exporter {
    private struct State {
        var login: S3Login
        var counts = RequestCounts()
        /// Batches that were there already.
        var present: UInt64 = 0
        /// The latest time of a batch that was delivered. Nanoseconds since 1970.
        var newest: UInt64 = 0
    }

    private let settings: Settings
    private let host: ExporterHost
    private let place: S3Place
    private let isConditional: Bool
    private let isChecked: Bool
    private let destination: HTTPDestination
    private let state: Mutex<State>
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)

    /// Connects with the first batch.
    ///
    /// - Throws: ``ExporterError`` for settings that cannot be used, and where there is no key to sign with.
    public init(settings: Settings, host: ExporterHost) throws(ExporterError) {
        place = try S3Place(settings, environment: Self.variable)
        let login = try S3Login(settings, region: place.region, environment: Self.variable)
        destination = try HTTPDestination(settings: settings, host: host, url: place.root)
        isConditional = settings.number(S3Settings.conditional) == 1
        isChecked = settings.number(S3Settings.checksum) == 0
        state = Mutex(State(login: login))
        self.settings = settings
        self.host = host
    }

    /// A variable of the environment, unless it is empty.
    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
        return unsafe String(cString: value)
    }

    /// Puts a frame, an end mark likewise.
    public func deliver(_ frame: borrowing DeliveryFrame) -> DeliveryResult {
        let facts = frame.facts
        let body = frame.bytes
        let deadline = frame.deadline
        return state.withLock { state in
            let time = facts.isEndMark ? max(state.newest, host.wallNanoseconds()) : facts.endTime
            do throws(HTTPError) {
                let key = try state.login.current()
                let request = HTTPRequest(
                    .put, place.url(ObjectKey.of(facts, time: time)), headers: headers(body, token: key.token),
                    body: body, signer: key.signer)
                let answer = try destination(for: facts).send(request, deadline: deadline)
                state.counts.note(answer, bytes: body.count)
                let result = judge(answer, token: key.token, &state)
                if result == .delivered { state.newest = max(state.newest, time) }
                return result
            } catch {
                state.counts.noteUnanswered()
                return error.deliveryResult
            }
        }
    }

    /// Requests, bytes, and batches that were there already.
    public var counters: [ExporterCounter] {
        state.withLock { state in
            state.counts.counters + [ExporterCounter("objects.present", unit: "{object}", value: state.present)]
        }
    }

    /// Asks a running call to return.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        destination.stop()
    }

    /// Ends the exporter.
    public func close() {}

    // MARK: - Requests

    /// An end mark is the last there is, also of a sink that was asked to stop: then it goes over a connection of its own.
    private func destination(for facts: FrameFacts) throws(HTTPError) -> HTTPDestination {
        guard facts.isEndMark, isStopping.load(ordering: .relaxed) else { return destination }
        do throws(ExporterError) {
            return try HTTPDestination(settings: settings, host: host, url: place.root)
        } catch {
            throw .unusable(reason: error.description)
        }
    }

    /// All but those that the settings add.
    private func headers(_ body: [UInt8], token: String) -> [HTTPHeader] {
        var headers = [
            HTTPHeader("Content-Type", "application/zstd"),
            // Signed are the headers, the checksum among them.
            HTTPHeader("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ]
        if isConditional { headers.append(HTTPHeader("If-None-Match", "*")) }
        if isChecked {
            let checksum = CRC32.of(body)
            let bytes = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: checksum >> $0) }
            headers.append(HTTPHeader("x-amz-checksum-crc32", String(decoding: Base64.encode(bytes), as: UTF8.self)))
        }
        if !token.isEmpty { headers.append(HTTPHeader("x-amz-security-token", token)) }
        return headers
    }

    private func judge(_ answer: HTTPAnswer, token: String, _ state: inout State) -> DeliveryResult {
        if answer.isSuccess {
            if answer.header("ETag") != nil { return .delivered }
            if answer.isPage { return answer.deliveryResult(now: host.wallNanoseconds()) }
            destination.noteForeignSuccess("answers HTTP \(answer.status) without an ETag, which S3 servers send")
            return .delivered
        }
        let refusal = S3Refusal(answer, hiding: token)
        if answer.status == 412, isConditional, refusal.code == "PreconditionFailed" {
            state.present += 1
            return .delivered
        }
        return refusal.result(of: answer, at: place, now: host.wallNanoseconds())
    }
}
