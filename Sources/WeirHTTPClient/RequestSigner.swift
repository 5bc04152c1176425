/// Who signs requests, and for what: AWS's Signature Version 4, which libcurl makes. The secret is not sent.
///
/// Descriptions leave the secret out.
package struct RequestSigner: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    /// `s3`.
    package var service: String
    /// `eu-west-1`. Without colons, at most 64 bytes, as ``service``.
    package var region: String
    package var keyID: String
    package var secretKey: String

    package init(service: String, region: String, keyID: String, secretKey: String) {
        self.service = service
        self.region = region
        self.keyID = keyID
        self.secretKey = secretKey
    }

    /// Service and region alone.
    package var description: String { "\(service) in \(region): (not shown)" }

    /// Nothing else, so that `dump` and test failures show no secret either.
    package var customMirror: Mirror { Mirror(self, children: ["service": service, "region": region]) }

    /// What libcurl wants to know beside the key.
    var scope: String { "aws:amz:\(region):\(service)" }

    /// Two of the headers that libcurl would sign wrongly: where one's name begins with another's, it has sorted them by
    /// what follows the name (seen in 7.88).
    static func unsortable(_ headers: [HTTPHeader]) -> (String, String)? {
        let names = headers.map { $0.name.lowercased() }.sorted()
        return zip(names, names.dropFirst()).first { $1.hasPrefix($0) }
    }
}
