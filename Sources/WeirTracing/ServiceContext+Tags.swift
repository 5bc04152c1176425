public import Instrumentation
public import WeirRecording

extension ServiceContext {
    /// The tags that measurements get from this context, where a view keeps their keys; none where none were set.
    ///
    /// ```swift
    /// context.tags = context.tags.merging(Tags([tenant: "acme"]))
    /// ```
    ///
    /// They are in force where the context is: in whatever runs under `ServiceContext.withValue`, a span's operation, a
    /// handler that a server calls. Once tags were set or ``followServiceContext()`` was called, `withTags` puts its own
    /// here, too. So there is one order: tags of a measurement win, then those set last on the way to it; and a context
    /// that takes the place of another takes its tags with it.
    ///
    /// To set tags costs a copy of the context. Measurements of views that keep such a key, and that do not give it
    /// themselves, look for it here: some thirty times an uncontended atomic add.
    public var tags: Tags {
        get {
            self[TagsKey.self] ?? Tags()
        }
        set {
            AmbientTags.ride(on: ContextTags.self)
            AmbientTags.announce(newValue)
            self[TagsKey.self] = newValue.count > 0 ? newValue : nil
        }
    }

    /// This context with tags added; those of its own with the same keys go.
    public func tagged(_ tags: Tags) -> ServiceContext {
        var context = self
        context.tags = self.tags.merging(tags)
        return context
    }

    /// This context with tags added: `context.tagged([tenant: "acme"])`.
    public func tagged(_ tags: TagLiteral) -> ServiceContext {
        tagged(Tags(tags))
    }
}

private enum TagsKey: ServiceContextKey {
    typealias Value = Tags
    static var nameOverride: String? { "weir-tags" }
}

/// The context in force, as what carries tags.
enum ContextTags: TagCarrier {
    static var tags: Tags? { ServiceContext.current?[TagsKey.self] }

    static func carrying<Result>(_ tags: Tags, _ operation: () throws -> Result) rethrows -> Result {
        try ServiceContext.withValue(context(with: tags), operation: operation)
    }

    static func carrying<Result>(
        _ tags: Tags, isolation: isolated (any Actor)?, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        try await ServiceContext.withValue(context(with: tags), isolation: isolation, operation: operation)
    }

    private static func context(with tags: Tags) -> ServiceContext {
        var context = ServiceContext.current ?? .topLevel
        context[TagsKey.self] = tags
        return context
    }
}
