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
        let problem: StatsError? = withState { state in
            do throws(StatsError) {
                let fresh = try newViews(views, state)
                try add(fresh, &state)
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
    }

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
            guard let view = state.views[name] else { return false }
            unlink(view, &state, time: clock())
            reclaim(&state)
            return true
        }
        guard isKnown else { throw .unknownView(name: name) }
    }

    /// The names of the views that are registered, in the order of registration.
    public var viewNames: [String] {
        withState { $0.order.map(\.view.name) }
    }

    /// Those that are not registered yet, each once.
    private func newViews(_ views: [View], _ state: borrowing State) throws(StatsError) -> [View] {
        var fresh: [View] = []
        for view in views {
            let known = state.views[view.name]?.view ?? fresh.first { $0.name == view.name }
            if let known {
                if let conflict = known.conflict(with: view) { throw conflict }
                continue
            }
            let measures = state.order.map(\.view.measure) + fresh.map(\.measure)
            if let other = measures.first(where: { $0.name == view.measure.name && $0 != view.measure }) {
                throw other.conflict(with: view.measure)
            }
            fresh.append(view)
        }
        return fresh
    }

    private func add(_ views: [View], _ state: inout State) throws(StatsError) {
        var added: [ViewState] = []
        for view in views {
            let measure = unsafe MeasureInfo.intern(view.measure)
            guard unsafe measure.pointee.number < MeasureInfo.maximumCount else {
                release(added)
                throw .tooMany(kind: "measures", limit: MeasureInfo.maximumCount)
            }
            guard let overflowCell = stripes.allocate(1) else {
                release(added)
                throw .tooMany(kind: "cells", limit: stripes.capacity)
            }
            unsafe added.append(ViewState(view, of: measure, stats: self, overflowCell: overflowCell))
        }
        for view in added {
            state.views[view.view.name] = view
            state.order.append(view)
        }
        for view in added {
            publishRow(of: view, &state)
            forEachRecorder(of: view.measureNumber, &state) { bound, state in bound.follow(view, &state) }
        }
        reclaim(&state)
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
        state.views[view.view.name] = nil
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
