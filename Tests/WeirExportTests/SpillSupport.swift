import Glibc
import Synchronization
import WeirBatch
import WeirExport
import WeirTestSupport

/// A file system in memory that fails as told, and from which a process can be torn at any byte.
final class MemoryFileSystem: SpillFileSystem {
    struct State {
        var files: [String: [UInt8]] = [:]
        /// The lock that counts, by directory.
        var locks: [String: Int] = [:]
        var locksMade = 0
        /// Whether somebody removed the directory.
        var isGone = false
        /// Bytes that the disk still takes.
        var room = Int.max
        /// Whether the process dies where the room ends, instead of being told.
        var diesWhenFull = false
        var isDead = false
        var failsToTruncate = false
        var failsToSync = false
        var failsToRemove = false
        /// `errno` of any attempt to open a file.
        var openFailure: Int32?
        var readFailure: Int32?
        var syncs = 0

        func check(_ attempt: String) throws(SpillError) {
            if isDead { throw .system(code: EIO, attempt: attempt) }
        }

        func checkDirectory(_ attempt: String) throws(SpillError) {
            try check(attempt)
            if isGone { throw .system(code: ENOENT, attempt: attempt) }
        }
    }

    let state = Mutex(State())

    /// What the disk holds when the process that used it is gone.
    func restart() {
        state.withLock { state in
            let files = state.files
            state = State()
            state.files = files
        }
    }

    /// What `rm -r` does.
    func removeDirectory() {
        state.withLock { state in
            (state.files, state.locks, state.isGone) = ([:], [:], true)
        }
    }

    var names: [String] {
        state.withLock { $0.files.keys.sorted() }
    }

    func lock(_ directory: String) throws(SpillError) -> any SpillLock {
        let number = try change { state throws(SpillError) in
            try state.check("lock")
            guard state.locks[directory] == nil else { throw .inUse(directory: directory, process: 42) }
            state.isGone = false
            state.locksMade += 1
            state.locks[directory] = state.locksMade
            return state.locksMade
        }
        return MemoryLock(directory: directory, number: number, system: self)
    }

    func makeDirectory(_ path: String) throws(SpillError) {
        state.withLock { $0.isGone = false }
    }

    func identity(_ path: String) throws(SpillError) -> SpillFileIdentity? {
        try change { state throws(SpillError) in
            try state.check("look")
            return state.files[path] == nil ? nil : MemoryFile.identity(path)
        }
    }

    func list(_ directory: String) throws(SpillError) -> [(name: String, size: UInt64)] {
        state.withLock { state in
            state.files.map { (String($0.key.dropFirst(directory.count + 1)), UInt64($0.value.count)) }
        }
    }

    func create(_ path: String) throws(SpillError) -> any SpillFile {
        try change { state throws(SpillError) in
            try state.checkDirectory("create")
            guard state.files[path] == nil else { throw .system(code: EEXIST, attempt: "create") }
            guard state.room > 0 else { throw .system(code: ENOSPC, attempt: "create") }
            state.files[path] = []
        }
        return MemoryFile(path: path, system: self)
    }

    func open(_ path: String) throws(SpillError) -> any SpillFile {
        try change { state throws(SpillError) in
            try state.check("open")
            if let failure = state.openFailure { throw .system(code: failure, attempt: "open") }
            guard state.files[path] != nil else { throw .system(code: ENOENT, attempt: "open") }
        }
        return MemoryFile(path: path, system: self)
    }

    func remove(_ path: String) throws(SpillError) {
        try change { state throws(SpillError) in
            try state.check("remove")
            if state.failsToRemove { throw .system(code: EACCES, attempt: "remove") }
            state.files[path] = nil
        }
    }

    func syncDirectory(_ path: String) throws(SpillError) {}

    fileprivate func change<Result>(
        _ body: (inout State) throws(SpillError) -> Result
    ) throws(SpillError) -> Result {
        try state.withLock { state throws(SpillError) in try body(&state) }
    }
}

private final class MemoryLock: SpillLock {
    private let directory: String
    private let number: Int
    private let system: MemoryFileSystem

    init(directory: String, number: Int, system: MemoryFileSystem) {
        self.directory = directory
        self.number = number
        self.system = system
    }

    deinit {
        system.state.withLock { state in
            if state.locks[directory] == number { state.locks[directory] = nil }
        }
    }

    func isInPlace() throws(SpillError) -> Bool {
        try system.change { state throws(SpillError) in
            try state.check("look")
            return state.locks[directory] == number
        }
    }
}

private final class MemoryFile: SpillFile {
    private let path: String
    private let system: MemoryFileSystem

    init(path: String, system: MemoryFileSystem) {
        self.path = path
        self.system = system
    }

    /// Names are never used twice.
    static func identity(_ path: String) -> SpillFileIdentity {
        SpillFileIdentity(device: 1, number: UInt64(truncatingIfNeeded: path.hashValue))
    }

    func identity() throws(SpillError) -> SpillFileIdentity { Self.identity(path) }

    func length() throws(SpillError) -> UInt64 {
        try system.change { state throws(SpillError) in
            try state.check("look")
            return UInt64(state.files[path]?.count ?? 0)
        }
    }

    func read(at position: UInt64, count: Int) throws(SpillError) -> [UInt8] {
        try system.change { state throws(SpillError) in
            try state.check("read")
            if let failure = state.readFailure { throw .system(code: failure, attempt: "read") }
            return Array((state.files[path] ?? []).dropFirst(Int(position)).prefix(count))
        }
    }

    func write(_ bytes: [UInt8], at position: UInt64) throws(SpillError) {
        try system.change { state throws(SpillError) in
            try state.check("write")
            // A mark fits into what the file has already.
            let grows = max(0, Int(position) + bytes.count - (state.files[path]?.count ?? 0))
            let needed = state.diesWhenFull ? bytes.count : grows
            // So few bytes, within a page, are written or not.
            let fits = needed <= state.room
            let written = fits ? bytes.count : grows == 0 ? 0 : state.room
            if state.room != .max { state.room -= min(needed, state.room) }
            state.files[path]?.put(bytes[..<written], at: Int(position))
            guard written < bytes.count else { return }
            state.isDead = state.diesWhenFull
            throw .system(code: ENOSPC, attempt: "write")
        }
    }

    func truncate(to length: UInt64) throws(SpillError) {
        try system.change { state throws(SpillError) in
            try state.check("truncate")
            if state.failsToTruncate { throw .system(code: EIO, attempt: "truncate") }
            guard let file = state.files[path] else { return }
            state.files[path]?.removeLast(max(0, file.count - Int(length)))
        }
    }

    func sync() throws(SpillError) {
        try system.change { state throws(SpillError) in
            try state.check("sync")
            state.syncs += 1
            if state.failsToSync { throw .system(code: EIO, attempt: "sync") }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ bytes: ArraySlice<UInt8>, at position: Int) {
        if count < position { append(contentsOf: repeatElement(0, count: position - count)) }
        let end = Swift.min(count, position + bytes.count)
        replaceSubrange(position..<end, with: bytes)
    }
}

/// What a spill makes of a stream.
extension TestStream {
    /// What one record takes.
    func length(_ number: UInt64) -> Int { bytes(number).count }

    @discardableResult
    func append(_ number: UInt64, to store: SpillStore) -> SpillAppended {
        store.append(header(number), payload: payload.bytes)
    }

    var amount: Amount { Amount(batches: 1, rows: payload.rows, bytes: UInt64(payload.bytes.count)) }
}

extension SpillStore {
    convenience init(_ system: MemoryFileSystem, maximumBytes: UInt64 = 1 << 20, sync: SpillSync = .never) throws {
        try self.init(directory: "spill", maximumBytes: maximumBytes, sync: sync, fileSystem: system)
    }

    /// Takes the oldest and removes it, so often or until there is none; the numbers.
    @discardableResult
    func drain(_ count: Int = .max) -> [UInt64] {
        var numbers: [UInt64] = []
        while numbers.count < count, let batch = takeOldest().batch {
            numbers.append(batch.header.first)
            remove(batch.id)
        }
        return numbers
    }
}

extension SpillLoss {
    var number: UInt64? { header?.first }
}
