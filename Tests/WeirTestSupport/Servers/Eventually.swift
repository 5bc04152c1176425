/// Something that a test waited for did not happen.
package struct NeverHappened: Error, Equatable, CustomStringConvertible {
    package let what: String
    package let seconds: Int

    package var description: String { "within \(seconds) s it did not come true that \(what)" }
}

/// Asks again until the answer is yes: for what another process does in its own time.
package func eventually(
    _ what: String, within seconds: Int = 30, isolation: isolated (any Actor)? = #isolation,
    _ isTrue: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !isTrue() {
        guard ContinuousClock.now < end else { throw NeverHappened(what: what, seconds: seconds) }
        try await Task.sleep(for: .milliseconds(20))
    }
}
