internal import WeirBatch

/// The tag values of all views, each once, kept from one collection to the next.
///
/// Values of series that have gone stay in it until they may be most of it; then it begins anew, and whoever kept indexes
/// looks its values up again.
struct TagDictionary {
    private(set) var table = StringTable()
    /// Changes when indexes that were handed out before are no longer good.
    private(set) var generation = 0

    private var indexes: [ExactString: UInt32] = [:]
    /// How many values a fresh dictionary had after its first collection.
    private var freshCount = 0
    private var isFresh = true

    /// To be called before the first value of a collection.
    mutating func beginCollection() {
        if isFresh {
            freshCount = max(table.count, 1_024)
            isFresh = false
        } else if table.count > 2 * freshCount {
            table.removeAll()
            indexes.removeAll(keepingCapacity: true)
            generation += 1
            isFresh = true
        }
    }

    /// The place of a value, which is added where it is new.
    mutating func index(of value: String) -> UInt32 {
        let key = ExactString(value)
        if let known = indexes[key] { return known }
        let index = table.append(value)
        indexes[key] = index
        return index
    }
}
