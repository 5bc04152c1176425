/// The views that the code asks for, in the order of registration, found by name.
struct RequestedViews {
    private(set) var all: [View] = []
    private var byName: [String: View] = [:]
    /// The measures of the views by name, and how many views each has.
    private var measures: [String: (definition: MeasureDefinition, count: Int)] = [:]

    subscript(name: String) -> View? { byName[name] }

    /// - Returns: Whether it was not there yet.
    /// - Throws: Where it is in conflict with a view that is there. Nothing changes then.
    mutating func add(_ view: View) throws(StatsError) -> Bool {
        if let known = byName[view.name] {
            if let conflict = known.conflict(with: view) { throw conflict }
            return false
        }
        let measure = measures[view.measure.name]
        if let measure, measure.definition != view.measure { throw measure.definition.conflict(with: view.measure) }
        all.append(view)
        byName[view.name] = view
        measures[view.measure.name] = (view.measure, (measure?.count ?? 0) + 1)
        return true
    }

    /// - Returns: Whether it was there.
    mutating func remove(_ name: String) -> Bool {
        guard let view = byName.removeValue(forKey: name) else { return false }
        if let place = all.lastIndex(where: { $0.name == name }) { all.remove(at: place) }
        if let measure = measures[view.measure.name] {
            measures[view.measure.name] = measure.count > 1 ? (measure.definition, measure.count - 1) : nil
        }
        return true
    }
}
