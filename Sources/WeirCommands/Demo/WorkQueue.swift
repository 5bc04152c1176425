internal import Foundation

/// Files on their way from the walker to the workers: a bounded queue, since a tree may be larger than memory.
///
/// Here waiting is right: who walks has nothing to lose by it.
final class WorkQueue: @unchecked Sendable {
    // Sendable: everything is under the condition's lock.
    private let condition = NSCondition()
    private var entries: [Entry] = []
    private var isClosed = false
    private let capacity = 1_024

    /// Adds a file; waits while there is no room. False when nobody takes any more.
    func push(_ entry: Entry) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while entries.count >= capacity, !isClosed { condition.wait() }
        guard !isClosed else { return false }
        entries.append(entry)
        condition.broadcast()
        return true
    }

    /// The next file; waits for one. `nil` when the queue is closed and empty.
    func pop() -> Entry? {
        condition.lock()
        defer { condition.unlock() }
        while entries.isEmpty, !isClosed { condition.wait() }
        defer { condition.broadcast() }
        return entries.popLast()
    }

    /// Waits until all files were taken: what they held open is then about to be closed.
    func waitUntilEmpty() {
        condition.lock()
        defer { condition.unlock() }
        while !entries.isEmpty, !isClosed { condition.wait() }
    }

    /// Nothing comes any more.
    func close(discarding: Bool = false) {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        if discarding { entries = [] }
        condition.broadcast()
    }
}
