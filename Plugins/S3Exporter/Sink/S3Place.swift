internal import WeirExporterKit
internal import WeirHTTPClient

/// Where objects go: a bucket, how it is addressed, and what its keys begin with.
struct S3Place: Equatable, Sendable {
    let bucket: String
    let region: String
    /// What all keys begin with: empty, or with a slash at its end.
    let prefix: String
    /// What all objects' addresses begin with, before the key. Ends with a slash.
    let root: String

    /// - Parameter environment: A variable's value; nil where there is none.
    init(_ settings: Settings, environment: (String) -> String?) throws(ExporterError) {
        bucket = settings.text(S3Settings.bucket)
        guard Self.isName(bucket, and: "._-"), bucket != ".", bucket != ".." else {
            throw ExporterError("bucket: wanted letters, digits, dots and hyphens, found \(bucket)")
        }
        let named = settings.text(S3Settings.region)
        region =
            named.isEmpty
            ? environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION") ?? "us-east-1" : named
        guard Self.isName(region, and: "_-"), region.utf8.count <= 64 else {
            throw ExporterError("region: wanted letters, digits and hyphens, found \(region)")
        }
        prefix = try Self.prefix(settings.text(S3Settings.prefix))
        root = try Self.root(
            settings.text(S3Settings.endpoint), region: region, bucket: bucket,
            addressing: settings.number(S3Settings.addressing))
    }

    /// The address of an object.
    ///
    /// - Parameter key: Behind the prefix.
    func url(_ key: String) -> String { root + Self.percentEncoded(prefix + key) }

    private static func isName(_ text: String, and more: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || more.contains($0)) }
    }

    /// A library on the way might resolve an empty folder, `.` and `..`, and the signature would be another's.
    private static func prefix(_ text: String) throws(ExporterError) -> String {
        let folders = text.hasSuffix("/") ? String(text.dropLast()) : text
        if text.isEmpty { return "" }
        guard
            folders.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
            folders.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw ExporterError("prefix: wanted folders with slashes between them, as stats/shop, found \(text)") }
        return folders + "/"
    }

    private static func root(
        _ text: String, region: String, bucket: String, addressing: Int64
    ) throws(ExporterError) -> String {
        let isAmazons = text.isEmpty
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        var url: String
        do throws(HTTPError) {
            url = try HTTPDestination.url(isAmazons ? "https://s3.\(region).\(domain)" : text, path: "/")
        } catch {
            throw ExporterError(error.description)
        }
        guard !url.contains(where: { $0 == "?" || $0 == "#" }), let scheme = url.firstRange(of: "://") else {
            throw ExporterError("endpoint: wanted http://host:port or https://, without ? and #")
        }
        if !url.hasSuffix("/") { url += "/" }
        // A certificate for *.s3.amazonaws.com is none for a name with another dot.
        let isBeforeHost = addressing == 2 || (addressing == 0 && isAmazons && !bucket.contains("."))
        if isBeforeHost { return url[..<scheme.upperBound] + bucket + "." + url[scheme.upperBound...] }
        return url + bucket + "/"
    }

    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
