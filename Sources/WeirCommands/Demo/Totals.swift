internal import WeirBatch

/// What files add up to.
package struct Totals: Equatable, Sendable {
    package var files: Int64 = 0
    package var input: Int64 = 0
    package var output: Int64 = 0

    package init(files: Int64 = 0, input: Int64 = 0, output: Int64 = 0) {
        self.files = files
        self.input = input
        self.output = output
    }

    package static func += (left: inout Totals, right: Totals) {
        left.files += right.files
        left.input += right.input
        left.output += right.output
    }

    /// `1234 files, 5678 bytes in, 910 bytes out`: exact, and as other programs print numbers.
    var text: String {
        "\(plural(files, "file")), \(plural(input, "byte")) in, \(plural(output, "byte")) out"
    }
}

/// What files are told apart by: the series that one of them counts in.
package enum FileKind: Hashable, Sendable {
    case withoutExtension
    case withExtension(String)
    /// What a view's limit turned away.
    case overflow

    /// Names that are spelled differently are different files, also where Swift's strings are equal.
    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.withoutExtension, .withoutExtension), (.overflow, .overflow): true
        case (.withExtension(let left), .withExtension(let right)): ExactString(left) == ExactString(right)
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .withoutExtension: hasher.combine(0)
        case .overflow: hasher.combine(1)
        case .withExtension(let name): hasher.combine(ExactString(name))
        }
    }
}

/// What went into no series.
package struct Omissions: Equatable, Sendable {
    /// Files that could not be read, and their size, as far as the system tells it.
    package var files: Int64 = 0
    package var bytes: Int64 = 0
    /// Directories that could not be read. What is in them is not known.
    package var directories: Int64 = 0

    package var isEmpty: Bool { self == Omissions() }
}

/// `1 file`, `2 files`.
func plural(_ count: some BinaryInteger, _ noun: String) -> String {
    let ending = count == 1 ? "" : "s"
    return "\(count) \(noun)\(ending)"
}
