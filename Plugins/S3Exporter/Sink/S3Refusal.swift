internal import WeirExporterKit
internal import WeirHTTPClient

/// What a server says of a request that it did not do: a code, a sentence, and where the bucket is if it is elsewhere.
struct S3Refusal: Equatable {
    /// `NoSuchBucket`; empty where the answer is none of S3's.
    let code: String
    /// A line of text, bounded; empty where there is none, or none that may be shown.
    let message: String
    /// Empty where it is not named.
    let bucketRegion: String
    /// Whether what the answer says may come into a log.
    private let isShown: Bool

    private static let longestBody = 8192

    /// - Parameter token: What was sent and must not come into a log, whoever repeats it.
    init(_ answer: HTTPAnswer, hiding token: String) {
        let body = String(decoding: answer.body.prefix(Self.longestBody), as: UTF8.self)
        code = Self.name(Self.element("Code", of: body))
        bucketRegion = Self.name(answer.header("x-amz-bucket-region") ?? String(Self.element("Region", of: body)))
        let sentence = Self.element("Message", of: body).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        // Who refuses credentials may repeat them.
        isShown = ![401, 403].contains(answer.status) && (token.isEmpty || !body.contains(token.prefix(16)))
        let isText = sentence.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        message = isShown && isText ? String(sentence.prefix(300)) : ""
    }

    private static func element(_ name: String, of body: String) -> Substring {
        guard let begin = body.firstRange(of: "<\(name)>"),
            let end = body[begin.upperBound...].firstRange(of: "</\(name)>")
        else { return "" }
        return body[begin.upperBound..<end.lowerBound]
    }

    /// Empty for what is no short word of letters, digits and hyphens.
    private static func name(_ text: some StringProtocol) -> String {
        let isName =
            text.utf8.count <= 64 && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return isName ? String(text) : ""
    }

    // MARK: - What it means

    /// What becomes of the batch.
    ///
    /// What somebody can mend while the process runs is tried again without end: a bucket that is not there yet, rights,
    /// clocks, keys. What only another configuration mends ends the sink.
    func result(of answer: HTTPAnswer, at place: S3Place, now: UInt64) -> DeliveryResult {
        let words = "HTTP \(answer.status): \(code)" + (message.isEmpty ? "" : ": \(message)")
        switch code {
        case "":
            return stranger(answer, now)
        case "NoSuchBucket":
            return .retry(message: "\(words): there is no bucket \(place.bucket) at \(place.root): make it")
        case "PermanentRedirect", "AuthorizationHeaderMalformed":
            guard !bucketRegion.isEmpty, bucketRegion != place.region else { break }
            return .fatal(message: "\(words): wanted region: \(bucketRegion), found \(place.region)")
        case "NotImplemented":
            return .fatal(
                message: "\(words): conditional: false, checksum: none and fewer headers ask less of a server")
        case "InvalidBucketName":
            return .fatal(message: words)
        // Another request for the same key was under way, which may have failed.
        case "ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "TemporaryRedirect":
            return .retry(message: words)
        // Damaged on its way.
        case "BadDigest", "IncompleteBody", "XAmzContentChecksumMismatch":
            return .retry(attemptLimit: 10, message: words)
        case "NoSuchKey", "MethodNotAllowed":
            return .retry(attemptLimit: 10, message: "\(words): is \(place.root) an S3 server's?")
        default: break
        }
        if let advice = Self.advice(code, place) { return .retry(message: "\(words): \(advice)") }
        if [401, 403].contains(answer.status) { return .retry(message: words) }
        if answer.status == 409 { return .retry(attemptLimit: 10, message: words) }
        return answer.deliveryResult(now: now, saying: code + (message.isEmpty ? "" : ": \(message)"))
    }

    /// A server of another kind, or something on the way, answers about itself, not about the batch.
    private func stranger(_ answer: HTTPAnswer, _ now: UInt64) -> DeliveryResult {
        let result = answer.deliveryResult(now: now, saying: isShown ? nil : "")
        guard case .rejected(_, let message) = result else { return result }
        return .retry(attemptLimit: 10, message: message + ", which is none of an S3 server's answers")
    }

    private static func advice(_ code: String, _ place: S3Place) -> String? {
        switch code {
        case "AccessDenied": "the key needs the right s3:PutObject on \(place.bucket)/\(place.prefix)*"
        case "InvalidAccessKeyId": "the server does not know this access key"
        case "SignatureDoesNotMatch": "the secret is not this access key's, or \(place.region) is not its region"
        case "RequestTimeTooSkewed": "this machine's clock is not the server's"
        case "ExpiredToken", "InvalidToken", "TokenRefreshRequired": "the session token has ended, or is another key's"
        default: nil
        }
    }
}
