/// Environment variables in values: `${NAME}`, `${NAME:default}`, the same as the shell spells it `${NAME:-default}`,
/// and `$$` for one dollar. Any other dollar stands for itself. `${env:NAME}`, as OpenTelemetry's files have it, is
/// `${NAME}`.
///
/// A variable that is set to nothing counts as not set where there is a default.
struct Substitution {
    var text = ""
    var isSecret = false

    enum Failure: Error, Equatable {
        case missingVariable(String)
        case badReference(String)
        case tooLong
    }

    struct ReferenceError: Error, Equatable {
        var reference: String
        var failure: Failure
    }

    /// - Parameter room: How many bytes may come out.
    /// - Throws: The failure, and the reference that it is about.
    init(_ written: String, environment: [String: String], room: Int) throws(ReferenceError) {
        var rest = written[...]
        while let dollar = rest.firstIndex(of: "$") {
            text += rest[..<dollar]
            let after = rest[rest.index(after: dollar)...]
            if after.first == "$" {
                text += "$"
                rest = after.dropFirst()
            } else if after.first == "{" {
                guard let end = after.firstIndex(of: "}") else {
                    throw ReferenceError(
                        reference: String(rest[dollar...]),
                        failure: .badReference("'${' has no '}': write '$$' for a dollar"))
                }
                let inside = after[after.index(after: after.startIndex)..<end]
                do throws(Failure) {
                    try append(inside, environment)
                    guard text.utf8.count <= room else { throw .tooLong }
                } catch {
                    throw ReferenceError(reference: "${\(inside)}", failure: error)
                }
                rest = after[after.index(after: end)...]
            } else {
                text += "$"
                rest = after
            }
        }
        text += rest
    }

    private mutating func append(_ whole: Substring, _ environment: [String: String]) throws(Failure) {
        let inside = whole.hasPrefix("env:") ? whole.dropFirst(4) : whole
        let name = String(inside.prefix { $0 != ":" })
        guard Self.isName(name) else {
            throw .badReference(
                "'${\(Scalar.shortened(String(whole)))}' names no environment variable: expected a letter or '_', "
                    + "then letters, digits and '_'; write '$$' for a dollar")
        }
        let fallback = inside.dropFirst(name.count)
        let value = environment[name]
        if let value, !value.isEmpty || fallback.isEmpty {
            text += value
            isSecret = true
        } else if !fallback.isEmpty {
            text += fallback.dropFirst(fallback.hasPrefix(":-") ? 2 : 1)
        } else {
            throw .missingVariable(name)
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0 & 0xDF) || $0 == 0x5F }
    }
}
