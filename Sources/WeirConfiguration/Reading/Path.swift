/// The keys that lead to a part of a configuration, and the environment variable that overrides it.
///
/// `sinks.file.settings.rotateBytes` is overridden by `WEIR_SINKS_FILE_SETTINGS_ROTATE_BYTES`: the keys in capitals, a
/// `_` between them and before each capital inside one; whatever is no letter or digit is a `_` too.
struct Path: Hashable, CustomStringConvertible {
    var keys: [String] = []

    func appending(_ key: String) -> Path { Path(keys: keys + [key]) }

    /// An element of a list.
    func at(_ index: Int) -> Path {
        Path(keys: keys.dropLast() + ["\(keys.last ?? "")[\(index)]"])
    }

    var description: String { keys.joined(separator: ".") }

    var variable: String { "WEIR_" + keys.map(Self.word).joined(separator: "_") }

    private static func word(_ key: String) -> String {
        var word = ""
        var wasSmall = false
        for scalar in key.unicodeScalars {
            let isCapital = ("A"..."Z").contains(scalar)
            if isCapital && wasSmall { word += "_" }
            wasSmall = ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
            word += wasSmall || isCapital ? scalar.properties.uppercaseMapping : "_"
        }
        return word
    }
}
