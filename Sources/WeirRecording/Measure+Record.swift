private import CWeirCPU

extension Measure where Value == Double {
    /// Records a value with tags that were built before. No lock, no allocation, no reference count where the series
    /// exists; two to four nanoseconds, and the same from any number of threads.
    ///
    /// What is not finite is counted as rejected and changes nothing.
    @_effects(releasenone)
    public func record(_ value: Double, _ tags: Tags) {
        unsafe record(value, tags, at: place)
    }

    /// Records a value in an instance of one's own.
    @_effects(releasenone)
    public func record(_ value: Double, _ tags: Tags, in stats: Stats) {
        withExtendedLifetime(stats) { unsafe record(value, tags, at: place(in: stats)) }
    }

    /// Records a value with no tags but those of the task.
    public func record(_ value: Double) {
        unsafe record(value, Tags.none, at: place)
    }

    /// Records a value with no tags but those of the task, in an instance of one's own.
    public func record(_ value: Double, in stats: Stats) {
        withExtendedLifetime(stats) { unsafe record(value, Tags.none, at: place(in: stats)) }
    }

    @inline(__always)
    private func record(_ value: Double, _ tags: Tags, at place: RecordingPlace) {
        // As a number this is neither less than zero nor too great for a sum.
        if value.bitPattern < Series.sumLimit.bitPattern,
            unsafe place.recordByShortcut(
                tags, addNow: { unsafe weir_cell_try_add_double($1.base, $0, $1.pitch, $1.count, value) })
        {
            return
        }
        unsafe place.record(value, tags)
    }
}

extension Measure where Value == Int64 {
    /// Records a value with tags that were built before. No lock, no allocation, no reference count where the series
    /// exists; two to four nanoseconds, and the same from any number of threads.
    @_effects(releasenone)
    public func record(_ value: Int64, _ tags: Tags) {
        unsafe record(value, tags, at: place)
    }

    /// Records a value in an instance of one's own.
    @_effects(releasenone)
    public func record(_ value: Int64, _ tags: Tags, in stats: Stats) {
        withExtendedLifetime(stats) { unsafe record(value, tags, at: place(in: stats)) }
    }

    /// Records a value with no tags but those of the task.
    public func record(_ value: Int64) {
        unsafe record(value, Tags.none, at: place)
    }

    /// Records a value with no tags but those of the task, in an instance of one's own.
    public func record(_ value: Int64, in stats: Stats) {
        withExtendedLifetime(stats) { unsafe record(value, Tags.none, at: place(in: stats)) }
    }

    @inline(__always)
    private func record(_ value: Int64, _ tags: Tags, at place: RecordingPlace) {
        if value >= 0,
            unsafe place.recordByShortcut(
                tags, addNow: { unsafe weir_cell_try_add_signed($1.base, $0, $1.pitch, $1.count, value) })
        {
            return
        }
        unsafe place.record(value, tags)
    }
}

extension Measure {
    /// Where it is recorded by default.
    @inline(__always)
    var place: RecordingPlace {
        unsafe RecordingPlace(core: info.pointee.defaultCore, slot: info.defaultSlot)
    }

    func place(in stats: Stats) -> RecordingPlace {
        unsafe RecordingPlace(core: stats.core, slot: stats.slot(of: info))
    }
}

extension Measure {
    /// Counts a measurement as lost; not where the measure has a view.
    func countLost(in stats: Stats) {
        withExtendedLifetime(stats) {
            if unsafe !place(in: stats).hasView { stats.countLost() }
        }
    }

    /// Counts a measurement that changes nothing because it is none that could be; not where the measure has no view.
    func reject(in stats: Stats) {
        withExtendedLifetime(stats) { unsafe place(in: stats).reject() }
    }
}

extension RecordingPlace {
    /// The way of a Double that no sum can take.
    @inline(never)
    @_effects(releasenone)
    private func recordGreat(_ value: Double, _ slice: TagSlice) {
        guard value.magnitude < .infinity else { return unsafe reject() }
        unsafe record(slice) { unsafe $0.recordGreat(value, $1, $2()) }
    }

    /// The way of everything that is not one add.
    @inline(never)
    @_effects(releasenone)
    func record(_ value: Double, _ tags: Tags) {
        guard value.magnitude < Series.sumLimit else {
            return withExtendedLifetime(tags) { unsafe recordGreat(value, tags.storage.slice) }
        }
        unsafe record(tags) { unsafe $0.record(value, $1, $2()) }
    }

    /// The way of everything that is not one add.
    @inline(never)
    @_effects(releasenone)
    func record(_ value: Int64, _ tags: Tags) {
        unsafe record(tags) { unsafe $0.record(value, $1, $2()) }
    }

    /// The way of everything that is not one add.
    @inline(never)
    @_effects(releasenone)
    func record(_ value: Double, _ slice: TagSlice) {
        guard value.magnitude < Series.sumLimit else { return unsafe recordGreat(value, slice) }
        unsafe record(slice) { unsafe $0.record(value, $1, $2()) }
    }

    /// The way of everything that is not one add.
    @inline(never)
    @_effects(releasenone)
    func record(_ value: Int64, _ slice: TagSlice) {
        unsafe record(slice) { unsafe $0.record(value, $1, $2()) }
    }
}
