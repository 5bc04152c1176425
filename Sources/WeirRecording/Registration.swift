internal import Synchronization

extension Stats {
    /// Registers views: from now on, measurements of their measures make series. All of them, or none where one is in
    /// conflict.
    ///
    /// Registering a view that is registered already changes nothing.
    ///
    /// - Throws: ``StatsError`` that names the view, and the field in which it differs from the one registered.
    public func register(_ views: [View]) throws(StatsError) {
        for view in views { try view.validate() }
        try change { state throws(StatsError) in
            let fresh = try newViews(views, state)
            // Without rules nothing that is registered becomes another view.
            let isRuled = !state.rules.isEmpty
            state.requested += fresh
            do throws(StatsError) {
                return try settle(isRuled ? state.requested : fresh, &state)
            } catch {
                state.requested.removeLast(fresh.count)
                throw error
            }
        }
    }

    /// Applies rules instead of those of before: to the views that are registered, and to those that will be.
    ///
    /// A view that becomes another one starts anew: its series end, as if it were unregistered. One that stays as it was
    /// goes on. A bound recorder follows at most fifteen views that come and go; bind it again where rules change more
    /// often than that.
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
                let problems = try settle(state.requested, &state)
                state.reportProblem = report
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
        let isKnown = withState { state in
            guard let place = state.requested.firstIndex(where: { $0.name == name }) else { return false }
            state.requested.remove(at: place)
            if let view = state.views[name] { unlink(view, &state, time: clock()) }
            reclaim(&state)
            return true
        }
        guard isKnown else { throw .unknownView(name: name) }
    }

    /// The names of the views that are registered, as the code knows them, in the order of registration.
    public var viewNames: [String] {
        withState { $0.requested.map(\.name) }
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

    /// Those that are not registered yet, each once.
    private func newViews(_ views: [View], _ state: borrowing State) throws(StatsError) -> [View] {
        var fresh: [View] = []
        for view in views {
            let known = state.requested.first { $0.name == view.name } ?? fresh.first { $0.name == view.name }
            if let known {
                if let conflict = known.conflict(with: view) { throw conflict }
                continue
            }
            func differs(_ other: View) -> Bool {
                other.measure.name == view.measure.name && other.measure != view.measure
            }
            if let other = state.requested.first(where: differs) ?? fresh.first(where: differs) {
                throw other.measure.conflict(with: view.measure)
            }
            fresh.append(view)
        }
        return fresh
    }

    /// Makes the views that are in force those that the rules make of some that are asked for. Nothing changes where it
    /// throws.
    ///
    /// - Returns: What the rules could not do and was not told before.
    private func settle(_ views: [View], _ state: inout State) throws(StatsError) -> [ViewRuleProblem] {
        let ruled = RuledViews(views, state.rules)
        var added: [ViewState] = []
        var replaced: [ViewState] = []
        for (requested, view) in ruled.results {
            let current = state.views[requested.name]
            guard current?.view != view else { continue }
            if let current { replaced.append(current) }
            guard let view else { continue }
            do throws(StatsError) {
                added.append(try makeState(view, requestedName: requested.name))
            } catch {
                release(added)
                throw error
            }
        }
        for view in replaced { unlink(view, &state, time: clock()) }
        for view in added { state.views[view.requestedName] = view }
        let areAllFresh = replaced.isEmpty && added.count == views.count
        state.order = areAllFresh ? state.order + added : state.requested.compactMap { state.views[$0.name] }
        for view in added {
            publishRow(of: view, &state)
            forEachRecorder(of: view.measureNumber, &state) { bound, state in bound.follow(view, &state) }
        }
        reclaim(&state)
        return ruled.problems.filter { state.ruleProblems.insert($0).inserted }
    }

    private func makeState(_ view: View, requestedName: String) throws(StatsError) -> ViewState {
        let measure = unsafe MeasureInfo.intern(view.measure)
        guard unsafe measure.pointee.number < MeasureInfo.maximumCount else {
            throw .tooMany(kind: "measures", limit: MeasureInfo.maximumCount)
        }
        guard let overflowCell = stripes.allocate(1) else {
            throw .tooMany(kind: "cells", limit: stripes.capacity)
        }
        return unsafe ViewState(
            view, requestedName: requestedName, of: measure, stats: self, overflowCell: overflowCell)
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
        let views = state.order.filter { unsafe $0.measure == view.measure }
        let slot = unsafe slot(of: view.measure)
        let row = unsafe views.isEmpty ? nil : MeasureRow.make(views)
        let old = unsafe slot.pointee.replace(row)
        if let old = unsafe old { unsafe state.gate.retire(.row(old)) }
    }

    /// Takes a view out: its row, its series, its name.
    func unlink(_ view: ViewState, _ state: inout State, time: UInt64) {
        view.isRegistered = false
        state.views[view.requestedName] = nil
        state.order.removeAll { $0 === view }
        publishRow(of: view, &state)
        var all = unsafe view.series
        if let overflow = unsafe view.row.pointee.overflow.load(ordering: .relaxed) { unsafe all.append(overflow) }
        unsafe view.series = []
        view.cells = []
        forEachRecorder(of: view.measureNumber, &state) { bound, _ in bound.leaveFastPath() }
        unsafe state.gate.retire(.cell(view.row.pointee.overflowCell))
        unsafe all.forEach { series in
            unsafe series.pointee.leave()
            unsafe end(series, &state, time: time)
        }
    }
}

extension MeasureDefinition {
    /// The first field in which another measure of this name differs.
    func conflict(with requested: MeasureDefinition) -> StatsError {
        if unit != requested.unit { return conflict("unit", "'\(unit)'", "'\(requested.unit)'") }
        if isDouble != requested.isDouble {
            return conflict("type", isDouble ? "Double" : "Int64", requested.isDouble ? "Double" : "Int64")
        }
        return conflict("description", "'\(description)'", "'\(requested.description)'")
    }

    private func conflict(_ field: String, _ registered: String, _ requested: String) -> StatsError {
        .measureConflict(measure: name, field: field, registered: registered, requested: requested)
    }
}
