// What is recorded with tags that are given at the call, for both types of number.
private import CWeirCPU
internal import Synchronization

extension Measurement {
    /// Adds it under every view of its measure, to the series of these tags.
    @inline(never)
    @_effects(releasenone)
    func record(_ slice: TagSlice) {
        let place = unsafe RecordingPlace(core: info.pointee.defaultCore, slot: info.defaultSlot)
        let isDouble = unsafe info.pointee.isDouble
        // What is less is neither negative nor, of a Double, too great for a sum: as a number a Double's bits are in its order.
        let limit = isDouble ? Series.sumLimit.bitPattern : 1 << 63
        if unsafe bits < limit && place.recordByShortcut(slice, bits, isDouble: isDouble) { return }
        if isDouble {
            unsafe place.record(Double(bitPattern: bits), slice)
        } else {
            unsafe place.record(Int64(bitPattern: bits), slice)
        }
    }

    /// Adds it under every view of its measure, to the series of tags that were built before.
    @inline(__always)
    func record(_ tags: Tags) {
        let place = unsafe RecordingPlace(core: info.pointee.defaultCore, slot: info.defaultSlot)
        if unsafe info.pointee.isDouble {
            unsafe place.record(Double(bitPattern: bits), tags)
        } else {
            unsafe place.record(Int64(bitPattern: bits), tags)
        }
    }

    /// With tags whose values have to be copied.
    @inline(never)
    @_effects(releasenone)
    private func record(copying tags: [(TagKey, String)]) {
        let storage = TagStorage.merging(tags)
        unsafe record(storage.slice)
        withExtendedLifetime(storage) {}
    }

    /// Whether its measure has a view: otherwise its tags need not be looked at.
    @inline(__always)
    var hasViews: Bool { unsafe info.defaultSlot.pointee.row.load(ordering: .relaxed) != nil }

    @usableFromInline
    @_effects(releasenone)
    func record(_ first: Tag) {
        guard hasViews else { return }
        guard unsafe TagSliceBuilder.canHold(first.1) else { return record(copying: [first]) }
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: 1) { buffer in
            let entries = buffer.baseAddress!
            var builder = unsafe TagSliceBuilder(entries)
            unsafe builder.add(first.0, first.1)
            unsafe record(builder.settled)
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ first: Tag, _ second: Tag) {
        guard hasViews else { return }
        guard unsafe TagSliceBuilder.canHold(first.1) && TagSliceBuilder.canHold(second.1) else {
            return record(copying: [first, second])
        }
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: 2) { buffer in
            let entries = buffer.baseAddress!
            var builder = unsafe TagSliceBuilder(entries)
            unsafe builder.add(first.0, first.1)
            unsafe builder.add(second.0, second.1)
            unsafe record(builder.settled)
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ first: Tag, _ second: Tag, _ third: Tag) {
        guard hasViews else { return }
        guard
            unsafe TagSliceBuilder.canHold(first.1) && TagSliceBuilder.canHold(second.1)
                && TagSliceBuilder.canHold(third.1)
        else {
            return record(copying: [first, second, third])
        }
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: 3) { buffer in
            let entries = buffer.baseAddress!
            var builder = unsafe TagSliceBuilder(entries)
            unsafe builder.add(first.0, first.1)
            unsafe builder.add(second.0, second.1)
            unsafe builder.add(third.0, third.1)
            unsafe record(builder.settled)
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ first: Tag, _ second: Tag, _ third: Tag, _ fourth: Tag) {
        guard hasViews else { return }
        guard
            unsafe TagSliceBuilder.canHold(first.1) && TagSliceBuilder.canHold(second.1)
                && TagSliceBuilder.canHold(third.1)
                && TagSliceBuilder.canHold(fourth.1)
        else { return record(copying: [first, second, third, fourth]) }
        unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: 4) { buffer in
            let entries = buffer.baseAddress!
            var builder = unsafe TagSliceBuilder(entries)
            unsafe builder.add(first.0, first.1)
            unsafe builder.add(second.0, second.1)
            unsafe builder.add(third.0, third.1)
            unsafe builder.add(fourth.0, fourth.1)
            unsafe record(builder.settled)
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(constants: ConstantTagElements) {
        guard hasViews else { return }
        unsafe TagSlice.with(constants) { unsafe record($0) }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(elements: TagElements) {
        guard hasViews else { return }
        unsafe TagSlice.with(elements) { unsafe record($0) }
    }
}

extension TagSlice {
    /// Tags of a literal up to which their entries' place on the stack is known when this is compiled.
    private static let usualCount = 8

    /// Makes a slice of the elements of a literal, for the length of a call.
    @inline(__always)
    static func with(_ elements: TagElements, _ body: (TagSlice) -> Void) {
        guard unsafe elements.allSatisfy({ unsafe TagSliceBuilder.canHold($0.1) }) else {
            let storage = unsafe TagStorage.merging(Array(elements))
            unsafe body(storage.slice)
            return withExtendedLifetime(storage) {}
        }
        unsafe withEntries(elements.count) { entries in
            var builder = unsafe TagSliceBuilder(entries)
            for index in elements.indices {
                unsafe builder.add(elements[index].0, elements[index].1)
            }
            unsafe body(builder.settled)
        }
    }

    /// Makes a slice of the elements of a literal of constants, for the length of a call.
    @inline(__always)
    static func with(_ elements: ConstantTagElements, _ body: (TagSlice) -> Void) {
        guard SmallString.isKnown else {
            let storage = unsafe TagStorage.merging(elements.map { ($0.0, $0.1.description) })
            unsafe body(storage.slice)
            return withExtendedLifetime(storage) {}
        }
        unsafe withEntries(elements.count) { entries in
            var builder = unsafe TagSliceBuilder(entries)
            for index in elements.indices {
                unsafe builder.add(elements[index].0, elements[index].1)
            }
            unsafe body(builder.settled)
        }
    }

    @inline(__always)
    private static func withEntries(_ count: Int, _ body: (UnsafeMutablePointer<TagEntry>) -> Void) {
        if unsafe count <= usualCount {
            unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: usualCount) {
                unsafe body($0.baseAddress!)
            }
        } else {
            unsafe withUnsafeTemporaryAllocation(of: TagEntry.self, capacity: count) { unsafe body($0.baseAddress!) }
        }
    }
}
