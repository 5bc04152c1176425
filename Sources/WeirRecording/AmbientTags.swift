private import CWeirCPU

/// Tags that follow the task.
enum AmbientTags {
    @TaskLocal static var current: Tags?

    /// From now on, measurements of views that keep one of these keys look for it in the task.
    static func announce(_ tags: Tags) {
        weir_process_add_ambient_keys(tags.storage.mask)
    }

    /// The task's tags with others added over them.
    static func adding(_ tags: Tags) -> Tags {
        announce(tags)
        return current?.merging(tags) ?? tags
    }
}

/// Runs an operation whose measurements also have these tags, where a view keeps their keys.
///
/// They follow the task into its children. Tags given with a measurement win over them, and those of an inner call over
/// those of an outer one. Only measurements of views that keep such a key, and that do not give it themselves, pay for
/// looking: some 15 ns.
public func withTags<Result, Failure: Error>(
    _ tags: Tags, _ operation: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let outcome = AmbientTags.$current.withValue(AmbientTags.adding(tags)) {
        Swift.Result(catching: operation)
    }
    return try outcome.get()
}

/// Runs an operation whose measurements also have these tags, where a view keeps their keys.
public func withTags<Result, Failure: Error>(
    _ tags: TagLiteral, _ operation: () throws(Failure) -> Result
) throws(Failure) -> Result {
    try withTags(Tags(tags), operation)
}

/// Runs an operation whose measurements also have these tags, where a view keeps their keys.
public func withTags<Result>(
    _ tags: Tags, isolation: isolated (any Actor)? = #isolation, _ operation: () async throws -> Result
) async rethrows -> Result {
    try await AmbientTags.$current.withValue(AmbientTags.adding(tags), operation: operation, isolation: isolation)
}

/// Runs an operation whose measurements also have these tags, where a view keeps their keys.
public func withTags<Result>(
    _ tags: TagLiteral, isolation: isolated (any Actor)? = #isolation, _ operation: () async throws -> Result
) async rethrows -> Result {
    try await withTags(Tags(tags), isolation: isolation, operation)
}

extension TagSlice {
    /// These tags with the task's under them, for the length of a call.
    @inline(never)
    func withAmbient(_ body: (TagSlice) -> Void) {
        guard let ambient = AmbientTags.current?.storage, ambient.count > 0 else { return unsafe body(self) }
        let limit = unsafe count + ambient.count
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: limit) { buffer in
            let merged = buffer.baseAddress!
            var slice = unsafe TagSlice(merged)
            for index in 0..<(unsafe count) { unsafe slice.append(entries[index], to: merged) }
            for index in 0..<ambient.count {
                let entry = unsafe ambient.entries[index]
                let isGiven = (0..<(unsafe count)).contains { unsafe entries[$0].key == entry.key }
                if !isGiven { unsafe slice.append(entry, to: merged) }
            }
            unsafe body(slice)
        }
        // The entries point into the ambient tags' storage.
        withExtendedLifetime(ambient) {}
    }
}
