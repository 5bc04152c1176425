internal import WeirExporterKit
private import WeirExporterSupport

/// Headers from settings and files. Their values are secrets: no error shows one.
struct RequestHeaders {
    private let fixed: [HTTPHeader]
    private var headersFile: SecretFile?
    private var tokenFile: SecretFile?

    init(_ text: String, headersFile: String?, tokenFile: String?) throws(HTTPError) {
        fixed = try Self.parse(text)
        self.headersFile = headersFile.map(SecretFile.init)
        self.tokenFile = tokenFile.map(SecretFile.init)
    }

    /// All headers, files read anew where they have changed.
    mutating func current() throws(HTTPError) -> [HTTPHeader] {
        var headers = fixed
        if let text = try Self.text(of: &headersFile, HTTPSettings.headersFile) {
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if line.allSatisfy(\.isWhitespace) { continue }
                guard let header = Self.header(line, separator: ":") else {
                    throw .file(
                        key: HTTPSettings.headersFile.key, path: headersFile?.path ?? "",
                        reason: "line \(index + 1): wanted name: value")
                }
                headers.append(header)
            }
        }
        if let text = try Self.text(of: &tokenFile, HTTPSettings.tokenFile) {
            let header = HTTPHeader("Authorization", "Bearer " + text.trimmed)
            guard header.isValid else {
                throw .file(key: HTTPSettings.tokenFile.key, path: tokenFile?.path ?? "", reason: "wanted one line")
            }
            headers.append(header)
        }
        return headers
    }

    private static func text(of file: inout SecretFile?, _ setting: Setting) throws(HTTPError) -> String? {
        do throws(SecretFile.Failure) {
            return try file?.text()
        } catch {
            throw HTTPError(error, setting)
        }
    }

    /// `name=value,name=value`, where a value may have `%2C`: the form of `OTEL_EXPORTER_OTLP_HEADERS`.
    static func parse(_ text: String) throws(HTTPError) -> [HTTPHeader] {
        var headers: [HTTPHeader] = []
        for (index, pair) in text.split(separator: ",").enumerated() {
            guard var header = header(pair, separator: "="), let value = String(percentDecoding: header.value) else {
                throw .setting(key: HTTPSettings.headers.key, wanted: "name=value at place \(index + 1)")
            }
            header.value = value
            guard header.isValid else {
                throw .setting(
                    key: HTTPSettings.headers.key, wanted: "no control characters at place \(index + 1)")
            }
            headers.append(header)
        }
        return headers
    }

    private static func header(_ text: Substring, separator: Character) -> HTTPHeader? {
        guard let place = text.firstIndex(of: separator) else { return nil }
        let header = HTTPHeader(text[..<place].trimmed, text[text.index(after: place)...].trimmed)
        return header.isValid ? header : nil
    }
}
