private import CWeirPlugin
private import WeirSystem

/// Loads exporters from shared libraries, into this process and for its whole life: a library that holds Swift code
/// cannot be unloaded safely, so none is.
package enum PluginLoader {
    /// Loads one plugin.
    ///
    /// Runs the library's initialisers and its entry, so `path` must be as trusted as the program itself.
    ///
    /// - Parameter host: What its entry is given.
    /// - Throws: ``ExportError/plugin(path:_:)`` with what was wanted and what was found.
    package static func load(_ path: String, host: HostTable = .process) throws(ExportError) -> PluginTable {
        // A name without a slash would be looked for in the linker's folders.
        let file = path.utf8.contains(UInt8(ascii: "/")) ? path : "./" + path
        do throws(PluginFault) {
            try checkMachine(file)
            let entry = try unsafe findEntry(of: file)
            guard let table = unsafe entry(host.pointer) else { throw .declined }
            return try unsafe PluginTable(checking: table, path: path)
        } catch {
            throw .plugin(path: path, error)
        }
    }

    private typealias Entry = @convention(c) (UnsafePointer<weir_host>) -> UnsafePointer<weir_plugin>?

    private static func findEntry(of file: String) throws(PluginFault) -> Entry {
        guard let library = unsafe dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
            throw unsafe .notLoadable(reason: dlerror().map { unsafe String(cString: $0) } ?? "no reason given")
        }
        guard let symbol = unsafe dlsym(library, "weir_plugin_entry") else {
            throw .missingSymbol("weir_plugin_entry")
        }
        return unsafe unsafeBitCast(symbol, to: Entry.self)
    }

    /// Compares the ELF header with this program's own: the linker's words for a foreign one would puzzle.
    private static func checkMachine(_ file: String) throws(PluginFault) {
        let found = try beginning(of: file)
        #if os(Linux)
        guard found.starts(with: [0x7F, 0x45, 0x4C, 0x46]), found.count == 20 else {
            throw .notELF(found: Array(found.prefix(4)))
        }
        guard let own = try? beginning(of: "/proc/self/exe"), own.count == 20 else { return }
        let (wantedMachine, foundMachine) = (machine(own), machine(found))
        guard wantedMachine == foundMachine else {
            throw .wrongMachine(wanted: wantedMachine, found: foundMachine)
        }
        #endif
    }

    /// `e_machine`, in the byte order of this machine: a library of the other order reads as another machine.
    private static func machine(_ header: [UInt8]) -> UInt16 { UInt16(header[18]) | UInt16(header[19]) << 8 }

    private static func beginning(of file: String) throws(PluginFault) -> [UInt8] {
        // A pipe would be waited for.
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unsafe .unreadable(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(reason: "wanted a regular file")
        }
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw unsafe .unreadable(reason: String(cString: strerror(errno))) }
        return Array(bytes.prefix(count))
    }
}
