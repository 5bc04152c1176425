/// What a client asks for by `Accept` and `Accept-Encoding`.
struct Negotiation: Equatable, Sendable {
    let format: Format
    let encoding: Encoding

    /// How an answer is compressed.
    enum Encoding: Int, CaseIterable, Sendable {
        case identity
        case gzip
        case zstd

        /// As headers have it; nil for none.
        var name: String? {
            switch self {
            case .identity: nil
            case .gzip: "gzip"
            case .zstd: "zstd"
            }
        }
    }

    /// What is not understood counts as not asked for; who asks for nothing that there is gets the older text, as is.
    init(accept: [String], acceptEncoding: [String]) {
        format = Self.format(Self.choices(accept))
        encoding = Self.encoding(Self.choices(acceptEncoding))
    }

    // MARK: - Formats

    private static func format(_ choices: [Choice]) -> Format {
        let openMetrics = choices.filter { $0.isOpenMetrics }.map(\.weight).max() ?? 0
        let text = choices.filter { $0.isText }.map(\.weight).max() ?? 0
        // Who takes anything has not asked for what is newer.
        return openMetrics > 0 && openMetrics >= text ? .openMetrics : .text
    }

    // MARK: - Encodings

    private static func encoding(_ choices: [Choice]) -> Encoding {
        func weight(_ name: String) -> Double? { choices.first { $0.name == name }?.weight }
        let identity = weight("identity") ?? 0
        var best = (Encoding.identity, 0.0)
        for candidate in [Encoding.zstd, .gzip] {
            guard let name = candidate.name, let weight = weight(name), weight > best.1, weight >= identity
            else { continue }
            best = (candidate, weight)
        }
        return best.0
    }

    // MARK: - Lists

    /// An element of either header.
    private struct Choice {
        var name: String
        var version: String?
        /// 0 for what is not wanted.
        var weight: Double

        var isOpenMetrics: Bool {
            name == "application/openmetrics-text" && [nil, "1.0.0", "0.0.1"].contains(version)
        }

        var isText: Bool { name == "text/plain" && [nil, "0.0.4"].contains(version) }
    }

    /// At most 64 elements: nobody asks for more.
    private static func choices(_ headers: [String]) -> [Choice] {
        headers.lazy.flatMap { $0.split(separator: ",") }.prefix(64).compactMap { element in
            let parts = element.split(separator: ";").map(trimmed)
            guard let name = parts.first else { return nil }
            var choice = Choice(name: name.lowercased(), weight: 1)
            for parameter in parts.dropFirst() {
                let pair = parameter.split(separator: "=", maxSplits: 1).map(trimmed)
                guard pair.count == 2 else { continue }
                switch pair[0].lowercased() {
                case "q":
                    let weight = Double(pair[1]) ?? 0
                    choice.weight = 0...1 ~= weight ? weight : 0
                case "version": choice.version = pair[1]
                default: break
                }
            }
            return choice
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" || character == "\"" }
        var rest = text
        while let first = rest.first, isBlank(first) { rest.removeFirst() }
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(rest)
    }
}
