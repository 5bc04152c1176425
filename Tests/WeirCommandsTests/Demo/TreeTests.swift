import Foundation
import Testing

@testable import WeirCommands

@Suite("Names in a tree")
struct TreeTests {
    private func entry(_ name: [UInt8]) -> Entry {
        let parent = Directory(descriptor: unsafe open("/", O_RDONLY), root: "/")
        return Entry(parent: parent, name: name.map { CChar(bitPattern: $0) } + [0])
    }

    @Test(
        "the extension follows the last dot that neither begins nor ends the name",
        arguments: [
            ("a.txt", "txt"), ("a.tar.gz", "gz"), ("a.TXT", "TXT"), ("Makefile", nil), (".bashrc", nil),
            (".config.json", "json"), ("a.", nil), ("..b", "b"), (".", nil), ("a b.c d", "c d"), ("a.\n", "\n"),
        ] as [(String, String?)])
    func extensions(name: String, expected: String?) {
        #expect(entry(Array(name.utf8)).fileExtension == expected)
    }

    @Test("bytes that are not UTF-8 are replaced in the extension, and kept in the name")
    func bytes() {
        let entry = entry([0x61, 0x2E, 0xFF, 0x62])
        #expect(entry.fileExtension == "\u{FFFD}b")
        #expect(entry.parent.path.appending(entry.name).bytes == [0x61, 0x2E, 0xFF, 0x62])
        #expect(entry.text == "/a.\u{FFFD}b")
    }

    @Test("a long path is taken in pieces that end between names", arguments: [6, 7, 11, 12, 13, 100])
    func pieces(limit: Int) {
        var path = TreePath()
        for name in ["alpha", "be", "gamma", "d", "epsil", "z"] { path = path.appending(Array(name.utf8CString)) }
        let pieces = path.pieces(ofAtMost: limit).map { String(decoding: $0.dropLast().map(UInt8.init), as: UTF8.self) }
        #expect(pieces.joined(separator: "/") == "alpha/be/gamma/d/epsil/z")
        #expect(pieces.allSatisfy { $0.utf8.count <= limit && !$0.hasPrefix("/") && !$0.hasSuffix("/") })
        #expect(pieces.count < 6 || limit < 7)
        #expect(TreePath().pieces(ofAtMost: limit).isEmpty)
    }
}
