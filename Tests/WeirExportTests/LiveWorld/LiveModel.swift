import WeirBatch

/// What a world must have told, by arithmetic that cannot be wrong: whole numbers of 128 bits. Doubles are counted in eighths.
struct LiveModel {
    /// A view by the name that the code gives it.
    typealias Name = String

    /// What grew, by sink and view, for each sink what it wants.
    private(set) var growth: [String: [Name: Grown]] = [:]
    /// What grew while a sink was not there: it is told when it comes back, in the same process.
    private var pending: [String: [Name: Grown]] = [:]
    /// Sinks that were away while something grew: what ended then is not told to them.
    private(set) var mayMiss: Set<String> = []
    /// Levels of series that go on, by their tags.
    private(set) var levels: [Name: [String: Int128]] = [:]
    /// Last values of series that go on.
    private(set) var lasts: [Name: [String: Int128]] = [:]
    /// Views that rules leave out.
    private(set) var hidden: Set<Name> = []
    /// Views that a sink does not want: by a test of their names.
    var unwanted: [String: Set<Name>] = [:]

    mutating func grow(_ view: Name, by amount: Int128, sinks: [String]) {
        guard !hidden.contains(view) else { return }
        for sink in sinks where unwanted[sink]?.contains(view) != true {
            if pending[sink] != nil {
                pending[sink]![view, default: Grown()] += Grown(sum: amount, count: 1)
            } else {
                growth[sink, default: [:]][view, default: Grown()] += Grown(sum: amount, count: 1)
            }
        }
    }

    mutating func leave(_ sink: String) { pending[sink] = [:] }

    mutating func comeBack(_ sink: String) {
        for (view, grown) in pending[sink] ?? [:] { growth[sink, default: [:]][view, default: Grown()] += grown }
        if pending[sink]?.isEmpty == false { mayMiss.insert(sink) }
        pending[sink] = nil
    }

    mutating func move(_ view: Name, _ tags: String, by amount: Int128) {
        levels[view, default: [:]][tags, default: 0] += amount
    }

    mutating func set(_ view: Name, _ tags: String, to value: Int128) {
        if !hidden.contains(view) { lasts[view, default: [:]][tags] = value }
    }

    /// Rules leave these views out. Sums that may shrink are kept meanwhile, as differences would be wrong without; a last value is
    /// known again when it is set again.
    mutating func hide(_ views: Set<Name>) {
        for view in views { lasts[view] = nil }
        hidden = views
    }

    /// Series whose tags begin so end: their levels begin with nothing.
    mutating func forget(_ tags: String) {
        for view in levels.keys { levels[view] = levels[view]!.filter { !$0.key.hasPrefix(tags) } }
        for view in lasts.keys { lasts[view] = lasts[view]!.filter { !$0.key.hasPrefix(tags) } }
    }

    /// The process ended, and another one began.
    mutating func forgetAll() {
        (levels, lasts) = ([:], [:])
        for sink in pending.keys { pending[sink] = [:] }
    }

    func level(_ view: Name) -> Int128 { levels[view]?.values.reduce(0, +) ?? 0 }
}

/// What was added, and in how many measurements.
struct Grown {
    var sum: Int128 = 0
    var count: Int128 = 0

    static func += (left: inout Grown, right: Grown) {
        left.sum += right.sum
        left.count += right.count
    }
}

/// What a sink was told, read by the format's own reader.
struct LiveTold {
    /// A series' life: one total.
    private struct Life: Hashable {
        let view: String
        let tags: [String]
        let start: UInt64
    }

    private(set) var problems: [String] = []
    /// Deltas, added up.
    private var deltas: [String: Int128] = [:]
    private var deltaCounts: [String: Int128] = [:]
    /// Of totals the last word of each life.
    private var totals: [Life: (sum: Int128, count: Int128)] = [:]
    /// Levels and last values of the last batch that has the view, and which batch that was.
    private var levels: [String: (batch: Int, values: [String: Int128])] = [:]
    private var batches = 0
    private var numbers: [StreamID: (last: UInt64, end: UInt64)] = [:]
    private var ended: Set<StreamID> = []
    /// Numbers that no batch has, and those that gaps name.
    private(set) var missing: UInt64 = 0
    private(set) var named: UInt64 = 0

    /// The name that the code gives a view which rules may have renamed.
    private func base(_ name: String) -> String { name.split(separator: ".").first.map(String.init) ?? name }

    mutating func add(_ header: FrameHeader, _ batch: Batch?) {
        if ended.contains(header.stream) { problems.append("something stands behind an end mark") }
        let before = numbers[header.stream]
        let first = header.isEndMark ? header.last + 1 : header.first
        // A sink that joins others in their stream begins where that is.
        let gapped = header.gaps.reduce(0) { $0 + $1.last - $1.first + 1 }
        let expected = before.map { $0.last + 1 } ?? (first > gapped ? first - gapped : 1)
        named += gapped
        if first < expected {
            problems.append("number \(first) behind \(expected - 1)")
        } else {
            missing += first - expected
        }
        if header.isEndMark {
            ended.insert(header.stream)
            return
        }
        if header.startTime >= header.endTime { problems.append("a batch of no time") }
        if let before, header.startTime < before.end {
            problems.append("a batch starts before the end of the one before")
        }
        if let before, header.first == before.last + 1, header.startTime != before.end {
            problems.append("a hole in time")
        }
        numbers[header.stream] = (header.last, header.endTime)
        batches += 1
        if let batch { read(batch) }
    }

    private mutating func read(_ batch: Batch) {
        var lives: Set<Life> = []
        var going: Set<Life> = []
        for view in batch.views where !view.name.hasPrefix("weir.") {
            let name = base(view.name)
            for row in 0..<view.rows {
                let tags = tags(of: view, row, batch)
                let life = Life(view: view.name, tags: tags, start: view.startTimes[row])
                let end = view.endTimes.isEmpty ? 0 : view.endTimes[row]
                if !lives.insert(life).inserted { problems.append("twice in a batch: \(life)") }
                let series = Life(view: view.name, tags: tags, start: 0)
                if end == 0, !going.insert(series).inserted { problems.append("twice going on: \(life)") }
                let last = end == 0 ? batch.endTime : end
                if life.start > last || last > batch.endTime { problems.append("a row from \(life.start) to \(last)") }
                let (sum, count) = (value(of: view, row), count(of: view, row))
                switch (view.aggregation, view.temporality) {
                case (.sum, _) where !view.isMonotonic, (.lastValue, _):
                    if levels[name]?.batch != batches { levels[name] = (batches, [:]) }
                    if end == 0 { levels[name]!.values[tags.joined(separator: ","), default: 0] += sum }
                case (_, .delta):
                    deltas[name, default: 0] += sum
                    deltaCounts[name, default: 0] += count
                    if sum < 0 { problems.append("\(name) grew by \(sum)") }
                case (_, .cumulative):
                    if let known = totals[life], known.sum > sum { problems.append("\(life) fell to \(sum)") }
                    totals[life] = (sum, count)
                }
            }
        }
    }

    private func tags(of view: ViewColumns, _ row: Int, _ batch: Batch) -> [String] {
        view.tagKeys.indices.compactMap { key in
            let value = view.tagValues[key * view.rows + row]
            return value == 0 ? nil : "\(view.tagKeys[key])=\(batch.strings[Int(value) - 1])"
        }.sorted()
    }

    private func value(of view: ViewColumns, _ row: Int) -> Int128 {
        view.integers.isEmpty ? Int128(view.doubles[row] * 8) : Int128(view.integers[row])
    }

    private func count(of view: ViewColumns, _ row: Int) -> Int128 {
        guard view.aggregation == .distribution else { return 0 }
        let width = view.bounds.count + 1
        return view.bucketCounts[row * width..<(row + 1) * width].reduce(0) { $0 + Int128($1) }
    }

    // MARK: - All that was told

    func growth(_ view: String, isDelta: Bool) -> Int128 {
        isDelta ? deltas[view] ?? 0 : totals.reduce(0) { base($1.key.view) == view ? $0 + $1.value.sum : $0 }
    }

    func count(_ view: String, isDelta: Bool) -> Int128 {
        isDelta ? deltaCounts[view] ?? 0 : totals.reduce(0) { base($1.key.view) == view ? $0 + $1.value.count : $0 }
    }

    /// Of the last batch that there is.
    func levels(_ view: String) -> [String: Int128] {
        guard let found = levels[view], found.batch == batches else { return [:] }
        return found.values
    }
}
