/// What other modules keep with an instance of ``Stats``, by key: it lives as long as the instance does.
@safe
package final class Attachments: Sendable {
    private let lock = Lock()
    // Sendable: under the lock.
    private nonisolated(unsafe) var values: [String: any Sendable] = [:]

    package func keep(_ value: any Sendable, for key: String) {
        lock.withLock { unsafe values[key] = value }
    }

    /// Takes a value out.
    package func take(_ key: String) -> (any Sendable)? {
        lock.withLock { unsafe values.removeValue(forKey: key) }
    }

    package func removeAll() {
        lock.withLock { unsafe values = [:] }
    }
}
