private import Synchronization
private import WeirSystem

/// Where something is below the root of a tree: names with slashes between them, as bytes, since not all are UTF-8.
///
/// It may be longer than the system takes at once.
struct TreePath: Equatable, Sendable {
    private(set) var bytes: [UInt8] = []

    /// The path of something in the directory of this path.
    func appending(_ name: [CChar]) -> TreePath {
        var path = self
        if !bytes.isEmpty { path.bytes.append(UInt8(ascii: "/")) }
        path.bytes += name.lazy.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return path
    }

    /// Relative paths, each the continuation of the one before, as C takes them. No name is longer than 255 bytes, which
    /// `limit` must exceed.
    func pieces(ofAtMost limit: Int) -> [[CChar]] {
        var pieces: [[CChar]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var piece = rest
            if rest.count > limit {
                let slash = rest.prefix(limit + 1).lastIndex(of: UInt8(ascii: "/")) ?? rest.startIndex + limit
                piece = rest[..<slash]
            }
            pieces.append(piece.map { CChar(bitPattern: $0) } + [0])
            rest = rest[piece.endIndex...].dropFirst()
        }
        return pieces
    }

    /// For messages.
    func text(below root: String) -> String {
        guard !bytes.isEmpty else { return root }
        return (root.hasSuffix("/") ? root : root + "/") + String(decoding: bytes, as: UTF8.self)
    }
}

/// A directory that stays open while a file in it is still to be read.
final class Directory: Sendable {
    let descriptor: Int32
    /// What the tree's root was called.
    let root: String
    let path: TreePath

    private static let open = Atomic<Int>(0)
    /// How many are open in this process.
    static var openCount: Int { open.load(ordering: .relaxed) }

    /// Takes a descriptor over.
    init(descriptor: Int32, root: String, path: TreePath = TreePath()) {
        self.descriptor = descriptor
        self.root = root
        self.path = path
        Self.open.add(1, ordering: .relaxed)
    }

    deinit {
        close(descriptor)
        Self.open.subtract(1, ordering: .relaxed)
    }

    /// For messages.
    var text: String { path.text(below: root) }
}

/// A file or directory by its name in a directory that is open.
struct Entry: Sendable {
    let parent: Directory
    /// As C takes it.
    let name: [CChar]
    /// Whether it was named by whoever asked, and not found.
    var isNamed = false

    /// For messages.
    var text: String { parent.path.appending(name).text(below: parent.root) }

    /// What follows the last dot, where that neither begins nor ends the name: `gz` of `a.tar.gz`, `nil` of `.profile`.
    /// Bytes that are not UTF-8 become U+FFFD.
    var fileExtension: String? {
        let bytes = name.dropLast()
        guard let dot = bytes.lastIndex(of: CChar(bitPattern: UInt8(ascii: "."))), dot > 0, dot + 1 < bytes.endIndex
        else { return nil }
        return String(decoding: bytes[(dot + 1)...].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
