/// Runs an operation whose measurements also have these tags, where a view keeps their keys.
///
/// They follow the task into its children, and `ServiceContext` where that goes, in a program that uses `WeirTracing`. Tags
/// given with a measurement win over them, and those of an inner call over those of an outer one. Only measurements of
/// views that keep such a key, and that do not give it themselves, pay for looking: ten to fifteen times an uncontended
/// atomic add.
public func withTags<Result, Failure: Error>(
    _ tags: Tags, _ operation: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let all = AmbientTags.adding(tags)
    let outcome =
        AmbientTags.carrier?.carrying(all) { Swift.Result(catching: operation) }
        ?? AmbientTags.$inTask.withValue(all) { Swift.Result(catching: operation) }
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
    let all = AmbientTags.adding(tags)
    guard let carrier = AmbientTags.carrier else {
        return try await AmbientTags.$inTask.withValue(all, operation: operation, isolation: isolation)
    }
    return try await carrier.carrying(all, isolation: isolation, operation)
}

/// Runs an operation whose measurements also have these tags, where a view keeps their keys.
public func withTags<Result>(
    _ tags: TagLiteral, isolation: isolated (any Actor)? = #isolation, _ operation: () async throws -> Result
) async rethrows -> Result {
    try await withTags(Tags(tags), isolation: isolation, operation)
}

extension TagSlice {
    /// These tags with those that follow the task under them, for the length of a call.
    @inline(never)
    func withAmbient(_ body: (TagSlice) -> Void) {
        unsafe withTags(AmbientTags.carrier?.tags) { slice in
            unsafe slice.withTags(AmbientTags.inTask, body)
        }
    }

    /// These tags with others under them, for the length of a call.
    private func withTags(_ tags: Tags?, _ body: (TagSlice) -> Void) {
        guard let others = tags?.storage, others.count > 0 else { return unsafe body(self) }
        let limit = unsafe count + others.count
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: limit) { buffer in
            let merged = buffer.baseAddress!
            var slice = unsafe TagSlice(merged)
            for index in 0..<(unsafe count) { unsafe slice.append(entries[index], to: merged) }
            for index in 0..<others.count {
                let entry = unsafe others.entries[index]
                let isGiven = (0..<(unsafe count)).contains { unsafe entries[$0].key == entry.key }
                if !isGiven { unsafe slice.append(entry, to: merged) }
            }
            unsafe body(slice)
        }
        // The entries point into the other tags' storage.
        withExtendedLifetime(others) {}
    }
}
