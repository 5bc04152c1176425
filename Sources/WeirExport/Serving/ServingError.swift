/// Why a process' accounts cannot be served, or asked for.
package enum ServingError: Error, Equatable, Sendable {
    /// A path that no socket address can hold. In bytes.
    case tooLong(path: String, limit: Int, found: Int)
    /// Another process, or another exporting of this one, answers there.
    case inUse(path: String)
    /// Something that is no socket has the name.
    case notASocket(path: String)
    /// `errno`, and what was tried on what.
    case system(code: Int32, attempt: String)
    /// The system has no thread to give.
    case noThread
}
