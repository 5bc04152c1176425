internal import WeirExporterKit
internal import WeirExporterSupport

/// One collection in Prometheus's words, before it is written in one format or the other. Never changes.
struct Snapshot: Sendable {
    /// In the order of the batch's views.
    var families: [Family] = []
    /// Who measures, as labels; nil where nothing is known of that.
    var target: Range<Int>?
    /// Labels and exemplars as they are written, of all series, one behind the other.
    var texts: [UInt8] = []
    /// When it was collected. Nanoseconds since 1970.
    var endTime: UInt64
}

/// Puts a snapshot together from the parts of a collection.
struct SnapshotBuilder {
    /// What is shown otherwise than it was recorded, and why.
    struct Losses {
        /// Views whose names others had before.
        var clashes: [NameClaims.Clash] = []
        /// Series of those, under their other name, or of a view that is there twice, left out.
        var clashed: UInt64 = 0
        /// Series that differ from another only in what Prometheus does not tell apart, as an empty tag and none, and were
        /// put together with it or got a mark.
        var repeated: UInt64 = 0
    }

    private var snapshot: Snapshot
    private(set) var losses = Losses()
    private let exponentialBuckets: Int
    /// Who has which name: for the next collection's builder.
    private(set) var claims: NameClaims
    private var labeller = Labeller()
    private var histogramLabeller = Labeller(reserved: ["le"])
    /// Where a view's family is, what it would be called, and what kind of view that is.
    private var places: [String: (place: Int, wanted: FamilyName, kind: DeliveredView.Kind)] = [:]
    /// Of families that are exponential distributions, by place.
    private var exponential: [Int: Exponential] = [:]
    /// Families in which two series may have the same labels.
    private var doubtful: Set<Int> = []
    /// The tags of the series of last values, by place.
    private var originals: [Int: [[DeliveredTag]]] = [:]
    private var clashing: Set<Int> = []

    private struct Exponential {
        var scale: Int32
        var buckets: [ExponentialGrid.Buckets] = []
        var sums: [Double] = []
        var exemplars: [[DeliveredExemplar]] = []
    }

    init(endTime: UInt64, exponentialBuckets: Int, claims: NameClaims = NameClaims()) {
        snapshot = Snapshot(endTime: endTime)
        self.claims = claims
        self.claims.begin()
        self.exponentialBuckets = exponentialBuckets
    }

    /// Adds a part. Series that ended before the collection are not in it any more.
    mutating func add(_ batch: borrowing DeliveredBatch) {
        if snapshot.target == nil, !batch.resource.isEmpty {
            snapshot.target = write(Target(resource: batch.resource).labels)
        }
        for view in batch.views {
            var place: Int??
            batch.forEachRow(of: view) { row in
                guard row.endTime >= snapshot.endTime else { return }
                if place == nil { place = .some(self.place(of: view)) }
                guard let place, let place else {
                    losses.clashed += 1
                    return
                }
                if !clashing.isEmpty, clashing.contains(place) { losses.clashed += 1 }
                add(row, of: view, at: place)
            }
        }
    }

    /// The snapshot, once all parts are in it.
    consuming func finish() -> (Snapshot, Losses) {
        for (place, exponential) in exponential {
            let grid = ExponentialGrid(
                scale: exponential.scale, series: exponential.buckets, limit: exponentialBuckets)
            var family = snapshot.families[place]
            let series = family.series
            family.series = []
            family.bounds = grid.bounds
            for (index, one) in series.enumerated() {
                family.append(
                    buckets: grid.counts(exponential.buckets[index]), sum: exponential.sums[index],
                    labels: one.labels, startTime: one.startTime,
                    exemplars: write(exponential.exemplars[index], by: grid.bounds))
            }
            snapshot.families[place] = family
        }
        for place in doubtful.sorted() { unite(at: place) }
        return (snapshot, losses)
    }

    // MARK: - Views

    /// Where the view's family is; nil where it cannot be.
    private mutating func place(of view: DeliveredView) -> Int? {
        let wanted = FamilyName(view)
        if let known = places[view.name] {
            // Parts of a collection share views. One that was defined anew meanwhile is another.
            return known.wanted == wanted && known.kind == view.kind ? known.place : nil
        }
        let (name, clash) = claims.claim(wanted, for: view.name)
        let place = snapshot.families.count
        if let clash {
            losses.clashes.append(clash)
            clashing.insert(place)
        }
        snapshot.families.append(
            Family(
                name: name, help: view.description.isEmpty ? view.measure : view.description, bounds: view.bounds))
        if case .exponentialDistribution(let scale) = view.kind { exponential[place] = Exponential(scale: scale) }
        places[view.name] = (place, wanted, view.kind)
        return place
    }

    // MARK: - Rows

    private mutating func add(_ row: DeliveredRow, of view: DeliveredView, at place: Int) {
        let isHistogram = snapshot.families[place].name.kind == .histogram
        let labels = isHistogram ? histogramLabeller.labels(row.tags) : labeller.labels(row.tags)
        let hasShared = isHistogram ? histogramLabeller.hasSharedNames : labeller.hasSharedNames
        if labels.count != row.tags.count || hasShared { doubtful.insert(place) }
        if view.kind == .lastValue { originals[place, default: []].append(row.tags) }
        let range = write(labels)
        switch view.kind {
        case .count, .sum, .lastValue:
            snapshot.families[place].series.append(
                Family.Series(
                    labels: range, startTime: row.startTime,
                    value: view.isInteger ? .integer(row.integer) : .double(row.value),
                    exemplars: view.isMonotonic ? write(row.exemplars, by: []) : []))
        case .distribution:
            snapshot.families[place].append(
                buckets: row.buckets, sum: row.value, labels: range, startTime: row.startTime,
                exemplars: write(row.exemplars, by: view.bounds))
        case .exponentialDistribution:
            snapshot.families[place].series.append(
                Family.Series(labels: range, startTime: row.startTime, value: .histogram(sum: 0, counts: 0..<0)))
            exponential[place]?.sums.append(row.value)
            exponential[place]?.exemplars.append(row.exemplars)
            exponential[place]?.buckets.append(
                ExponentialGrid.Buckets(
                    zeroCount: row.zeroCount, positive: row.positive, negative: row.negative))
        }
    }

    /// - Parameter bounds: Of the buckets, each of which has its newest.
    private mutating func write(_ exemplars: [DeliveredExemplar], by bounds: [Double]) -> [Family.Exemplar] {
        guard !exemplars.isEmpty else { return [] }
        return exemplars.newest(by: bounds).enumerated().compactMap { bucket, exemplar in
            guard let exemplar, let labels = ExemplarLabels(exemplar)?.labels else { return nil }
            let start = snapshot.texts.count
            snapshot.texts.append(contentsOf: "# {".utf8)
            _ = write(labels)
            snapshot.texts.append(contentsOf: "} ".utf8)
            TextNumber.append(exemplar.value, to: &snapshot.texts)
            snapshot.texts.append(UInt8(ascii: " "))
            TextNumber.append(nanoseconds: exemplar.time, to: &snapshot.texts)
            return Family.Exemplar(bucket: bucket, text: start..<snapshot.texts.count)
        }
    }

    private mutating func write(_ labels: [Label]) -> Range<Int> {
        let start = snapshot.texts.count
        for label in labels {
            if snapshot.texts.count > start { snapshot.texts.append(UInt8(ascii: ",")) }
            snapshot.texts.append(contentsOf: label.name.utf8)
            snapshot.texts.append(contentsOf: "=\"".utf8)
            Escaping.quoted.append(label.value, to: &snapshot.texts)
            snapshot.texts.append(UInt8(ascii: "\""))
        }
        return start..<snapshot.texts.count
    }

    /// One series twice would make a scrape invalid as a whole: what adds up is added, last values get marks.
    private mutating func unite(at place: Int) {
        let family = snapshot.families[place]
        let texts = family.series.map { snapshot.texts[$0.labels] }
        let groups = RepeatedNames.groups(texts)
        guard !groups.isEmpty else { return }
        var taken = Set(texts.map { Array($0) })
        var joined: Set<Int> = []
        for group in groups {
            losses.repeated += UInt64(group.count - 1)
            guard let tags = originals[place] else {
                for other in group.dropFirst() { snapshot.families[place].add(other, to: group[0]) }
                joined.formUnion(group.dropFirst())
                continue
            }
            func text(_ mark: String) -> [UInt8] {
                Array(texts[group[0]]) + (texts[group[0]].isEmpty ? "" : ",").utf8 + "\(Mark.key)=\"\(mark)\"".utf8
            }
            let marks = RepeatedNames.marks(group.map { tags[$0] }) { taken.contains(text($0)) }
            for (series, mark) in zip(group, marks) {
                guard let mark else { continue }
                let start = snapshot.texts.count
                snapshot.texts += text(mark)
                taken.insert(text(mark))
                snapshot.families[place].series[series].labels = start..<snapshot.texts.count
            }
        }
        guard !joined.isEmpty else { return }
        let all = snapshot.families[place].series
        snapshot.families[place].series = all.indices.filter { !joined.contains($0) }.map { all[$0] }
    }
}

extension DeliveredView {
    /// An explicit distribution's bounds.
    fileprivate var bounds: [Double] {
        if case .distribution(let bounds) = kind { bounds } else { [] }
    }
}
