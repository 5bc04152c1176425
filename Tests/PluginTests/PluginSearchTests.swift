import Foundation
import Testing
import WeirExport
import WeirTestSupport

@Suite("Finding plugins")
struct PluginSearchTests {
    private let directories: [TemporaryDirectory]

    init() throws {
        directories = try (0..<3).map { _ in try TemporaryDirectory() }
    }

    /// Of three directories, each found in its own way.
    private var search: PluginSearch {
        PluginSearch(
            paths: [directories[0].path],
            surroundings: .init(pluginPath: "::" + directories[1].path, executableDirectory: directories[2].path))
    }

    @discardableResult
    private func place(_ file: String, in directory: Int, from source: String? = nil) throws -> String {
        let path = directories[directory].path + "/" + file
        if let source {
            try FileManager.default.copyItem(atPath: source, toPath: path)
        } else {
            try Data("no library".utf8).write(to: URL(filePath: path))
        }
        return path
    }

    @Test("a name is looked for as either file: the configuration's directories first, the executable's own last")
    func order() throws {
        let last = try place("libRemoteWriteExporter.so", in: 2)
        #expect(try search.find("remote-write") == last)
        let second = try place("weir-remote-write.so", in: 1)
        #expect(try search.find("remote-write") == second)
        try place("weir-remote-write.so", in: 0)
        let first = try place("libRemoteWriteExporter.so", in: 0)
        #expect(try search.find("remote-write") == first)
    }

    @Test("a path is taken as it is, whether or not anything is there")
    func path() throws {
        #expect(try search.find("./nowhere") == "./nowhere")
        #expect(try search.find("/a/b.so") == "/a/b.so")
    }

    @Test("what is not found is named, with the files and the directories that were looked in")
    func notFound() {
        let error = #expect(throws: ExportError.self) { try search.find("statsd") }
        #expect(
            error?.description
                == "statsd: no such plugin: wanted libStatsdExporter.so or weir-statsd.so in one of "
                + directories.map(\.path).joined(separator: ", ") + ", found none")
    }

    @Test("what is no name is refused", arguments: ["", "..", "a b", "a\0b", "ä", String(repeating: "x", count: 101)])
    func badName(name: String) {
        #expect(throws: ExportError.plugin(path: name, .badName)) { try search.find(name) }
    }

    @Test("the host program is the configuration's, the environment's, beside the executable, or in the path")
    func hostProgram() throws {
        func program(_ directory: Int, mode: mode_t = 0o755) throws -> String {
            let path = try place("weir-plugin-host", in: directory)
            unsafe chmod(path, mode)
            return path
        }
        var search = PluginSearch(
            surroundings: .init(path: "/nowhere:" + directories[0].path, executableDirectory: directories[1].path))
        let inPath = try program(0)
        #expect(try search.findHost() == inPath)
        // A file that cannot be run is not it.
        try FileManager.default.createDirectory(
            atPath: directories[1].path + "/weir-plugin-host", withIntermediateDirectories: false)
        #expect(try search.findHost() == inPath)
        try FileManager.default.removeItem(atPath: directories[1].path + "/weir-plugin-host")
        let beside = try program(1)
        #expect(try search.findHost() == beside)
        let named = try program(2)
        search.surroundings.pluginHost = named
        #expect(try search.findHost() == named)
        search.host = "/not/there"
        #expect(throws: PluginFault.noHost(wanted: ["/not/there"])) { try search.findHost() }
    }

    @Test("all that is found is listed with what it says of itself, or why it is refused")
    func lists() throws {
        let faulty = try FaultyPlugin.path
        try place("weir-good.so", in: 0, from: faulty)
        try place("libGoodExporter.so", in: 1, from: faulty)
        try place("weir-bad.so", in: 1)
        let crashing = try CompiledPlugin("__attribute__((constructor)) static void f(void) { __builtin_trap(); }")
        try place("weir-crashing.so", in: 2, from: crashing.path)
        try place("libother.so", in: 2)
        let found = FoundPlugin.all(
            in: PluginSearch(
                paths: directories.map(\.path), surroundings: .init(pluginHost: try PluginSearch().findHost())),
            logger: LogLines().logger)
        #expect(found.map(\.name) == ["good", "good", "bad", "crashing"])
        #expect(found.map(\.isHidden) == [false, true, false, false])
        let good = try found[0].description.get()
        #expect(good.name == "faulty" && good.version == "2.1" && good.abiMajor == 1 && good.abiMinor == 4)
        #expect(good.settings.map(\.key) == ["mode", "journal", "times"])
        #expect(try found[1].description.get() == good)
        #expect(throws: ExportError.self) { try found[2].description.get() }
        guard case .failure(let refusal) = found[2].description, case .failure(let crash) = found[3].description else {
            Issue.record("wanted two refusals")
            return
        }
        #expect(
            refusal.description
                == directories[1].path + "/weir-bad.so: not a shared library: wanted a file that begins with "
                + "7f 45 4c 46, found 6e 6f 20 6c")
        #expect(crash.description.contains("/weir-crashing.so: it crashed when it was started: its process "))
    }
}
