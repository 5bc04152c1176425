// Applications import Weir and see the whole recording API. A typealias each would not do: clients that use
// MemberImportVisibility would miss the members.
@_exported public import WeirRecording
