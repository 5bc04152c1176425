package import WeirBatch
private import Synchronization

/// Where a sink's batches wait on disk: segments of 4 MiB, of the same frames as a batch file, oldest first out.
///
/// A batch that was appended stays until it is removed. ``takeOldest()`` hands a copy to whoever delivers it, and
/// ``remove(_:)`` follows when it was acknowledged, in any order; a process that is killed in between finds it again.
/// So delivery is at least once, and what comes twice was in flight. How records are marked as done is told at
/// ``SpillSegment``.
///
/// Contents are never a reason to refuse: what is damaged is skipped up to the next header and reported as a loss. A
/// disk that is full or fails makes ``append(_:payload:)`` say so, and the next one tries again. Each append, and the end,
/// looks whether the directory and its files still have their names: what somebody removed or renamed is reported as a
/// loss, and the directory is made anew.
///
/// Calls may come from any thread, and wait for each other and for the disk: never from the collector's. Memory: the
/// headers of one segment, and a few words and gaps for each other one.
package final class SpillStore: Sendable {
    /// What this start found.
    package let recovery: SpillRecovery

    private let state: Mutex<SpillState>

    /// Opens a directory, which is made where it is missing, and finds what a process before left there.
    ///
    /// - Parameter maximumBytes: What the segments may take together, done records included. The oldest are let go.
    /// - Throws: ``SpillError`` where the directory is in use, or can be neither made, locked nor listed.
    package init(
        directory: String, maximumBytes: UInt64, sync: SpillSync = .second,
        fileSystem: any SpillFileSystem = PosixSpillFileSystem(), time: TimeSource = .system
    ) throws(SpillError) {
        var state = try SpillState(
            directory: directory, maximumBytes: maximumBytes, sync: sync, fileSystem: fileSystem, time: time)
        recovery = try state.recover()
        self.state = Mutex(state)
    }

    /// Appends a batch that was never attempted. Where that fails, the batch is the caller's to keep in memory.
    package func append(_ header: FrameHeader, payload: [UInt8]) -> SpillAppended {
        state.withLock { $0.append(header, payload) }
    }

    /// The oldest batch that nobody took, its checksum verified.
    package func takeOldest() -> SpillTaken {
        state.withLock { $0.takeOldest() }
    }

    /// Lets go of a batch that was taken: it was delivered, or given up.
    package func remove(_ id: SpillID) {
        state.withLock { $0.remove(id) }
    }

    /// Makes a batch that was taken wait again. Where its segment is gone meanwhile, it is appended again.
    ///
    /// - Parameter payload: Its bytes.
    /// - Returns: What was lost.
    @discardableResult
    package func putBack(_ id: SpillID, payload: [UInt8]? = nil) -> [SpillLoss] {
        state.withLock { $0.putBack(id, payload: payload) }
    }

    /// What waits; what was taken is not in it.
    package var waiting: Amount { state.withLock { $0.waiting } }

    /// What the segments take on disk.
    package var bytesOnDisk: UInt64 { state.withLock { $0.bytes } }

    /// What happened since this was last asked, for the log.
    package func takeEvents() -> [SpillEvent] { state.withLock { $0.takeEvents() } }

    /// Forces what was appended to disk, unless ``SpillSync/never``, and lets the directory go. What waits is there for
    /// the next who opens it; nothing can be appended or taken any more.
    ///
    /// - Returns: What is not there, although it waited.
    @discardableResult
    package func close() -> [SpillLoss] {
        state.withLock { $0.close() }
    }
}
