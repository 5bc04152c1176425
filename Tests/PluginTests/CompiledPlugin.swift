import Foundation
import WeirTestSupport

/// A plugin in C, written into a test and compiled by it: what an author has who owns only the header.
final class CompiledPlugin: Sendable {
    let path: String
    private let directory: TemporaryDirectory

    struct CompilerFailed: Error {
        var output: String
    }

    /// Where `weir_plugin.h` is.
    static let include = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/CWeirPlugin/include").path

    init(_ source: String, options: [String] = []) throws {
        directory = try TemporaryDirectory()
        let file = directory.path + "/plugin.c"
        path = directory.path + "/libplugin.so"
        try Data(source.utf8).write(to: URL(filePath: file))
        let compiler = Process()
        let output = Pipe()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments =
            ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", Self.include, "-o", path, file]
            + options
        compiler.standardError = output
        try compiler.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else {
            throw CompilerFailed(output: String(decoding: text, as: UTF8.self))
        }
    }

    /// A file of `Fixtures`.
    convenience init(fixture name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/" + name)
        try self.init(String(contentsOf: file, encoding: .utf8))
    }

    /// A table with every field right, and then some of them changed.
    convenience init(table changes: String, entry: String = "return &plugin;") throws {
        try self.init(
            """
            #include "weir_plugin.h"
            static void do_open(void *c, const weir_host *h, const weir_setting *s, size_t n, weir_opened *o,
                                weir_result *r) { (void)c; (void)h; (void)s; (void)n; (void)o; (void)r; }
            static void do_deliver(void *h, const weir_frame *f, weir_result *r) { (void)h; (void)f; (void)r; }
            static void do_close(void *h) { (void)h; }
            static weir_plugin plugin = {
                .magic = WEIR_PLUGIN_MAGIC, .abi_major = WEIR_PLUGIN_ABI_MAJOR, .abi_minor = WEIR_PLUGIN_ABI_MINOR,
                .size = sizeof(weir_plugin), .name = "test", .version = "1",
                .open = do_open, .deliver = do_deliver, .close = do_close,
            };
            const weir_plugin *weir_plugin_entry(const weir_host *host) { (void)host; \(changes) \(entry) }
            """)
    }
}
