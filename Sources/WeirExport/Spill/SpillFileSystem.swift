/// What a spill asks of the operating system: a parameter, so that tests can fill a disk and break it.
///
/// The file exporter has one like it, which only appends; plugins and this room share no code.
package protocol SpillFileSystem: Sendable {
    /// Makes a directory and its parents, where they are missing, and takes its lock until the result is let go.
    ///
    /// - Throws: ``SpillError/inUse(directory:process:)`` where another has it.
    func lock(_ directory: String) throws(SpillError) -> any SpillLock

    /// Makes a directory and its parents, where they are missing.
    func makeDirectory(_ path: String) throws(SpillError)

    /// The file that a name leads to; nil where it leads to none.
    func identity(_ path: String) throws(SpillError) -> SpillFileIdentity?

    /// The regular files in a directory, unordered.
    func list(_ directory: String) throws(SpillError) -> [(name: String, size: UInt64)]

    /// Makes a file whose name nobody has.
    func create(_ path: String) throws(SpillError) -> any SpillFile

    /// Opens a file to read and write.
    func open(_ path: String) throws(SpillError) -> any SpillFile

    /// Removes a file; one that is gone already is no error.
    func remove(_ path: String) throws(SpillError)

    /// Makes the names in a directory outlast a crash of the machine.
    func syncDirectory(_ path: String) throws(SpillError)
}

/// A directory that nobody else may use meanwhile.
package protocol SpillLock: AnyObject, Sendable {
    /// Whether the directory's name still leads to what was locked. It does not where somebody removed, renamed or
    /// replaced the directory; an open descriptor shows nothing of that.
    func isInPlace() throws(SpillError) -> Bool
}

/// Which file it is, whatever its name.
package struct SpillFileIdentity: Equatable, Sendable {
    package var device: UInt64
    package var number: UInt64

    package init(device: UInt64, number: UInt64) {
        self.device = device
        self.number = number
    }
}

/// An open segment. Closed when it is let go.
package protocol SpillFile: AnyObject, Sendable {
    func identity() throws(SpillError) -> SpillFileIdentity

    /// How long it is.
    func length() throws(SpillError) -> UInt64

    /// The bytes at a position: fewer than asked for only where the file ends.
    func read(at position: UInt64, count: Int) throws(SpillError) -> [UInt8]

    /// Writes all bytes. What a failure leaves behind is some of them, from the first on.
    func write(_ bytes: [UInt8], at position: UInt64) throws(SpillError)

    func truncate(to length: UInt64) throws(SpillError)

    func sync() throws(SpillError)
}

/// Why a spill cannot be opened, or cannot take a batch.
package enum SpillError: Error, Equatable, Sendable {
    /// Another process, or another sink of this one, uses the directory.
    case inUse(directory: String, process: Int32?)
    /// A batch that is longer than all segments together may be.
    case tooLong(limit: UInt64, found: UInt64)
    /// All that could make room is being delivered.
    case noRoom(limit: UInt64, needed: UInt64)
    /// The store was closed.
    case closed
    /// `errno`, and what was tried on what: `open spill/…`.
    case system(code: Int32, attempt: String)
}
