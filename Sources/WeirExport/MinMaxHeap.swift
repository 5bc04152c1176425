/// Elements with the least and the greatest at hand.
///
/// A queue's policies take from either end, and a failed delivery puts back into the middle. All three are O(log n),
/// looking at an end is O(1). Even levels of the tree hold minima of what is below them, odd levels maxima.
package struct MinMaxHeap<Element: Comparable> {
    private var items: [Element] = []

    package init() {}

    /// All of them, in no order.
    package var elements: [Element] { items }

    package var count: Int { items.count }

    package var isEmpty: Bool { items.isEmpty }

    package var least: Element? { items.first }

    package var greatest: Element? { items.isEmpty ? nil : items[greatestIndex] }

    package mutating func insert(_ item: Element) {
        items.append(item)
        var index = items.count - 1
        guard index > 0 else { return }
        let parent = (index - 1) / 2
        var onMinimumLevel = Self.isMinimumLevel(index)
        // At odds with the parent: the item belongs on the parent's kind of level.
        if onMinimumLevel ? items[index] > items[parent] : items[index] < items[parent] {
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

    package mutating func removeLeast() -> Element? {
        items.isEmpty ? nil : remove(at: 0)
    }

    package mutating func removeGreatest() -> Element? {
        items.isEmpty ? nil : remove(at: greatestIndex)
    }

    private var greatestIndex: Int {
        switch items.count {
        case 1: 0
        case 2: 1
        default: items[1] > items[2] ? 1 : 2
        }
    }

    private mutating func remove(at index: Int) -> Element {
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

    private static func precedes(_ left: Element, _ right: Element, _ onMinimumLevel: Bool) -> Bool {
        onMinimumLevel ? left < right : left > right
    }

    private static func isMinimumLevel(_ index: Int) -> Bool {
        (Int.bitWidth - 1 - (index + 1).leadingZeroBitCount).isMultiple(of: 2)
    }
}

extension MinMaxHeap: Sendable where Element: Sendable {}
