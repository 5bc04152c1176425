internal import CCurl
internal import Synchronization
package import WeirExporterKit

/// A server as a sink's settings name it: where it is, how it is trusted, and what is sent with each request.
package final class HTTPDestination: Sendable {
    package let url: String

    private let client: HTTPClient
    private let timeout: UInt64
    private let host: ExporterHost
    private let headers: Mutex<RequestHeaders>
    // Relaxed: it guards a line of the log.
    private let hasToldOfForeignSuccess = Atomic<Bool>(false)

    /// - Parameter path: What follows the endpoint where that has no path of its own.
    /// - Throws: Where the settings cannot be used. No text of a header is in the error.
    package convenience init(settings: Settings, host: ExporterHost, path: String) throws(ExporterError) {
        let url: String
        do throws(HTTPError) {
            url = try Self.url(settings.text(HTTPSettings.endpoint), path: path)
        } catch {
            throw ExporterError(error.description)
        }
        try self.init(settings: settings, host: host, url: url)
    }

    /// - Parameters:
    ///   - settings: Those of ``HTTPSettings`` that the exporter's kind names.
    ///   - url: What the settings say of it, checked by ``url(_:path:)``.
    /// - Throws: As above.
    package init(settings: Settings, host: ExporterHost, url: String) throws(ExporterError) {
        let file = { (setting: Setting) in
            !settings.has(setting.key) || settings.text(setting).isEmpty ? nil : settings.text(setting)
        }
        do throws(HTTPError) {
            var options = HTTPClient.Options(authorities: file(HTTPSettings.authorities))
            if let certificate = file(HTTPSettings.certificate) {
                options.certificate = (certificate, file(HTTPSettings.key) ?? certificate)
            }
            client = try HTTPClient(options)
            headers = Mutex(
                try RequestHeaders(
                    settings.text(HTTPSettings.headers), headersFile: file(HTTPSettings.headersFile),
                    tokenFile: file(HTTPSettings.tokenFile)))
        } catch {
            throw ExporterError(error.description)
        }
        self.url = url
        timeout = UInt64(settings.number(HTTPSettings.timeout))
        self.host = host
    }

    /// Sends a request, with the headers that were set behind its own, and waits for the answer, as long as the settings
    /// allow and at most until a deadline.
    ///
    /// - Parameter deadline: By the host's monotonic clock.
    package func send(_ request: HTTPRequest, deadline: UInt64) throws(HTTPError) -> HTTPAnswer {
        var request = request
        request.headers += try headers.withLock { headers throws(HTTPError) in try headers.current() }
        let now = host.monotonicNanoseconds()
        let left = min(timeout, deadline > now ? deadline - now : 0)
        return try client.send(request, within: Double(left) / 1e9)
    }

    /// Sends a body to the settings' address and waits likewise.
    package func post(
        _ body: [UInt8], headers: [HTTPHeader], deadline: UInt64
    ) throws(HTTPError) -> HTTPAnswer {
        try send(HTTPRequest(.post, url, headers: headers, body: body), deadline: deadline)
    }

    /// The same, where all but success ends the delivery.
    package func deliver(
        _ body: [UInt8], headers: [HTTPHeader], deadline: UInt64, _ counts: inout RequestCounts
    ) throws(Interruption) -> HTTPAnswer {
        let answer: HTTPAnswer
        do throws(HTTPError) {
            answer = try post(body, headers: headers, deadline: deadline)
        } catch {
            counts.noteUnanswered()
            throw Interruption(error.deliveryResult)
        }
        counts.note(answer, bytes: body.count)
        guard answer.isSuccess, !answer.isPage else {
            throw Interruption(answer.deliveryResult(now: host.wallNanoseconds()))
        }
        return answer
    }

    /// Warns, the first time, of a success that the server puts otherwise than its protocol does.
    package func noteForeignSuccess(_ reason: String) {
        guard !hasToldOfForeignSuccess.exchange(true, ordering: .relaxed) else { return }
        host.log(
            .warning,
            "the server accepts what it gets, but \(reason). Batches count as delivered. "
                + "Check that the endpoint is the server that is meant. This is told once.")
    }

    package func stop() { client.stop() }

    /// The endpoint, checked and with a path. Names and passwords in it would be shown wherever it is.
    package static func url(_ text: String, path: String) throws(HTTPError) -> String {
        let wanted = HTTPError.setting(
            key: HTTPSettings.endpoint.key, wanted: "http://host:port/path or https://, without a user's name")
        guard let url = unsafe curl_url() else { throw .unusable(reason: "libcurl has no memory left") }
        defer { unsafe curl_url_cleanup(url) }
        guard unsafe curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = unsafe part(CURLUPART_SCHEME, of: url), scheme == "http" || scheme == "https",
            unsafe part(CURLUPART_USER, of: url) == nil, unsafe part(CURLUPART_PASSWORD, of: url) == nil
        else { throw wanted }
        if unsafe (part(CURLUPART_PATH, of: url) ?? "/") == "/" {
            guard unsafe curl_url_set(url, CURLUPART_PATH, path, 0) == CURLUE_OK else { throw wanted }
        }
        guard let whole = unsafe part(CURLUPART_URL, of: url) else { throw wanted }
        return whole
    }

    @unsafe
    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(url, part, &text, 0) == CURLUE_OK, let text = unsafe text else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
}
