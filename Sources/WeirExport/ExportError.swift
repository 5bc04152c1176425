/// Why a sink cannot start.
package enum ExportError: Error, Equatable, Sendable {
    /// A shared library is no plugin for this host.
    case plugin(path: String, PluginFault)
    /// The configuration of a sink does not fit its exporter.
    case setting(sink: String, SettingFault)
    /// The exporter itself refused, with its own words. Trying again may help where it is transient.
    case exporter(sink: String, message: String, isTransient: Bool)
    /// A sink's directory for batches that wait, or are kept, cannot be used.
    case spill(sink: String, SpillError)
    /// Two sinks have one name.
    case duplicateSink(String)
    /// The system has no more threads.
    case noThread
    /// The interval is not a positive duration of at most a year.
    case interval(nanoseconds: Int64)
    /// The batch encoder could not be made.
    case encoder(message: String)
    /// The pipeline has not begun, or has ended.
    case notRunning
    /// A collection has not come back.
    case collectionHangs
}

/// What is wrong with a shared library.
package enum PluginFault: Equatable, Sendable {
    case unreadable(reason: String)
    case notELF(found: [UInt8])
    case wrongMachine(wanted: UInt16, found: UInt16)
    /// The dynamic linker's words.
    case notLoadable(reason: String)
    case missingSymbol(String)
    /// Its entry returned NULL.
    case declined
    case wrongMagic(wanted: UInt64, found: UInt64)
    case wrongMajor(wanted: UInt32, found: UInt32)
    case shortTable(wanted: UInt32, found: UInt32)
    case unknownFeatures(known: UInt64, required: UInt64)
    case missingFunction(String)
    /// Neither a path nor a name.
    case badName
    /// None of these files is in any of these directories.
    case notFound(files: [String], directories: [String])
    /// The program that runs plugins is not there. `wanted` says where it was looked for.
    case noHost(wanted: [String])
    case hostNotStarted(program: String, SystemFault)
    /// What the plugin's process says about it: one of the other faults, in words.
    case refused(reason: String)
    /// The plugin's process ended while it was loaded or opened.
    case crashed(ChildEnd)
}

/// What is wrong with a setting.
package enum SettingFault: Equatable, Sendable {
    case unknown(key: String, nearest: String?, known: [String])
    case missing(key: String, description: String)
    case invalid(key: String, wanted: String, found: String)
}

extension ExportError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .plugin(let path, let fault): "\(path): \(fault)"
        case .setting(let sink, let fault): "sink \(sink): \(fault)"
        case .exporter(let sink, let message, _): "sink \(sink): \(message)"
        case .spill(let sink, let error): "sink \(sink): \(error)"
        case .duplicateSink(let name): "two sinks are called \(name): give one of them another name"
        case .noThread: "the system has no thread to give"
        case .interval(let nanoseconds): "an interval of \(nanoseconds) ns: wanted more than 0 and at most a year"
        case .encoder(let message): "the batch encoder cannot be made: \(message)"
        case .notRunning: "exporting has ended"
        case .collectionHangs: "a collection has not come back for 10 s"
        }
    }
}

extension PluginFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let reason):
            "cannot be read: \(reason)"
        case .notELF(let found):
            "not a shared library: wanted a file that begins with 7f 45 4c 46, found \(Self.hexadecimal(found))"
        case .wrongMachine(let wanted, let found):
            "built for another machine: wanted ELF machine \(wanted), found \(found)"
        case .notLoadable(let reason):
            "cannot be loaded: \(reason)"
        case .missingSymbol(let symbol):
            "not a Weir plugin: wanted the symbol \(symbol), found none"
        case .declined:
            "does not want to run in this process: its entry returned no table"
        case .wrongMagic(let wanted, let found):
            "not a Weir plugin: wanted magic \(Self.hexadecimal(wanted)), found \(Self.hexadecimal(found))"
        case .wrongMajor(let wanted, let found):
            "made for another interface: wanted ABI major version \(wanted), found \(found)"
        case .shortTable(let wanted, let found):
            "its table is too short: wanted at least \(wanted) bytes, found \(found)"
        case .unknownFeatures(let known, let required):
            "needs what this host lacks: wanted features within \(Self.hexadecimal(known)), found "
                + "\(Self.hexadecimal(required)) required"
        case .missingFunction(let name):
            "its table is incomplete: wanted a function \(name), found NULL"
        case .badName:
            "wanted a path with a slash, or a name of letters, digits, '-' and '_'"
        case .notFound(let files, let directories):
            "no such plugin: wanted \(files.joined(separator: " or ")) in one of \(Self.list(directories)), found none"
        case .noHost(let wanted):
            "a plugin runs in a process of its own, for which the program \(PluginSearch.hostName) is needed: wanted "
                + "\(Self.list(wanted)), found none; `swift build --product \(PluginSearch.hostName)` makes it"
        case .hostNotStarted(let program, let fault):
            "its process cannot be started: \(program): \(fault)"
        case .refused(let reason):
            reason
        case .crashed(let end):
            "it crashed when it was started: \(end)"
        }
    }

    private static func list(_ paths: [String]) -> String {
        paths.isEmpty ? "no directory at all" : paths.joined(separator: ", ")
    }

    private static func hexadecimal(_ word: UInt64) -> String { "0x" + String(word, radix: 16) }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "nothing" : bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}

extension SettingFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknown(let key, let nearest?, _): "unknown setting \(key): did you mean \(nearest)?"
        case .unknown(let key, nil, let known):
            "unknown setting \(key): wanted one of \(known.joined(separator: ", "))"
        case .missing(let key, let description): "the setting \(key) must be given: \(description)"
        case .invalid(let key, let wanted, let found): "\(key): wanted \(wanted), found '\(found)'"
        }
    }
}
