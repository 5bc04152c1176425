import Foundation
import Testing
import WeirExporterSupport
import WeirTestSupport

@Suite("A file with a secret")
struct SecretFileTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("it is read anew where it has changed, also by another file in its place")
    func changes() throws {
        var file = SecretFile(directory.path("secret"))
        #expect(throws: SecretFile.Failure.self) { try file.text() }
        try directory.write(Array("one".utf8), to: "secret")
        #expect(try file.text() == "one" && file.text() == "one")
        try directory.write(Array("three".utf8), to: "other")
        #expect(try Program.shell("mv \"$0\" \"$1\"", directory.path("other"), directory.path("secret")).status == 0)
        #expect(try file.text() == "three")
        try FileManager.default.removeItem(atPath: directory.path("secret"))
        #expect(throws: SecretFile.Failure.self) { try file.text() }
    }

    @Test("its line is without the end of it, and is something")
    func lines() throws {
        var file = SecretFile(directory.path("secret"))
        try directory.write(Array("a b\r\n\n".utf8), to: "secret")
        #expect(try file.line() == "a b")
        for bad in [[], [UInt8](repeating: 10, count: 3), [104, 117, 0, 110]] {
            try directory.write(bad, to: "secret")
            let failure = try #require(throws: SecretFile.Failure.self) { try file.line() }
            #expect(failure.reason.hasPrefix("wanted a line of text"))
        }
    }

    @Test("one that is too long, a folder and a pipe are errors, and nothing is waited for")
    func others() throws {
        try directory.write([UInt8](repeating: 65, count: 70_000), to: "long")
        #expect(
            try Program.shell("mkdir \"$0\" && mkfifo \"$1\"", directory.path("folder"), directory.path("pipe")).status
                == 0)
        for name in ["long", "folder", "pipe"] {
            var file = SecretFile(directory.path(name))
            #expect(throws: SecretFile.Failure.self) { try file.text() }
        }
        for name in ["none", "folder", "pipe"] {
            #expect(throws: SecretFile.Failure.self) { try SecretFile(directory.path(name)).check() }
        }
        try SecretFile(directory.path("long")).check()
    }
}
