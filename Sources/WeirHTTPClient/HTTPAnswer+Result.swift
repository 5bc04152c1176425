package import WeirExporterKit

extension HTTPAnswer {
    /// What a server's status means for the frame that was sent. Success is for the protocol to judge further.
    ///
    /// A page in place of an answer is nobody's success. Too many requests, an overloaded server and credentials that it does not take pass by themselves, or by somebody
    /// who mends them: tried again without end, and the queue's bounds decide. Other failures of the server may be this
    /// frame's fault: at most 10 times. Everything else is said about the request: it will not be taken. What the server
    /// calls older than what it has will not be taken either, whichever of these its status says.
    ///
    /// - Parameter found: What the server says, where somebody has read that; the body's beginning otherwise.
    package func deliveryResult(now: UInt64, saying found: String? = nil) -> DeliveryResult {
        let words = found ?? words
        let text = "HTTP \(status)" + (words.isEmpty ? "" : ": \(words)")
        switch status {
        case 400, 409, 422, 500:
            let isOutOfOrder = Refusal.isOutOfOrder(String(decoding: body.prefix(4_096), as: UTF8.self))
            if isOutOfOrder { return .rejected(isOutOfOrder: true, message: text) }
        default: break
        }
        switch status {
        // Somebody else says yes to everything. Whether the server got the request nobody knows.
        case 200..<300 where isPage:
            return .retry(
                attemptLimit: 10, isUncertain: true,
                message: "wanted the server's answer, found a page (text/html) with HTTP \(status)")
        case 200..<300: return .delivered
        case 429, 503:
            let pause = header("Retry-After").flatMap { RetryAfter.pause($0, now: now) }
            return .retry(after: pause, message: text)
        case 408: return .retry(message: text)
        // Who refuses credentials may repeat them, and this text is logged.
        case 401, 403, 407: return .retry(message: "HTTP \(status): the server does not take these credentials")
        case 500...:
            let pause = header("Retry-After").flatMap { RetryAfter.pause($0, now: now) }
            return .retry(after: pause, attemptLimit: 10, message: text)
        case 300..<400: return .retry(attemptLimit: 10, message: text + ", a redirection, which is not followed")
        default: return .rejected(message: text)
        }
    }

    /// The beginning of the body as a line of text; empty where it is none.
    private var words: String {
        guard let text = String(validating: body.prefix(300), as: UTF8.self) else { return "" }
        let isText = text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0.properties.isWhitespace }
        return isText ? text.split(whereSeparator: \.isWhitespace).joined(separator: " ") : ""
    }
}

extension HTTPError {
    /// What the lack of an answer means for the frame that was sent: it is tried again, whatever the reason, since
    /// networks heal and files are mended.
    package var deliveryResult: DeliveryResult { .retry(isUncertain: isUncertain, message: description) }
}
