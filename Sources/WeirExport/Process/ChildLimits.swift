/// What a plugin's process may take.
package struct ChildLimits: Equatable, Sendable {
    /// Memory that it may allocate beyond what its process has before the plugin is loaded; 0 for no such bound. Holds
    /// on Linux.
    package var memoryBytes: UInt64 = 1 << 30
    /// How long loading may take, and opening. Nanoseconds.
    package var startNanoseconds: UInt64 = 30_000_000_000
    /// How long closing may take. Nanoseconds.
    package var closeNanoseconds: UInt64 = 5_000_000_000
    /// So many crashes within so many nanoseconds quarantine the sink.
    package var crashes = 3
    package var crashNanoseconds: UInt64 = 60_000_000_000

    package init() {}
}
