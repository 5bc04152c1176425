import Foundation
import Testing
import WeirExport
import WeirTestSupport

@Suite("Loading a plugin")
struct PluginLoaderTests {
    /// What is wrong with a library, by the loader's word, which must name its path.
    private func fault(_ path: String) -> PluginFault? {
        do throws(ExportError) {
            _ = try PluginLoader.load(path)
            return nil
        } catch {
            guard case .plugin(path, let fault) = error else { return nil }
            #expect(error.description.hasPrefix(path + ": "))
            return fault
        }
    }

    @Test("a plugin with the right table is loaded, with its name")
    func loads() throws {
        let plugin = try CompiledPlugin(table: "")
        let table = try PluginLoader.load(plugin.path)
        #expect(table.name == "test" && table.version == "1" && table.path == plugin.path)
    }

    @Test("a later minor version and a longer table are taken")
    func takesLaterMinor() throws {
        let plugin = try CompiledPlugin(table: "plugin.abi_minor = 7; plugin.size += 64;")
        #expect(fault(plugin.path) == nil)
    }

    @Test(
        "a table that does not fit is refused with what was wanted and found",
        arguments: [
            ("plugin.magic = 42;", PluginFault.wrongMagic(wanted: 0x4755_4C50_5249_4557, found: 42)),
            ("plugin.abi_major = 2;", .wrongMajor(wanted: 1, found: 2)),
            ("plugin.size = 40;", .shortTable(wanted: 112, found: 40)),
            ("plugin.required_features = 1ull << 40 | 1;", .unknownFeatures(known: 15, required: 1 << 40 | 1)),
            ("plugin.open = NULL;", .missingFunction("open")),
            ("plugin.deliver = NULL;", .missingFunction("deliver")),
            ("plugin.close = NULL;", .missingFunction("close")),
            ("plugin.name = NULL;", .missingFunction("name")),
        ])
    func refusesTable(change: String, expected: PluginFault) throws {
        let plugin = try CompiledPlugin(table: change)
        #expect(fault(plugin.path) == expected)
    }

    @Test("a plugin that declines, or has no entry, is refused")
    func refusesEntry() throws {
        let declining = try CompiledPlugin(table: "plugin.size += 8;", entry: "return 0;")
        #expect(fault(declining.path) == .declined)
        let other = try CompiledPlugin("int something_else(void) { return 1; }")
        #expect(fault(other.path) == .missingSymbol("weir_plugin_entry"))
    }

    @Test("a library that needs what nobody has is refused with the linker's words")
    func refusesUnresolved() throws {
        let plugin = try CompiledPlugin("extern int nobody_has_this(void); int f(void) { return nobody_has_this(); }")
        guard case .notLoadable(let reason) = fault(plugin.path) else {
            Issue.record("wanted a refusal")
            return
        }
        #expect(reason.contains("nobody_has_this"))
    }

    @Test("files that are no library of this machine are refused before the linker sees them")
    func refusesFiles() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/plugin.so"
        guard case .unreadable = fault(path) else {
            Issue.record("wanted a missing file to be unreadable")
            return
        }
        // Nobody writes to it.
        let made = unsafe mkfifo(path, 0o600)
        #expect(made == 0)
        #expect(fault(path) == .unreadable(reason: "wanted a regular file"))
        try FileManager.default.removeItem(atPath: path)
        try Data("#!/bin/sh\necho no\n".utf8).write(to: URL(filePath: path))
        #expect(fault(path) == .notELF(found: Array("#!/b".utf8)))
        try Data().write(to: URL(filePath: path))
        #expect(fault(path) == .notELF(found: []))
        #if os(Linux)
        var bytes = try Data(contentsOf: URL(filePath: "/proc/self/exe")).prefix(4096)
        let own = UInt16(bytes[18]) | UInt16(bytes[19]) << 8
        bytes[18] = 0xF3  // RISC-V
        bytes[19] = 0
        try bytes.write(to: URL(filePath: path))
        #expect(fault(path) == .wrongMachine(wanted: own, found: 0xF3))
        #endif
    }

    @Test("the entry is given a host that says what it can do")
    func hostTable() throws {
        let plugin = try CompiledPlugin(
            table: """
                if (host->magic != WEIR_PLUGIN_MAGIC || host->abi_major != 1 || host->size < sizeof *host) return 0;
                if (!(host->features & WEIR_FEATURE_READ_HEADER) || !WEIR_HAS(host, read_header)) return 0;
                if (host->wall_nanoseconds(host->context) < 1700000000000000000ull) return 0;
                if (host->monotonic_nanoseconds(host->context) == 0) return 0;
                weir_frame frame = { .size = sizeof frame };
                if (host->read_header(host->context, (weir_span){ "no header", 9 }, &frame) != 0) return 0;
                host->log(host->context, WEIR_LOG_DEBUG, (weir_text){ "hello", 5 });
                """)
        #expect(fault(plugin.path) == nil)
    }
}
