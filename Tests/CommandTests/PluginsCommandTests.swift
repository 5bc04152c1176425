import Testing
import WeirTestSupport

@Suite("weir plugins, as a user runs it")
struct PluginsCommandTests {
    private let library = Command.weirPath.replacing(#/weir$/#, with: "libFileExporter.so")

    @Test("what stands beside the program is found, and what is none is refused with why")
    func list() throws {
        let directory = try TemporaryDirectory()
        try directory.write(Array("no library".utf8), to: "weir-broken.so")
        try directory.write(Array("plugins: {path: [\(directory.path)]}".utf8), to: "weir.yaml")
        let byVariable = try Command.weir("plugins", "list", environment: ["WEIR_PLUGIN_PATH": directory.path])
        let byFile = try Command.weir("plugins", "list", "--config", directory.path("weir.yaml"))
        for result in [byVariable, byFile] {
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("a part of the program\n"))
            #expect(result.output.contains("/libFileExporter.so (by its path alone)\n"))
            #expect(result.output.contains("\nrefused:\n  \(directory.path)/weir-broken.so: not a shared library: "))
        }
    }

    @Test("a plugin that is asked says what it is and which settings it knows")
    func probe() throws {
        let loaded = try Command.weir("plugins", "probe", library)
        #expect(loaded.status == 0, "\(loaded.errors)")
        #expect(loaded.output.hasPrefix("file 1.0.0, ABI "))
        #expect(loaded.output.contains("  rotateBytes  size                   64MiB            A file that would grow"))
        let linked = try Command.weir("plugins", "probe", "file")
        #expect(linked.output.hasPrefix("file 1.0.0, ABI "))
        #expect(linked.output.split(separator: "\n").dropFirst() == loaded.output.split(separator: "\n").dropFirst())
    }

    @Test("what is no plugin is refused, and the exit code says so")
    func refused() throws {
        let missing = try Command.weir("plugins", "probe", "natz")
        #expect(missing.status == 3 && missing.output == "")
        #expect(missing.errors.hasPrefix("natz: no such plugin: wanted libNatzExporter.so or weir-natz.so in one of "))
        let program = try Command.weir("plugins", "probe", "/bin/sh")
        #expect(program.status == 3 && program.errors.hasPrefix("/bin/sh: "))
        let directory = try TemporaryDirectory()
        try directory.write(Array("plugin: {}".utf8), to: "weir.yaml")
        let wrong = try Command.weir("plugins", "list", "-c", "weir.yaml", in: directory)
        #expect(wrong.status == 78 && wrong.errors.contains("did you mean 'plugins'?"))
        #expect(try Command.weir("plugins", "list", "-c", "none.yaml", in: directory).status == 2)
    }
}
