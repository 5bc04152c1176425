private import CWeirCPU
internal import Synchronization

/// Something that follows tasks already, and takes tags along: a context that other libraries hand on as well.
///
/// Its functions are called on the thread that records or that calls ``withTags(_:_:)``.
package protocol TagCarrier: Sendable {
    /// The tags that it has where this is called. Asked for within a measurement: it must not block.
    static var tags: Tags? { get }

    /// Runs an operation within which it has these tags and no others.
    static func carrying<Result>(_ tags: Tags, _ operation: () throws -> Result) rethrows -> Result

    /// Runs an operation within which it has these tags and no others.
    static func carrying<Result>(
        _ tags: Tags, isolation: isolated (any Actor)?, _ operation: () async throws -> Result
    ) async rethrows -> Result
}

/// Tags that follow the task: in a carrier once there is one, and in the task itself before.
///
/// Those of the task are below those of the carrier, as no call puts tags there any more once there is a carrier.
package enum AmbientTags {
    @TaskLocal static var inTask: Tags?

    /// From now on, tags that follow a task are the carrier's. The first one stays.
    package static func ride<Carrier: TagCarrier>(on carrier: Carrier.Type) {
        // Relaxed: whether there is nothing to do.
        guard !isCarried.load(ordering: .relaxed) else { return }
        lock.withLock {
            guard unsafe installed == nil else { return }
            unsafe installed = carrier
            // Releasing: whoever sees that there is a carrier finds it.
            isCarried.store(true, ordering: .releasing)
        }
    }

    /// From now on, measurements of views that keep one of these keys look for it.
    package static func announce(_ tags: Tags) {
        weir_process_add_ambient_keys(tags.storage.mask)
    }

    static var carrier: (any TagCarrier.Type)? {
        // Acquiring: the carrier was written before, and never is again.
        isCarried.load(ordering: .acquiring) ? unsafe installed : nil
    }

    /// What follows the task here. Allocates where both the task and the carrier have tags.
    static var current: Tags? {
        guard let carried = carrier?.tags else { return inTask }
        return inTask?.merging(carried) ?? carried
    }

    /// What follows the task here, with other tags over it.
    static func adding(_ tags: Tags) -> Tags {
        announce(tags)
        return current?.merging(tags) ?? tags
    }

    private static let isCarried = Atomic<Bool>(false)
    private static let lock = Lock()
    // Written under the lock, once, before `isCarried`.
    nonisolated(unsafe) private static var installed: (any TagCarrier.Type)?
}
