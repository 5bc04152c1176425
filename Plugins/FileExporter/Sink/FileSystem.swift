/// What a directory of batch files asks of the operating system: a parameter, so that tests can fill a disk.
package protocol FileSystem: Sendable {
    /// Makes a directory and its parents, where they are missing, and sees whether files can be made in it.
    func makeDirectory(_ path: String) throws(SystemError)

    /// The names in a directory and the files' sizes; names that `isWanted` refuses are left out unmeasured.
    func list(_ path: String, where isWanted: (String) -> Bool) throws(SystemError) -> [(name: String, size: UInt64)]

    /// Makes a file that nobody else has, locked for as long as it is open.
    ///
    /// - Throws: With ``SystemError/isExisting`` where the name is taken.
    func create(_ path: String) throws(SystemError) -> any WritableFile

    /// The first bytes of a file, at most so many; nil where another open file holds its lock.
    func beginning(of path: String, count: Int) throws(SystemError) -> [UInt8]?

    /// Removes a file, unless another open file holds its lock.
    ///
    /// - Returns: Whether it is gone.
    func remove(_ path: String) throws(SystemError) -> Bool

    /// Makes the names in a directory outlast a crash of the machine.
    func syncDirectory(_ path: String) throws(SystemError)
}

/// A file that is being written. Closed when it is let go.
package protocol WritableFile: AnyObject, Sendable {
    /// Writes what follows the first `skipping` bytes of both spans together, at a position of the file.
    ///
    /// - Returns: How many bytes, which may be fewer than there are.
    func write(_ header: RawSpan, _ payload: RawSpan, skipping: Int, at position: UInt64) throws(SystemError) -> Int

    func truncate(to length: UInt64) throws(SystemError)

    func sync() throws(SystemError)

    /// How long it is, and whether its name still leads to it: not where somebody removed or renamed it, or a directory
    /// above it.
    func status() throws(SystemError) -> (length: UInt64, hasName: Bool)
}

/// What the operating system answered instead.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `errno`.
    package var code: Int32
    /// What was tried, on what: `open weir-data/…`.
    package var attempt: String

    package init(code: Int32, attempt: String) {
        self.code = code
        self.attempt = attempt
    }
}
