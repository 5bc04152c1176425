private import WeirSystem

/// Where plugins, and the program that runs them, are looked for.
///
/// A plugin is given by its path, which has a slash, or by its name. The plugin `remote-write` is the file
/// `libRemoteWriteExporter.so`, as SwiftPM names a product, or `weir-remote-write.so`, in the first of these directories
/// that has one: the configuration's, those of `WEIR_PLUGIN_PATH` (separated by colons), the executable's own.
package struct PluginSearch: Equatable, Sendable {
    /// The program that runs plugins.
    package static let hostName = "weir-plugin-host"

    /// Directories that the configuration names.
    package var paths: [String]
    /// The program that runs plugins, where the configuration names it.
    package var host: String?
    package var surroundings: Surroundings

    package init(paths: [String] = [], host: String? = nil, surroundings: Surroundings = .process) {
        self.paths = paths
        self.host = host
        self.surroundings = surroundings
    }

    /// What the process was started with.
    package struct Surroundings: Equatable, Sendable {
        /// `WEIR_PLUGIN_PATH`.
        package var pluginPath: String?
        /// `WEIR_PLUGIN_HOST`.
        package var pluginHost: String?
        /// `PATH`.
        package var path: String?
        package var executableDirectory: String?

        package init(
            pluginPath: String? = nil, pluginHost: String? = nil, path: String? = nil,
            executableDirectory: String? = nil
        ) {
            self.pluginPath = pluginPath
            self.pluginHost = pluginHost
            self.path = path
            self.executableDirectory = executableDirectory
        }

        package static var process: Surroundings {
            Surroundings(
                pluginPath: environment("WEIR_PLUGIN_PATH"), pluginHost: environment("WEIR_PLUGIN_HOST"),
                path: environment("PATH"), executableDirectory: directory(of: executable))
        }
    }

    // MARK: - Plugins

    /// The directories in which names are looked for, in order, each once.
    package var directories: [String] {
        var known: Set<String> = []
        let all = paths + Self.split(surroundings.pluginPath) + [surroundings.executableDirectory].compactMap { $0 }
        return all.filter { known.insert($0).inserted }
    }

    /// The file of a plugin. A path is taken as it is.
    package func find(_ nameOrPath: String) throws(ExportError) -> String {
        if nameOrPath.utf8.contains(UInt8(ascii: "/")) { return nameOrPath }
        guard let files = Self.fileNames(for: nameOrPath) else { throw .plugin(path: nameOrPath, .badName) }
        for directory in directories {
            for file in files {
                let path = directory + "/" + file
                if unsafe access(path, F_OK) == 0 { return path }
            }
        }
        throw .plugin(path: nameOrPath, .notFound(files: files, directories: directories))
    }

    /// The files in the directories that are named like plugins, as ``find(_:)`` would meet them.
    package func files() -> [(name: String, path: String)] {
        var found: [(name: String, path: String)] = []
        for directory in directories {
            for file in Self.fileNames(in: directory).sorted() {
                if let name = Self.pluginName(of: file) { found.append((name, directory + "/" + file)) }
            }
        }
        return found
    }

    /// nil for what is no name.
    static func fileNames(for name: String) -> [String]? {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, 1...100 ~= name.utf8.count else { return nil }
        let words = name.split { $0 == "-" || $0 == "_" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return ["lib\(words.joined())Exporter\(fileExtension)", "weir-\(name)\(fileExtension)"]
    }

    /// The name by which a file is found; nil where it is not named like a plugin.
    static func pluginName(of file: String) -> String? {
        guard file.hasSuffix(fileExtension) else { return nil }
        let stem = file.dropLast(fileExtension.count)
        var name = ""
        if stem.hasPrefix("weir-") {
            name = String(stem.dropFirst(5))
        } else if stem.hasPrefix("lib"), stem.hasSuffix("Exporter"), stem.count > 11 {
            for character in stem.dropFirst(3).dropLast(8) {
                if character.isUppercase && !name.isEmpty { name += "-" }
                name += character.lowercased()
            }
        }
        return fileNames(for: name)?.contains(file) == true ? name : nil
    }

    #if canImport(Darwin)
    private static let fileExtension = ".dylib"
    #else
    private static let fileExtension = ".so"
    #endif

    // MARK: - The host program

    /// The program that runs plugins: the configuration's, `WEIR_PLUGIN_HOST`, beside the executable, then in `PATH`.
    /// One that is named and not there is not replaced by another.
    package func findHost() throws(PluginFault) -> String {
        for named in [host, surroundings.pluginHost] {
            guard let named, !named.isEmpty else { continue }
            guard Self.isProgram(named) else { throw .noHost(wanted: [named]) }
            return named
        }
        let directories = [surroundings.executableDirectory].compactMap { $0 } + Self.split(surroundings.path)
        let candidates = directories.map { $0 + "/" + Self.hostName }
        guard let program = candidates.first(where: Self.isProgram) else { throw .noHost(wanted: candidates) }
        return program
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return unsafe access(path, X_OK) == 0
    }

    private static func split(_ path: String?) -> [String] {
        path?.split(separator: ":").map(String.init) ?? []
    }
}

// MARK: - The system

private func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}

private var executable: String? {
    #if os(Linux)
    unsafe withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { bytes in
        let count = unsafe readlink("/proc/self/exe", bytes.baseAddress!, bytes.count)
        return count <= 0 ? nil : unsafe String(decoding: bytes[..<count], as: UTF8.self)
    }
    #else
    CommandLine.arguments.first
    #endif
}

private func directory(of path: String?) -> String? {
    guard let path, let slash = path.lastIndex(of: "/") else { return nil }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

extension PluginSearch {
    /// At most so many names: a directory given by mistake may hold millions.
    private static let mostFiles = 10_000

    private static func fileNames(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while names.count < mostFiles, let entry = unsafe readdir(stream) {
            names.append(
                unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}
