internal import WeirExporterKit
internal import WeirHTTPClient
private import WeirExporterSupport

/// Whose key signs: the settings' one, or else the environment's. Files are read anew where they have changed.
struct S3Login: Sendable {
    /// A key as it is now. The secret is not sent; the token is.
    struct Key: Equatable, Sendable {
        var signer: RequestSigner
        /// Empty for a key that has none.
        var token: String
    }

    private enum Source {
        case variables(Key)
        case secret(SecretFile, keyID: String)
        case credentials(SecretFile, profile: String)
    }

    private let region: String
    private var source: Source

    /// - Parameter environment: A variable's value; nil where there is none.
    /// - Throws: Where there is no key, or a file of it cannot be read now: a mistake, while later it may pass.
    init(_ settings: Settings, region: String, environment: (String) -> String?) throws(ExporterError) {
        self.region = region
        let keyID = settings.text(S3Settings.accessKeyID)
        let secretFile = settings.text(S3Settings.secretAccessKeyFile)
        let credentialsFile = settings.text(S3Settings.credentialsFile)
        switch (keyID.isEmpty, secretFile.isEmpty, credentialsFile.isEmpty) {
        case (false, false, true):
            source = .secret(SecretFile(secretFile), keyID: keyID)
        case (true, true, false):
            source = .credentials(SecretFile(credentialsFile), profile: settings.text(S3Settings.profile))
        case (true, true, true):
            guard let keyID = environment("AWS_ACCESS_KEY_ID"), let secret = environment("AWS_SECRET_ACCESS_KEY") else {
                throw ExporterError(
                    "wanted accessKeyID and secretAccessKeyFile, or credentialsFile, or AWS_ACCESS_KEY_ID and "
                        + "AWS_SECRET_ACCESS_KEY in the environment, found none of them")
            }
            source = .variables(Key(keyID, secret, environment("AWS_SESSION_TOKEN") ?? "", region))
        default:
            throw ExporterError("wanted accessKeyID and secretAccessKeyFile, or credentialsFile without both")
        }
        do throws(HTTPError) { _ = try current() } catch { throw ExporterError(error.description) }
    }

    mutating func current() throws(HTTPError) -> Key {
        switch source {
        case .variables(let key):
            return key
        case .secret(var file, let keyID):
            defer { source = .secret(file, keyID: keyID) }
            do throws(SecretFile.Failure) {
                return Key(keyID, try file.line(), "", region)
            } catch {
                throw HTTPError(error, S3Settings.secretAccessKeyFile)
            }
        case .credentials(var file, let profile):
            defer { source = .credentials(file, profile: profile) }
            do throws(SecretFile.Failure) {
                let values = Self.values(of: profile, in: try file.text())
                guard let keyID = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else {
                    throw SecretFile.Failure(
                        path: file.path,
                        reason: "wanted aws_access_key_id and aws_secret_access_key in [\(profile)], found no such pair"
                    )
                }
                return Key(keyID, secret, values["aws_session_token"] ?? "", region)
            } catch {
                throw HTTPError(error, S3Settings.credentialsFile)
            }
        }
    }

    /// What stands under `[profile]`: lines `name = value`.
    private static func values(of profile: String, in text: String) -> [String: String] {
        var values: [String: String] = [:]
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline).map(trimmed) {
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("[") {
                isInside = line.hasSuffix("]") && trimmed(line.dropFirst().dropLast()) == profile
            } else if isInside, let place = line.firstIndex(of: "=") {
                let value = trimmed(line[line.index(after: place)...])
                if !value.isEmpty { values[trimmed(line[..<place]).lowercased()] = String(value) }
            }
        }
        return values
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let rest = text.drop { $0.isWhitespace }
        return rest.lastIndex { !$0.isWhitespace }.map { rest[...$0] } ?? ""
    }
}

extension S3Login.Key {
    fileprivate init(_ keyID: String, _ secret: String, _ token: String, _ region: String) {
        self.init(
            signer: RequestSigner(service: "s3", region: region, keyID: keyID, secretKey: secret), token: token)
    }
}
