private import WeirSystem

/// What tells whether a file is the one that was read. Another file under the same name, as editors and Kubernetes put
/// it there, has another number.
struct FileStamp: Equatable, Sendable {
    private var device: UInt64
    private var number: UInt64
    private var length: Int64
    /// Of the content and of the entry: a file whose time of writing was set back is another one too.
    private var written: [Int]

    /// `nil` for a file that is not there.
    init?(of path: String) {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: facts.st_dev)
        number = UInt64(facts.st_ino)
        length = Int64(facts.st_size)
        #if canImport(Darwin)
        let (content, entry) = (facts.st_mtimespec, facts.st_ctimespec)
        #else
        let (content, entry) = (facts.st_mtim, facts.st_ctim)
        #endif
        written = [content.tv_sec, content.tv_nsec, entry.tv_sec, entry.tv_nsec]
    }
}
