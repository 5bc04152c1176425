internal import WeirBatch

/// The tag values of all views, each once, kept from one collection to the next.
///
/// Values of series that have gone stay in it until they are most of it; then it begins anew, and whoever kept indexes
/// looks its values up again.
struct TagDictionary {
    private(set) var table = StringTable()
    /// Changes when indexes that were handed out before are no longer good.
    private(set) var generation = 0

    private var indexes: [ExactString: UInt32] = [:]
    /// Whether values came, or rows that refer to them went, since it was weighed.
    private var hasChanged = false
    private var isStale = false
    private var collections = 0

    /// Weighing looks at every tag value, so not every collection does it.
    private static let collectionsBetween = 4
    /// Bytes of values that nobody uses which are never worth beginning anew.
    private static let floor = 16 << 10

    /// To be called before the first value of a collection.
    mutating func beginCollection() {
        guard isStale else { return }
        // With their memory, which a spike may have made large.
        table = StringTable()
        indexes = [:]
        generation += 1
        isStale = false
    }

    /// Notes that rows which refer to it are others than those of the collection before.
    mutating func noteChange() { hasChanged = true }

    /// To be called with all that a collection says: begins anew with the next one where most of it says nothing.
    ///
    /// What nobody uses must be more than what is used, and than what looking all of it up again costs.
    mutating func endCollection(_ batch: borrowing Batch) {
        collections += 1
        guard hasChanged, collections >= Self.collectionsBetween else { return }
        (hasChanged, collections) = (false, 0)
        let used = batch.usedStringBytes
        let tagValues = batch.views.reduce(0) { $0 + $1.tagValues.count }
        isStale = table.bytes.count - used > max(Self.floor, used + 4 * tagValues)
    }

    /// The place of a value, which is added where it is new.
    mutating func index(of value: String) -> UInt32 {
        let key = ExactString(value)
        if let known = indexes[key] { return known }
        let index = table.append(value)
        indexes[key] = index
        hasChanged = true
        return index
    }
}
