private import CWeirCPU
internal import Synchronization

/// The span that a measurement belongs to, asked for only where an exemplar is wanted.
package enum CurrentSpan {
    @TaskLocal static var inTask: SpanReference?

    private final class Source: Sendable {
        let find: @Sendable () -> SpanReference?

        init(_ find: @escaping @Sendable () -> SpanReference?) {
            self.find = find
        }
    }

    private static let source = unsafe Atomic<Unmanaged<Source>?>(nil)

    /// Says where spans are found, for the process; what was said before no longer holds.
    ///
    /// What is installed stays in memory, as a measurement on another thread may be asking it.
    ///
    /// - Parameter source: Is asked on the thread that records, within the measurement: it must not block. What it records
    ///   itself belongs to no span.
    package static func install(_ source: @escaping @Sendable () -> SpanReference?) {
        // Releasing: whoever finds the source finds it written.
        unsafe Self.source.store(Unmanaged.passRetained(Source(source)), ordering: .releasing)
    }

    /// That of ``withSpan(_:_:)``, or else what the source finds.
    static var reference: SpanReference? {
        if let inTask { return inTask }
        // Acquiring: the source was written before it was installed.
        guard let source = unsafe source.load(ordering: .acquiring), weir_process_begin_asking() else { return nil }
        defer { weir_process_end_asking() }
        return unsafe source._withUnsafeGuaranteedRef { $0.find() }
    }
}

/// Runs an operation whose measurements belong to a span: for programs without a tracer that Weir knows.
///
/// The span follows the task into its children, and an inner one hides an outer one. Only measurements that may become
/// exemplars look for it.
///
/// ```swift
/// let span = request.headers["traceparent"].flatMap { SpanReference(traceparent: $0) }
/// try await withSpan(span) { try await handle(request) }
/// ```
///
/// - Parameter span: `nil` for none: an outer one is hidden, too.
public func withSpan<Result, Failure: Error>(
    _ span: SpanReference?, _ operation: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let outcome = CurrentSpan.$inTask.withValue(span) {
        Swift.Result(catching: operation)
    }
    return try outcome.get()
}

/// Runs an operation whose measurements belong to a span: for programs without a tracer that Weir knows.
///
/// - Parameter span: `nil` for none: an outer one is hidden, too.
public func withSpan<Result>(
    _ span: SpanReference?, isolation: isolated (any Actor)? = #isolation, _ operation: () async throws -> Result
) async rethrows -> Result {
    try await CurrentSpan.$inTask.withValue(span, operation: operation, isolation: isolation)
}
