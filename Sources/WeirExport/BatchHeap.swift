/// Waiting batches by number, with the oldest and the newest at hand: a min-max heap.
///
/// Policies take from either end, and a failed delivery puts back into the middle. All three are O(log n), looking at
/// an end is O(1). Even levels of the tree hold minima of what is below them, odd levels maxima.
struct BatchHeap: Sendable {
    private var items: [QueuedBatch] = []

    var count: Int { items.count }

    var oldest: QueuedBatch? { items.first }

    var newest: QueuedBatch? { items.isEmpty ? nil : items[newestIndex] }

    mutating func insert(_ item: QueuedBatch) {
        items.append(item)
        var index = items.count - 1
        guard index > 0 else { return }
        let parent = (index - 1) / 2
        var onMinimumLevel = Self.isMinimumLevel(index)
        // At odds with the parent: the item belongs on the parent's kind of level.
        if onMinimumLevel ? items[index].number > items[parent].number : items[index].number < items[parent].number {
            items.swapAt(index, parent)
            index = parent
            onMinimumLevel.toggle()
        }
        while index > 2 {
            let grandparent = ((index - 1) / 2 - 1) / 2
            guard Self.precedes(items[index], items[grandparent], onMinimumLevel) else { return }
            items.swapAt(index, grandparent)
            index = grandparent
        }
    }

    mutating func removeOldest() -> QueuedBatch? {
        items.isEmpty ? nil : remove(at: 0)
    }

    mutating func removeNewest() -> QueuedBatch? {
        items.isEmpty ? nil : remove(at: newestIndex)
    }

    private var newestIndex: Int {
        switch items.count {
        case 1: 0
        case 2: 1
        default: items[1].number > items[2].number ? 1 : 2
        }
    }

    private mutating func remove(at index: Int) -> QueuedBatch {
        items.swapAt(index, items.count - 1)
        let removed = items.removeLast()
        if index < items.count { sink(index) }
        return removed
    }

    private mutating func sink(_ start: Int) {
        let onMinimumLevel = Self.isMinimumLevel(start)
        var index = start
        while let next = mostExtremeDescendant(of: index, onMinimumLevel) {
            guard Self.precedes(items[next], items[index], onMinimumLevel) else { return }
            items.swapAt(next, index)
            guard next > 2 * index + 2 else { return }  // A child, not a grandchild.
            let parent = (next - 1) / 2
            if Self.precedes(items[parent], items[next], onMinimumLevel) { items.swapAt(parent, next) }
            index = next
        }
    }

    /// Among the children and grandchildren.
    private func mostExtremeDescendant(of index: Int, _ onMinimumLevel: Bool) -> Int? {
        let firstChild = 2 * index + 1
        guard firstChild < items.count else { return nil }
        var best = firstChild
        func consider(_ candidate: Int) {
            if candidate < items.count, Self.precedes(items[candidate], items[best], onMinimumLevel) {
                best = candidate
            }
        }
        consider(firstChild + 1)
        for candidate in (2 * firstChild + 1)...(2 * firstChild + 4) { consider(candidate) }
        return best
    }

    private static func precedes(_ left: QueuedBatch, _ right: QueuedBatch, _ onMinimumLevel: Bool) -> Bool {
        onMinimumLevel ? left.number < right.number : left.number > right.number
    }

    private static func isMinimumLevel(_ index: Int) -> Bool {
        (Int.bitWidth - 1 - (index + 1).leadingZeroBitCount).isMultiple(of: 2)
    }
}
