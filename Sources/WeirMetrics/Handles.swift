internal import Synchronization
internal import WeirRecording

/// All handles of a factory, and what they are found by.
///
/// Finding one that exists takes no lock; making and destroying do. The table knows handles by names within the limits:
/// one that is past them is cut each time that it is asked for, and so found under the lock.
final class Handles: Sendable {
    /// What stands where nothing can be recorded.
    let lost: LostHandle

    /// Tells this factory's handles from another's.
    private let number = Handles.nextNumber.wrappingAdd(1, ordering: .relaxed).newValue
    private let stats: Stats
    private let settings: LabelSettings
    private let limits: MetricsLimits
    private let reporter: ProblemReporter
    private let table: HandleTable
    private let count = Atomic<Int>(0)
    private let lock: Lock
    // Sendable: under the lock.
    nonisolated(unsafe) private var state = State()
    /// Lets go at each collection of what was destroyed. It knows the table and its lock alone: counting references to an
    /// object that has a weak one takes several times as long, and every metric that is made counts one to this.
    private let observation: Observation

    private struct State {
        var labels: [LabelKey: Label] = [:]
        /// What the labels' views are to be called, so that two kinds of one name do not depend on which records first.
        var names: [String: MetricKind] = [:]
        var overflow: [ObjectIdentifier: Handle] = [:]
        var keys: Set<String> = []
    }

    private struct LabelKey: Hashable {
        let kind: MetricKind
        let label: String
    }

    private static let nextNumber = Atomic<Int>(0)
    private static let overflowDimensions = [(Dimensions.overflowKey, "true")]

    init(
        in stats: Stats, _ settings: LabelSettings, _ limits: MetricsLimits,
        report: @escaping @Sendable (MetricsProblem) -> Void
    ) {
        self.stats = stats
        self.settings = settings
        self.limits = limits
        reporter = ProblemReporter(report)
        lost = LostHandle(in: stats)
        let (table, lock) = (HandleTable(), Lock())
        (self.table, self.lock) = (table, lock)
        observation = Observation(in: stats, name: "") { lock.withLock { table.reclaim() } }
    }

    /// The handle of a name, made where there is none; `nil` where there can be none.
    @inline(__always)
    func find(_ kind: MetricKind, _ label: String, _ dimensions: [(String, String)]) -> Handle? {
        if let found = table.find(kind.rawValue, label, dimensions) {
            let handle = unsafe unsafeDowncast(found, to: Handle.self)
            if handle.share() { return handle }
        }
        return findSlowly(kind, label, dimensions)
    }

    /// Of a label that is full, still without a lock.
    @inline(never)
    private func findSlowly(_ kind: MetricKind, _ label: String, _ dimensions: [(String, String)]) -> Handle? {
        if let found = table.find(kind.rawValue, label, Self.overflowDimensions) {
            let handle = unsafe unsafeDowncast(found, to: Handle.self)
            if isFull(handle.label) { return handle }
        }
        let label = LabelName.withinLimits(label)
        var problems: [MetricsProblem] = []
        let handle = makeOrFind(kind, label, dimensions, &problems)
        // Outside the lock: it may log, or make metrics.
        problems.forEach(reporter.report)
        return handle
    }

    private func makeOrFind(
        _ kind: MetricKind, _ label: String, _ dimensions: [(String, String)], _ problems: inout [MetricsProblem]
    ) -> Handle? {
        guard let owner = lock.withLock({ self.label(kind, label, &problems) }) else { return nil }
        if kind != .timer { owner.prepare(&problems) }
        return lock.withLock {
            let cleaned = unsafe Dimensions(dimensions, of: label, limits, &state.keys, &problems)
            // Another thread may have made it meanwhile.
            if let found = table.find(kind.rawValue, label, cleaned.elements) {
                let handle = unsafe unsafeDowncast(found, to: Handle.self)
                if handle.share() { return handle }
            }
            return isFull(owner)
                ? overflowHandle(owner, label, &problems) : makeHandle(owner, label, cleaned.elements, &problems)
        }
    }

    private func isFull(_ label: Label) -> Bool {
        // Relaxed: where there is just room or not, either answer was right a moment ago.
        label.handleCount.load(ordering: .relaxed) >= settings.seriesLimit
            || count.load(ordering: .relaxed) >= limits.handles
    }

    /// Ends the series of a handle: now where nobody else has asked for it, otherwise when it is released. A handle that
    /// is another factory's is that one's to destroy.
    func destroy(_ handler: AnyObject) {
        guard let handle = handler as? Handle, handle.label.factory == number else { return }
        lock.withLock {
            guard let place = handle.place.take() else { return }
            handle.end(now: handle.leave())
            table.remove(place)
            handle.label.handleCount.subtract(1, ordering: .relaxed)
            count.subtract(1, ordering: .relaxed)
        }
    }

    // MARK: - Under the lock

    private func label(_ kind: MetricKind, _ label: String, _ problems: inout [MetricsProblem]) -> Label? {
        let key = LabelKey(kind: kind, label: label)
        if let known = unsafe state.labels[key] { return known }
        guard unsafe state.labels.count < limits.labels else {
            problems.append(.limit(label: label, of: "labels", limit: limits.labels))
            return nil
        }
        let name = LabelName.usable(label)
        if name != label { problems.append(.labelChanged(label: label, recordedAs: name)) }
        let other = "\(name).\(kind.word)"
        let isTaken = unsafe state.names[name].map { $0 != kind } ?? false
        if isTaken { problems.append(.labelTaken(label: label, kind: kind.word, recordedAs: other)) }
        let names = isTaken ? [other] : [name, other]
        unsafe state.names[names[0]] = kind
        let made = Label(label, kind, names: names, of: number, in: stats, settings, reporter)
        unsafe state.labels[key] = made
        return made
    }

    private func makeHandle(
        _ label: Label, _ name: String, _ dimensions: [(String, String)], _ problems: inout [MetricsProblem]
    ) -> Handle? {
        let tags = Tags(dimensions.map { (TagKey($0.0), $0.1) })
        guard let handle = label.makeHandle(.tags(tags), &problems) else { return nil }
        handle.place = table.insert(handle, label.kind.rawValue, name, dimensions)
        label.handleCount.add(1, ordering: .relaxed)
        count.add(1, ordering: .relaxed)
        return handle
    }

    /// One for all that a label has no room for. It is everybody's, so nobody destroys it.
    private func overflowHandle(_ label: Label, _ name: String, _ problems: inout [MetricsProblem]) -> Handle? {
        if let known = unsafe state.overflow[ObjectIdentifier(label)] { return known }
        guard let handle = label.makeHandle(.overflow, &problems) else { return nil }
        problems.append(.limit(label: name, of: "series", limit: label.handleCount.load(ordering: .relaxed)))
        _ = table.insert(handle, label.kind.rawValue, name, Self.overflowDimensions)
        unsafe state.overflow[ObjectIdentifier(label)] = handle
        return handle
    }
}

extension Label {
    fileprivate func makeHandle(_ target: SeriesTarget, _ problems: inout [MetricsProblem]) -> Handle? {
        switch kind {
        case .counter: integerRecorder(target, &problems).map { CounterHandle(self, $0) }
        case .floatingPointCounter:
            doubleRecorder(target, &problems).map { FloatingPointCounterHandle(self, $0) }
        case .gauge: doubleRecorder(target, &problems).map { GaugeHandle(self, $0) }
        case .recorder: doubleRecorder(target, &problems).map { RecorderHandle(self, $0) }
        case .timer: TimerHandle(self, target)
        }
    }
}
