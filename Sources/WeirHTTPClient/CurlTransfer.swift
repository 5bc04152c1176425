// The one file in which libcurl is called for a request. Its pointers stay here.
internal import CCurl
internal import Synchronization

/// libcurl's handles: an easy one for the request, which is used again, and a multi one that keeps the connections and
/// can be woken up.
@safe
struct CurlTransfer: ~Copyable {
    let cancellation: CurlCancellation

    private let easy: UnsafeMutableRawPointer
    /// Where libcurl says in its own words why a request failed.
    private let words: UnsafeMutablePointer<CChar>
    private let options: HTTPClient.Options

    init(_ options: HTTPClient.Options) throws(HTTPError) {
        guard Self.isReady, let multi = unsafe curl_multi_init() else {
            throw .unusable(reason: "libcurl cannot be used")
        }
        // Frees `multi` where what follows fails.
        let cancellation = unsafe CurlCancellation(multi)
        guard let easy = unsafe curl_easy_init() else { throw .unusable(reason: "libcurl has no memory left") }
        self.cancellation = cancellation
        unsafe self.easy = easy
        unsafe words = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.options = options
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe words.deallocate()
    }

    /// Once a process. libcurl makes it safe between threads itself, where it was built with atomics.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    mutating func perform(_ request: HTTPRequest, within seconds: Double) throws(HTTPError) -> HTTPAnswer {
        // Keeps connections; forgets all that the last request set.
        unsafe curl_easy_reset(easy)
        var list: UnsafeMutablePointer<curl_slist>?
        defer { unsafe curl_slist_free_all(list) }
        if request.signer != nil, let (first, second) = RequestSigner.unsortable(request.headers) {
            throw .setting(
                key: "headers",
                wanted: "no two of which one's name begins with the other's, found \(first) and \(second)")
        }
        // Without the first one libcurl asks before it sends a long body, and waits for a server that does not know that. It
        // would sign that header although it leaves it out (seen in 7.88).
        let omitted = request.signer == nil ? [HTTPHeader("Expect", "")] : []
        for header in omitted + request.headers {
            guard header.isValid else { throw .setting(key: "header \(header.name)", wanted: "no control characters") }
            // A semicolon is libcurl's way to say that the value is empty.
            let isOmitted = header.name == "Expect"
            let line = header.value.isEmpty && !isOmitted ? header.name + ";" : "\(header.name): \(header.value)"
            guard let longer = unsafe curl_slist_append(list, line) else {
                throw .unusable(reason: "libcurl has no memory left")
            }
            unsafe list = longer
        }
        try set(request, seconds)
        unsafe weir_curl_set_pointer(easy, CURLOPT_HTTPHEADER, list)

        let received = ReceivedAnswer(limit: options.answerBytes)
        // libcurl calls back only within `run`, through which `received` lives.
        let context = unsafe Unmanaged.passUnretained(received).toOpaque()
        unsafe weir_curl_set_sink(easy, CURLOPT_WRITEFUNCTION, receiveBody)
        unsafe weir_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        unsafe weir_curl_set_sink(easy, CURLOPT_HEADERFUNCTION, receiveHeader)
        unsafe weir_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        let code = try unsafe request.body.span.bytes.withUnsafeBytes { body throws(HTTPError) in
            if request.method != .get {
                unsafe weir_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
                unsafe weir_curl_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress ?? UnsafeRawPointer(context))
            }
            return try run()
        }
        return try withExtendedLifetime(received) { () throws(HTTPError) in try answer(code, received) }
    }

    private func set(_ request: HTTPRequest, _ seconds: Double) throws(HTTPError) {
        let milliseconds = Int(min(max(seconds * 1000, 1), 86_400_000))
        unsafe words.initialize(to: 0)
        unsafe weir_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, words)
        unsafe weir_curl_set_number(easy, CURLOPT_NOSIGNAL, 1)
        unsafe weir_curl_set_number(easy, CURLOPT_TIMEOUT_MS, milliseconds)
        unsafe weir_curl_set_number(easy, CURLOPT_MAXLIFETIME_CONN, options.connectionSeconds)
        // No address is kept beyond its connection: one that refuses is looked up again with the next request.
        unsafe weir_curl_set_number(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0)
        unsafe weir_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        unsafe weir_curl_set_text(easy, CURLOPT_USERAGENT, "weir")
        unsafe weir_curl_set_text(easy, CURLOPT_URL, request.url)
        if request.method != .get { unsafe weir_curl_set_number(easy, CURLOPT_POST, 1) }
        unsafe weir_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        if let signer = request.signer {
            guard unsafe weir_curl_set_text(easy, CURLOPT_AWS_SIGV4, signer.scope) == CURLE_OK else {
                throw .unusable(reason: "wanted a libcurl that signs, 7.75 or later, found one that does not")
            }
            unsafe weir_curl_set_text(easy, CURLOPT_USERNAME, signer.keyID)
            unsafe weir_curl_set_text(easy, CURLOPT_PASSWORD, signer.secretKey)
        }
        if let authorities = options.authorities { unsafe weir_curl_set_text(easy, CURLOPT_CAINFO, authorities) }
        if let certificate = options.certificate {
            unsafe weir_curl_set_text(easy, CURLOPT_SSLCERT, certificate.file)
            unsafe weir_curl_set_text(easy, CURLOPT_SSLKEY, certificate.key)
        }
    }

    /// Runs the request that was set to its end.
    private func run() throws(HTTPError) -> CURLcode {
        if cancellation.isCancelled { throw .stopped(wasSending: false) }
        unsafe curl_multi_add_handle(cancellation.multi, easy)
        defer { unsafe curl_multi_remove_handle(cancellation.multi, easy) }
        var running: Int32 = 1
        while running > 0 {
            guard unsafe curl_multi_perform(cancellation.multi, &running) == CURLM_OK else {
                throw .unusable(reason: "libcurl failed")
            }
            // The request has a timeout of its own; a second here only bounds how long a wake-up may be missed.
            if running > 0 { unsafe curl_multi_poll(cancellation.multi, nil, 0, 1000, nil) }
            if cancellation.isCancelled { throw .stopped(wasSending: hasSent) }
        }
        var code = CURLE_OK
        return unsafe weir_curl_ended(cancellation.multi, &code) == 1 ? code : CURLE_RECV_ERROR
    }

    private func answer(_ code: CURLcode, _ received: ReceivedAnswer) throws(HTTPError) -> HTTPAnswer {
        let reason = LibcurlWords.lasting(
            unsafe String(cString: words.pointee == 0 ? curl_easy_strerror(code) : UnsafePointer(words)))
        // The status is the server's word on the request. A body that breaks off behind it takes nothing back.
        if code == CURLE_OK || received.isAnswered {
            var status = 0
            unsafe weir_curl_get_number(easy, CURLINFO_RESPONSE_CODE, &status)
            return HTTPAnswer(
                status: status, headers: received.headers, body: received.body,
                isWhole: code == CURLE_OK && received.isWhole)
        }
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            throw .setting(key: "url", wanted: "http://host/path or https://host/path")
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
            throw .notConnected(reason: reason)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CIPHER:
            throw .notTrusted(reason: reason)
        default:
            throw hasSent ? .unanswered(reason: reason) : .notConnected(reason: reason)
        }
    }

    /// Whether any of the request that was run last has gone out.
    private var hasSent: Bool {
        var bytes = 0
        unsafe weir_curl_get_number(easy, CURLINFO_REQUEST_SIZE, &bytes)
        return bytes > 0
    }
}

/// The multi handle, as far as several threads share it: libcurl lets any thread wake it up.
@safe
final class CurlCancellation: @unchecked Sendable {
    // Sendable: the pointer never changes; it is used by whoever holds the transfer's lock, and for wake-ups.
    @unsafe let multi: UnsafeMutableRawPointer
    // Sequentially consistent, so that whoever is woken up sees why.
    private let flag = Atomic<Bool>(false)

    @unsafe
    init(_ multi: UnsafeMutableRawPointer) {
        unsafe self.multi = multi
    }

    deinit {
        unsafe curl_multi_cleanup(multi)
    }

    var isCancelled: Bool { flag.load(ordering: .sequentiallyConsistent) }

    func cancel() {
        flag.store(true, ordering: .sequentiallyConsistent)
        unsafe curl_multi_wakeup(multi)
    }
}

/// What has arrived of an answer.
private final class ReceivedAnswer {
    private(set) var headers: [HTTPHeader] = []
    private(set) var body: [UInt8] = []
    /// Whether the headers behind a final status have ended.
    private(set) var isAnswered = false
    private let limit: Int
    private var isFinal = false
    private var bodyBytes = 0
    private var headerBytes = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Whether all of the body that has come was kept.
    var isWhole: Bool { bodyBytes <= limit }

    /// - Returns: Whether there may be more.
    func addBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe body += bytes.prefix(limit - body.count)
        bodyBytes += bytes.count
        return bodyBytes <= limit * 16
    }

    /// - Returns: Whether there may be more.
    func addHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        headerBytes += bytes.count
        // An answer of its own may come before the real one: `100 Continue`.
        if line.hasPrefix("HTTP/") {
            headers = []
            isFinal = line.split(separator: " ").dropFirst().first?.first != "1"
        }
        if line == "\r\n" || line == "\n" { isAnswered = isFinal }
        if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0.isWhitespace }
            let end = value.lastIndex { !$0.isWhitespace }.map { value.index(after: $0) } ?? value.startIndex
            headers.append(HTTPHeader(String(line[..<colon]), String(value[..<end])))
        }
        return headerBytes <= 1 << 16
    }
}

private func receiveBody(
    bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let received = unsafe Unmanaged<ReceivedAnswer>.fromOpaque(context).takeUnretainedValue()
    let goesOn = unsafe received.addBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    return goesOn ? size * count : 0
}

private func receiveHeader(
    bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let received = unsafe Unmanaged<ReceivedAnswer>.fromOpaque(context).takeUnretainedValue()
    let goesOn = unsafe received.addHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    return goesOn ? size * count : 0
}
