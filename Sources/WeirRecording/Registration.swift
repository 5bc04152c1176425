internal import Synchronization

extension Stats {
    /// Registers views: from now on, measurements of their measures make series. All of them, or none where one is in
    /// conflict.
    ///
    /// Registering a view that is registered already changes nothing; one that differs in its description alone is the same.
    ///
    /// - Throws: ``StatsError`` that names the view, and the field in which it differs from the one registered.
    public func register(_ views: [View]) throws(StatsError) {
        for view in views { try view.validate() }
        try change { state throws(StatsError) in
            var fresh: [View] = []
            do throws(StatsError) {
                for view in views where try state.requested.add(view) { fresh.append(view) }
                // Only where a rule gave a name that is asked for now do other views change, too.
                let isApart = fresh.allSatisfy { !state.givenNames.contains($0.name) }
                return try settle(isApart ? fresh : state.requested.all, isAll: !isApart, &state)
            } catch {
                for view in fresh.reversed() { _ = state.requested.remove(view.name) }
                throw error
            }
        }
    }

    /// Applies rules instead of those of before: to the views that are registered, and to those that will be.
    ///
    /// A view that stays as it was goes on. Where one becomes another, no measurement is lost:
    ///
    /// - A level (an up-down sum, a last value) goes on in the new view. Of last values that fall together none is told
    ///   until one is set again.
    /// - What was collected before ends in order, and growth begins anew with a new start.
    /// - What was never collected is told under the new view alone. Where a rule drops a view, or where buckets become others
    ///   beside a name or tag keys, it is not told at all; the latter is counted as unreported.
    ///
    /// Bound recorders follow, whatever the number of changes. A recorder keeps some hundred bytes of each change until it is
    /// freed.
    ///
    /// The code's own calls (`register`, `unregister`, `forget`) go on by the names that the code knows.
    ///
    /// - Parameter report: Is told, now and whenever a view is registered, of what the rules could not do: each once.
    /// - Throws: ``StatsError`` where a rule cannot be used, or there is no room for the new views; the rules of before
    ///   stay.
    public func apply(
        _ rules: ViewRules, report: @escaping @Sendable (ViewRuleProblem) -> Void = { _ in }
    ) throws(StatsError) {
        for rule in rules.rules { try rule.validate() }
        try change { state throws(StatsError) in
            let before = (state.rules, state.ruleProblems)
            (state.rules, state.ruleProblems) = (rules, [])
            do throws(StatsError) {
                let problems = try settle(state.requested.all, isAll: true, &state)
                state.reportProblem = report
                // Where they say nothing of it, and never did, the limit is somebody else's.
                if rules.tagValueBytes != before.0.tagValueBytes {
                    TagLimit.bytes = rules.tagValueBytes ?? TagLimit.standard
                }
                return problems
            } catch {
                (state.rules, state.ruleProblems) = before
                throw error
            }
        }
    }

    /// The rules that are applied.
    public var viewRules: ViewRules { withState { $0.rules } }

    /// Registers views: from now on, measurements of their measures make series. All of them, or none where one is in
    /// conflict.
    ///
    /// - Throws: ``StatsError`` that names the view, and the field in which it differs from the one registered.
    public func register(_ views: View...) throws(StatsError) {
        try register(views)
    }

    /// Unregisters a view. Its series end: the next batch has their last values and an end time.
    ///
    /// Bound recorders of the view go on without harm; what they record for it is counted and changes nothing.
    ///
    /// - Throws: ``StatsError/unknownView(name:)``.
    public func unregister(_ name: String) throws(StatsError) {
        let ended = unsafe withState { state -> [UnsafeMutablePointer<Series>]? in
            guard state.requested.remove(name) else { return nil }
            // Another view may have the name that a rule gave to this one.
            if let given = state.views[name]?.view.name, given != name { state.givenNames.remove(given) }
            return unsafe state.views[name].map { unsafe unlink($0, &state) } ?? []
        }
        guard let ended = unsafe ended else { throw .unknownView(name: name) }
        for first in unsafe stride(from: 0, to: ended.count, by: Self.seriesAtATime) {
            withState { state in
                unsafe endUnlinked(ended[first..<min(first + Self.seriesAtATime, ended.count)], &state, time: clock())
            }
        }
        withState { reclaim(&$0) }
    }

    /// The names of the views that are registered, as the code knows them, in the order of registration.
    public var viewNames: [String] {
        withState { $0.requested.all.map(\.name) }
    }

    /// Changes what is registered, and tells of rules that could not be followed.
    private func change(_ body: (inout State) throws(StatsError) -> [ViewRuleProblem]) throws(StatsError) {
        let (result, report) = withState { state -> (Result<[ViewRuleProblem], StatsError>, _) in
            do throws(StatsError) {
                return (.success(try body(&state)), state.reportProblem)
            } catch {
                return (.failure(error), state.reportProblem)
            }
        }
        // Outside the lock: it may register views, or log.
        for problem in try result.get() { report(problem) }
    }

    /// Makes the views that are in force those that the rules make of some that are asked for. Nothing changes where it
    /// throws.
    ///
    /// For each measure the views of before give way to the new ones with one store, so that there is no moment in which
    /// a measurement finds neither.
    ///
    /// - Parameter isAll: Whether the views are all that are asked for.
    /// - Returns: What the rules could not do and was not told before.
    private func settle(
        _ views: [View], isAll: Bool, _ state: inout State
    ) throws(StatsError) -> [ViewRuleProblem] {
        let ruled = RuledViews(views, state.rules) { name in
            state.requested[name] != nil || !isAll && state.givenNames.contains(name)
        }
        var changes: [(requested: String, old: ViewState?, new: ViewState?)] = []
        for (requested, view) in ruled.results {
            // A level is recorded on where nobody sees it.
            let isHidden = view == nil && requested.aggregation.isUpDownSum
            let view = isHidden ? requested : view
            let current = state.views[requested.name]
            guard current?.view != view || current?.isHidden != isHidden else { continue }
            guard let view else {
                if let current { changes.append((requested.name, current, nil)) }
                continue
            }
            do throws(StatsError) {
                let fresh = try makeState(view, requestedName: requested.name, isHidden: isHidden, &state)
                changes.append((requested.name, current, fresh))
            } catch {
                release(changes.compactMap(\.new))
                throw error
            }
        }
        state.givenNames = isAll ? ruled.givenNames : state.givenNames.union(ruled.givenNames)
        replace(changes, isAll: isAll, &state)
        reclaim(&state)
        return ruled.problems.filter { state.ruleProblems.insert($0).inserted }
    }

    /// Puts views in the place of others, or beside them.
    private func replace(
        _ changes: [(requested: String, old: ViewState?, new: ViewState?)], isAll: Bool, _ state: inout State
    ) {
        for (requested, old, new) in changes {
            old?.fate = .replaced(by: new)
            state.views[requested] = new
        }
        if isAll {
            state.setOrder(state.requested.all.compactMap { state.views[$0.name] })
        } else {
            for case (_, _, let new?) in changes { state.add(new) }
        }
        var measures: Set<Int> = []
        for case let view? in changes.map({ $0.new ?? $0.old }) where measures.insert(view.measureNumber).inserted {
            publishRow(of: view, &state)
            forEachRecorder(of: view.measureNumber, &state) { bound, state in bound.follow(&state) }
        }
        for case let old? in changes.map(\.old) { depart(from: old, &state) }
    }

    private func makeState(
        _ view: View, requestedName: String, isHidden: Bool, _ state: inout State
    ) throws(StatsError) -> ViewState {
        let measure = unsafe MeasureInfo.intern(view.measure)
        guard unsafe measure.pointee.number < MeasureInfo.maximumCount else {
            throw .tooMany(kind: "measures", limit: MeasureInfo.maximumCount)
        }
        guard let overflowCell = stripes.allocate(1) else {
            throw .tooMany(kind: "cells", limit: stripes.capacity)
        }
        state.viewCount += 1
        return unsafe ViewState(
            view, number: state.viewCount, requestedName: requestedName, isHidden: isHidden, of: measure, stats: self,
            overflowCell: overflowCell)
    }

    /// Gives back what views took that nobody has seen.
    private func release(_ views: [ViewState]) {
        for view in views { unsafe stripes.release(view.row.pointee.overflowCell, length: 1) }
    }

    private func forEachRecorder(
        of measure: Int, _ state: inout State, _ body: (BoundSeries, inout State) -> Void
    ) {
        // In the order of binding: where a view has not room for all of them, it has room for the first.
        unsafe (state.recorders[measure] ?? [:]).sorted { unsafe $0.key < $1.key }.forEach { _, recorder in
            unsafe recorder._withUnsafeGuaranteedRef { body($0, &state) }
        }
    }

    /// Replaces a measure's row by one of the views that are registered now.
    func publishRow(of view: ViewState, _ state: inout State) {
        let views = state.views(of: view.measureNumber)
        let slot = unsafe slot(of: view.measure)
        let row = unsafe views.isEmpty ? nil : MeasureRow.make(views)
        let old = unsafe slot.pointee.replace(row)
        if let old = unsafe old { unsafe state.gate.retire(.row(old)) }
    }

    /// Takes a view out that the code does not want any more: its row, its series, its name.
    ///
    /// - Returns: Its series, which nobody finds any more, for ``endUnlinked(_:_:time:)``.
    func unlink(_ view: ViewState, _ state: inout State) -> [UnsafeMutablePointer<Series>] {
        view.fate = .unregistered
        state.views[view.requestedName] = nil
        state.remove(view)
        publishRow(of: view, &state)
        forEachRecorder(of: view.measureNumber, &state) { bound, state in bound.follow(&state) }
        unsafe state.gate.retire(.cell(view.row.pointee.overflowCell))
        return unsafe view.takeSeries()
    }

    func endUnlinked(_ all: some Sequence<UnsafeMutablePointer<Series>>, _ state: inout State, time: UInt64) {
        unsafe all.forEach { series in
            unsafe series.pointee.leave()
            unsafe end(series, &state, time: time)
        }
    }
}

extension ViewState {
    /// Takes all of its series, the overflow series last.
    func takeSeries() -> [UnsafeMutablePointer<Series>] {
        var all = unsafe series
        if let overflow = unsafe row.pointee.overflow.load(ordering: .relaxed) { unsafe all.append(overflow) }
        unsafe series = []
        cells = []
        return unsafe all
    }
}

extension Stats.State {
    /// The views of a measure, in the order of registration.
    func views(of measure: Int) -> [ViewState] { orderByMeasure[measure] ?? [] }

    fileprivate mutating func add(_ view: ViewState) {
        order.append(view)
        orderByMeasure[view.measureNumber, default: []].append(view)
    }

    fileprivate mutating func setOrder(_ views: [ViewState]) {
        order = []
        orderByMeasure = [:]
        for view in views { add(view) }
    }

    fileprivate mutating func remove(_ view: ViewState) {
        if let place = order.lastIndex(where: { $0 === view }) { order.remove(at: place) }
        orderByMeasure[view.measureNumber]?.removeAll { $0 === view }
        if orderByMeasure[view.measureNumber]?.isEmpty == true { orderByMeasure[view.measureNumber] = nil }
    }
}

extension Aggregation {
    fileprivate var isUpDownSum: Bool { if case .sum(isMonotonic: false) = kind { true } else { false } }
}

extension MeasureDefinition {
    /// The first field in which another measure of this name differs.
    func conflict(with requested: MeasureDefinition) -> StatsError {
        if unit != requested.unit { return conflict("unit", "'\(unit)'", "'\(requested.unit)'") }
        return conflict("type", isDouble ? "Double" : "Int64", requested.isDouble ? "Double" : "Int64")
    }

    private func conflict(_ field: String, _ registered: String, _ requested: String) -> StatsError {
        .measureConflict(measure: name, field: field, registered: registered, requested: requested)
    }
}
