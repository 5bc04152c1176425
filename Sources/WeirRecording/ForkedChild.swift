private import CWeirCPU

/// What a fork's child is not to have of its parent's.
package enum ForkedChild {
    /// In a child, the number of this descriptor leads to nothing: locks and connections behind it stay the parent's alone,
    /// and end with it. Up to 256 at a time; more stay the child's, too.
    package static func drops(_ descriptor: Int32) { weir_fork_drop(descriptor) }

    /// To be called before the descriptor is closed.
    package static func keeps(_ descriptor: Int32) { weir_fork_keep(descriptor) }
}
