package import WeirExporterKit

/// The settings that exporters over HTTP share.
package enum HTTPSettings {
    package static let endpoint = Setting(
        "endpoint", .text(length: 1...4096), default: nil,
        "Where batches are sent, http://host:port or https://; a path is added where it has none.")
    package static let headers = Setting(
        "headers", .text(length: 0...65_536), default: "",
        "Headers of each request, name=value, separated by commas; %2C stands for a comma.")
    package static let headersFile = Setting(
        "headersFile", .text(length: 0...4096), default: "",
        "A file of further headers, a line name: value each, read anew where it has changed.")
    package static let tokenFile = Setting(
        "bearerTokenFile", .text(length: 0...4096), default: "",
        "A file that holds a token for Authorization: Bearer, read anew where it has changed.")
    package static let authorities = Setting(
        "caFile", .text(length: 0...4096), default: "",
        "Certificates of authorities to trust in place of the system's, PEM.")
    package static let certificate = Setting(
        "certificateFile", .text(length: 0...4096), default: "", "A certificate to show to the server, PEM.")
    package static let key = Setting(
        "keyFile", .text(length: 0...4096), default: "",
        "The certificate's key, PEM; empty where it is in certificateFile.")
    package static let timeout = Setting(
        "timeout", .duration(1_000_000...3_600_000_000_000), default: "10s",
        "How long a request may take, from connecting to the last byte of the answer.")

    package static let all = [
        endpoint, headers, headersFile, tokenFile, authorities, certificate, key, timeout,
    ]
}
