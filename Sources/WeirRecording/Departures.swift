private import CWeirCPU
internal import Synchronization

/// A series of a view that rules replaced, until nobody can add to it any more.
@safe
struct Departure {
    let series: UnsafeMutablePointer<Series>
    var course: Course
    /// Whether what it held when its view was replaced has gone where it belongs.
    var isSettled = false
    /// Of a last value that went on: its bits.
    var carried: UInt64?

    /// Where what a series holds belongs. What a thread that found it before adds later belongs to the view in force.
    enum Course {
        /// It was told, or may be, and only grows: it ends in order.
        case ends
        /// It is a level that was told: it ends in order, and the level goes on in the view in force.
        case endsAndGoesOn
        /// Nobody was told of it: it is told in the view in force alone.
        case goesOn
        /// Nobody was told of it, and the rules leave nothing of it that could be.
        case vanishes(isCounted: Bool)

        /// Whether a batch tells that the series ended.
        var tellsAnEnd: Bool {
            switch self {
            case .ends, .endsAndGoesOn: true
            case .goesOn, .vanishes: false
            }
        }
    }
}

extension Stats {
    /// Ends the series of a view that rules replaced. Under the lock.
    func depart(from view: ViewState, _ state: inout State) {
        let time = clock()
        unsafe state.gate.retire(.cell(view.row.pointee.overflowCell))
        unsafe view.takeSeries().forEach { series in
            let course = unsafe course(of: series, view, state)
            if case .ends = course, unsafe series.pointee.holders.load(ordering: .relaxed) == 0 {
                return unsafe end(series, &state, time: time)
            }
            unsafe series.pointee.endTime.store(
                max(time, series.pointee.startTime.load(ordering: .relaxed)), ordering: .relaxed)
            // One that nobody was told of leaves no life behind, and its start may be another's.
            if course.tellsAnEnd { unsafe state.noteEnd(of: series) }
            unsafe state.gate.retire(.series(series))
            unsafe state.departures.append(Departure(series: series, course: course))
        }
        if !state.isCollecting { settleDepartures(&state) }
    }

    private func course(
        of series: UnsafeMutablePointer<Series>, _ view: ViewState, _ state: borrowing State
    ) -> Departure.Course {
        let isUntold = unsafe view.isHidden || series.pointee.firstCollection == state.collectionCount
        guard case .replaced(by: .some(let next)) = view.fate else {
            return isUntold ? .vanishes(isCounted: false) : .ends
        }
        guard view.canBecome(next) else {
            // Other buckets of the same series say nothing that was to go.
            return isUntold && next.hidesOf(view) ? .vanishes(isCounted: true) : .ends
        }
        return isUntold ? .goesOn : view.form.isLevel ? .endsAndGoesOn : .ends
    }

    /// Moves what departed series hold to where it belongs, and frees those that nobody can add to any more. Under the
    /// lock, and not while a collection reads cells.
    func settleDepartures(_ state: inout State) {
        guard !state.departures.isEmpty else { return }
        var departures = state.departures
        state.departures = []
        let rivals = unsafe rivals(departures, &state)
        for index in departures.indices {
            unsafe settle(&departures[index], rivals, &state)
            let series = unsafe departures[index].series
            guard unsafe series.pointee.isUnreachable.load(ordering: .relaxed),
                unsafe series.pointee.holders.load(ordering: .relaxed) == 0
            else {
                state.departures.append(departures[index])
                continue
            }
            unsafe series.pointee.isReported.store(true, ordering: .relaxed)
            unsafe freeIfDone(series)
        }
    }

    /// Whether a thread may yet add to a series that it found before its view was replaced.
    var hasDepartures: Bool {
        withState { state in
            reclaim(&state)
            return state.departures.contains { unsafe !$0.series.pointee.isUnreachable.load(ordering: .relaxed) }
        }
    }

    /// Last values of one view that go on in one series: which of several was set last is not known.
    private struct Rivals {
        /// The latest view that has any. What its series have was set later than what those of the views before it have.
        var view: UInt64
        var count: Int
    }

    private func rivals(
        _ departures: [Departure], _ state: inout State
    ) -> [UnsafeMutablePointer<Series>: Rivals] {
        var found: [UnsafeMutablePointer<Series>: Rivals] = unsafe [:]
        for departure in departures where !departure.isSettled {
            let series = unsafe departure.series
            guard unsafe series.cellKind == .lastValue, unsafe stripes.isSet(series),
                let heir = unsafe heir(of: series, &state)
            else { continue }
            let view = unsafe series.pointee.view._withUnsafeGuaranteedRef { $0.number }
            let known = unsafe found[heir] ?? Rivals(view: view, count: 0)
            if known.view > view { continue }
            unsafe found[heir] = Rivals(view: view, count: known.view == view ? known.count + 1 : 1)
        }
        return unsafe found
    }

    private func settle(
        _ departure: inout Departure, _ rivals: [UnsafeMutablePointer<Series>: Rivals], _ state: inout State
    ) {
        let series = unsafe departure.series
        let view = unsafe series.pointee.view.takeUnretainedValue()
        if departure.isSettled {
            guard unsafe stripes.holdsAnything(series, isDouble: view.isDouble) else { return }
            // Who added found the series while its view was in force.
            guard let heir = unsafe heir(of: series, &state) else { return unsafe move(series, to: nil) }
            if let carried = departure.carried, unsafe stripes.isSet(heir),
                unsafe stripes.shared(heir.pointee.cell) != carried
            {
                return unsafe stripes.unset(series)
            }
            return unsafe move(series, to: heir)
        }
        departure.isSettled = true
        switch departure.course {
        case .ends:
            unsafe move(series, to: makePast(of: series, &state))
        case .endsAndGoesOn:
            if let past = unsafe makePast(of: series, &state) {
                unsafe stripes.move(series, to: past, isDouble: view.isDouble, isCopy: true)
            }
            unsafe goOn(&departure, rivals, &state)
        case .goesOn:
            unsafe goOn(&departure, rivals, &state)
        case .vanishes(let isCounted):
            if isCounted { state.unreportedCount += 1 }
            unsafe move(series, to: nil)
        }
    }

    /// Moves what a series holds to the view in force.
    private func goOn(
        _ departure: inout Departure, _ rivals: [UnsafeMutablePointer<Series>: Rivals], _ state: inout State
    ) {
        let series = unsafe departure.series
        guard let heir = unsafe heir(of: series, &state) else {
            // As for any measurement that there is no room for.
            countLost()
            return unsafe move(series, to: nil)
        }
        if unsafe series.cellKind == .lastValue {
            guard unsafe stripes.isSet(series) else { return }
            departure.carried = unsafe stripes.shared(series.pointee.cell)
            let view = unsafe series.pointee.view._withUnsafeGuaranteedRef { $0.number }
            let own = unsafe rivals[heir].map { $0.view == view && $0.count == 1 } ?? false
            // One that is set already was set later.
            let isClear = unsafe own && !stripes.isSet(heir)
            return unsafe move(series, to: isClear ? heir : nil)
        }
        if case .goesOn = departure.course {
            let (mine, others) = unsafe (
                series.pointee.startTime.load(ordering: .relaxed), heir.pointee.startTime.load(ordering: .relaxed)
            )
            // Not as early as a life of the same tags that ended: the two would be taken for one.
            unsafe heir.pointee.startTime.store(min(others, state.nextStart(mine)), ordering: .relaxed)
            unsafe heir.pointee.view._withUnsafeGuaranteedRef { $0.version += 1 }
        }
        unsafe move(series, to: heir)
    }

    /// The series that takes what is added to another one now: of the view in force, where that has the same shape.
    private func heir(
        of series: UnsafeMutablePointer<Series>, _ state: inout State
    ) -> UnsafeMutablePointer<Series>? {
        let view = unsafe series.pointee.view.takeUnretainedValue()
        guard let next = view.inForce, view.canBecome(next) else { return nil }
        if unsafe series == view.row.pointee.overflow.load(ordering: .relaxed) {
            return unsafe overflowSeries(next, state)
        }
        return unsafe series.pointee.tags._withUnsafeGuaranteedRef { unsafe findOrMake(next, $0.slice, &state) }
    }

    /// A series to tell of what another one held, which ended. `nil` where there is no room.
    private func makePast(
        of series: UnsafeMutablePointer<Series>, _ state: inout State
    ) -> UnsafeMutablePointer<Series>? {
        guard let past = unsafe makeEmpty(like: series) else {
            state.unreportedCount += 1
            return nil
        }
        unsafe end(past, &state, time: series.pointee.endTime.load(ordering: .relaxed))
        return unsafe past
    }

    /// Adds all that a series holds to another of the same shape, or takes it away.
    func move(_ series: UnsafeMutablePointer<Series>, to heir: UnsafeMutablePointer<Series>?) {
        let isDouble = unsafe series.pointee.view._withUnsafeGuaranteedRef { $0.isDouble }
        unsafe stripes.move(series, to: heir, isDouble: isDouble, isCopy: false)
        guard let octaves = unsafe series.pointee.octaves else { return }
        let (width, others) = unsafe (1 << octaves.scale.scale, heir?.pointee.octaves)
        octaves.forEach { octave, isNegative, cell in
            let place = isNegative ? octave + ExponentialScale.octaves : octave
            let other = others.flatMap { $0.cell(place) ?? stripes.allocate(width) }
            if let others, let other, others.cell(place) == nil { others.set(place, to: other) }
            if others != nil, other == nil { countLost() }
            for bucket in 0..<width { stripes.moveInteger(cell + bucket, to: other.map { $0 + bucket }) }
        }
    }
}

extension Stats.State {
    /// Series that have departed and whose level has yet to go on, as a collection runs: where they are forgotten it does not.
    mutating func forgetDepartures(where isWanted: (UnsafeMutablePointer<Series>) -> Bool) {
        for index in departures.indices where !departures[index].isSettled {
            let series = unsafe departures[index].series
            guard unsafe series.pointee.holders.load(ordering: .relaxed) == 0, unsafe isWanted(series) else { continue }
            switch departures[index].course {
            case .endsAndGoesOn: departures[index].course = .ends
            case .goesOn:
                departures[index].course = .ends
                unsafe noteEnd(of: series)
            case .ends, .vanishes: break
            }
        }
    }
}

extension ViewState {
    /// Whether series of this view are of the same shape as those of another one.
    fileprivate func canBecome(_ other: ViewState) -> Bool {
        let (mine, theirs) = (view.aggregation, other.view.aggregation)
        return kind == other.kind && bounds == other.bounds && scale == other.scale
            && mine.keepsExtremes == theirs.keepsExtremes && mine.keepsSquares == theirs.keepsSquares
    }

    /// Whether this view tells less of a series than another one did, or under another name.
    fileprivate func hidesOf(_ other: ViewState) -> Bool {
        isHidden || view.name != other.view.name || view.tagKeys != other.view.tagKeys
            || view.allTagsBut != other.view.allTagsBut
    }
}

extension ViewState.Form {
    /// Whether its values are levels, which are told whole.
    fileprivate var isLevel: Bool {
        switch self {
        case .lastValue, .sum(isMonotonic: false): true
        default: false
        }
    }
}

// MARK: - Cells

extension StripeSet {
    /// Whether anything was added to a series since all was taken away.
    func holdsAnything(_ series: UnsafeMutablePointer<Series>, isDouble: Bool) -> Bool {
        let (kind, first) = unsafe (series.cellKind, series.pointee.cell)
        switch kind {
        case .lastValue: return unsafe isSet(series)
        case .count: return sum(first) != 0
        case .sum: return holdsSum(first, isDouble: isDouble)
        default: break
        }
        let view = unsafe series.pointee.view.takeUnretainedValue()
        let buckets = unsafe series.pointee.firstBucket(view)..<first + series.pointee.cellCount
        if buckets.contains(where: { sum($0) != 0 }) { return true }
        // A sum may come after its bucket was moved.
        if holdsSum(first, isDouble: isDouble, pairs: 2) { return true }
        var isFound = false
        if let octaves = unsafe series.pointee.octaves {
            octaves.forEach { _, _, cell in
                isFound = isFound || (cell..<cell + 1 << octaves.scale.scale).contains { sum($0) != 0 }
            }
        }
        return isFound
    }

    private func holdsSum(_ cell: Int, isDouble: Bool, pairs: Int = 1) -> Bool {
        isDouble ? !exactSum(cell, pairs: pairs).isZero : integerSum(cell) != 0
    }

    fileprivate func isSet(_ lastValue: UnsafeMutablePointer<Series>) -> Bool {
        unsafe shared(lastValue.pointee.cell + 1) != 0
    }

    fileprivate func unset(_ lastValue: UnsafeMutablePointer<Series>) {
        unsafe weir_cell_store(sharedAddress(of: lastValue.pointee.cell + 1), 0)
    }

    /// Adds what the cells of a series hold to those of another of the same shape, or to none; the buckets of an
    /// exponential distribution apart. It is taken away in the ledger or the shared stripe, since the others are their cores'
    /// alone: who adds meanwhile adds to what is left.
    ///
    /// - Parameter isCopy: Whether a sum or a last value keeps it all the same.
    fileprivate func move(
        _ series: UnsafeMutablePointer<Series>, to other: UnsafeMutablePointer<Series>?, isDouble: Bool, isCopy: Bool
    ) {
        let (from, to) = unsafe (series.pointee.cell, other?.pointee.cell)
        weir_cpu_use_shared()
        switch unsafe series.cellKind {
        case .lastValue:
            guard unsafe isSet(series) else { return }
            if let to {
                unsafe weir_cell_store(sharedAddress(of: to), shared(from))
                unsafe weir_cell_store(sharedAddress(of: to + 1), 1)
            }
            if !isCopy { unsafe unset(series) }
        case .count:
            moveInteger(from, to: to, isCopy: isCopy)
        case .sum:
            if isDouble { moveDouble(from, to: to, isCopy: isCopy) } else { moveSum(from, to: to, isCopy: isCopy) }
        default:
            unsafe moveDistribution(series, to: to, isDouble: isDouble)
        }
    }

    private func moveDistribution(_ series: UnsafeMutablePointer<Series>, to: Int?, isDouble: Bool) {
        let from = unsafe series.pointee.cell
        let view = unsafe series.pointee.view.takeUnretainedValue()
        func place(_ offset: Int) -> Int? { to.map { $0 + offset } }
        if isDouble { moveDouble(from, pairs: 2, to: to) } else { moveSum(from, to: to) }
        if let to, unsafe series.pointee.keepsExtremes {
            let first = Series.extremesOffset(isDouble: isDouble)
            for cell in first..<first + 2 {
                unsafe weir_cell_atomic_raise(sharedAddress(of: to + cell), maximum(from + cell))
            }
        }
        if unsafe series.pointee.keepsSquares {
            let squares = Series.squaresOffset(isDouble: isDouble, extremes: view.keepsExtremes)
            moveDouble(from + squares, to: place(squares))
        }
        for bucket in unsafe series.pointee.firstBucket(view) - from..<series.pointee.cellCount {
            moveInteger(from + bucket, to: place(bucket))
        }
    }

    fileprivate func moveInteger(_ cell: Int, to other: Int?, isCopy: Bool = false) {
        let value = sum(cell)
        guard value != 0 else { return }
        if let other { unsafe weir_cell_atomic_add(sharedAddress(of: other), value) }
        if !isCopy { unsafe weir_cell_atomic_add(sharedAddress(of: cell), 0 &- value) }
    }

    private func moveDouble(_ cell: Int, pairs: Int = 1, to other: Int?, isCopy: Bool = false) {
        let value = exactSum(cell, pairs: pairs)
        guard !value.isZero else { return }
        if let other { addToLedger(other, value) }
        if !isCopy { addToLedger(cell, -value) }
    }
}
