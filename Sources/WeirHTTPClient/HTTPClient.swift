internal import Synchronization

/// Sends one request after the other to a server, over connections that are kept, and waits for the answers.
///
/// TLS is verified; redirections are not followed, since secrets would go where nobody configured; what a server sends is
/// bounded. Requests of one client do not overlap; ``stop()`` may be called at any time.
package final class HTTPClient: Sendable {
    /// What holds for all requests.
    package struct Options: Equatable, Sendable {
        /// Certificates of authorities to trust in place of the system's. PEM.
        package var authorities: String?
        /// A certificate to show to the server, and its key. PEM.
        package var certificate: (file: String, key: String)?
        /// What is kept of an answer's body. The rest is read and thrown away, up to 16 times as much.
        package var answerBytes = 1 << 16
        /// How long a connection is used again, in seconds from 1. Every new one looks the server's name up, which may have
        /// moved to another address while the old one answers as before.
        package var connectionSeconds = 30

        package init(authorities: String? = nil, certificate: (file: String, key: String)? = nil) {
            self.authorities = authorities
            self.certificate = certificate
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.authorities == right.authorities && left.certificate?.file == right.certificate?.file
                && left.certificate?.key == right.certificate?.key && left.answerBytes == right.answerBytes
                && left.connectionSeconds == right.connectionSeconds
        }
    }

    private let transfer: Mutex<CurlTransfer>
    private let cancellation: CurlCancellation

    package init(_ options: Options = Options()) throws(HTTPError) {
        let transfer = try CurlTransfer(options)
        cancellation = transfer.cancellation
        self.transfer = Mutex(transfer)
    }

    /// Sends a request and returns the answer, whatever its status.
    ///
    /// - Parameter seconds: How long it may take, from the first packet to the last. At least a millisecond.
    package func send(_ request: HTTPRequest, within seconds: Double) throws(HTTPError) -> HTTPAnswer {
        try transfer.withLock { transfer throws(HTTPError) in try transfer.perform(request, within: seconds) }
    }

    /// Makes a running ``send(_:within:)`` return soon, and all that follow at once.
    package func stop() { cancellation.cancel() }
}

/// What is asked of a server.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    package var method: Method
    package var url: String
    package var headers: [HTTPHeader]
    package var body: [UInt8]
    /// Who signs it; nil for nobody.
    package var signer: RequestSigner?

    package init(
        _ method: Method, _ url: String, headers: [HTTPHeader] = [], body: [UInt8] = [], signer: RequestSigner? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.signer = signer
    }
}
