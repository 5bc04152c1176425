internal import WeirExporterKit
internal import WeirPrometheusNames

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
    /// What was left out, and why.
    struct Losses {
        /// Views whose names others had before.
        var clashes: [NameClaims.Clash] = []
        /// Series of those.
        var clashed: UInt64 = 0
        /// Series that differ from another only in what Prometheus does not tell apart: an empty tag and none.
        var repeated: UInt64 = 0
    }

    private var snapshot: Snapshot
    private(set) var losses = Losses()
    private let exponentialBuckets: Int
    private var claims = NameClaims(reserved: [Target.family, Target.sample])
    private var labeller = Labeller()
    private var histogramLabeller = Labeller(reserved: ["le"])
    /// Where a view's family is, and what kind of view that is.
    private var places: [String: (place: Int, kind: DeliveredView.Kind)] = [:]
    /// Of families that are exponential distributions, by place.
    private var exponential: [Int: Exponential] = [:]
    /// Families in which two series may have the same labels.
    private var doubtful: Set<Int> = []

    private struct Exponential {
        var scale: Int32
        var buckets: [ExponentialGrid.Buckets] = []
        var sums: [Double] = []
        var exemplars: [[DeliveredExemplar]] = []
    }

    init(endTime: UInt64, exponentialBuckets: Int) {
        snapshot = Snapshot(endTime: endTime)
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
        for place in doubtful { removeRepeated(at: place) }
        return (snapshot, losses)
    }

    // MARK: - Views

    /// Where the view's family is; nil where it cannot be.
    private mutating func place(of view: DeliveredView) -> Int? {
        let name = FamilyName(view)
        if let known = places[view.name] {
            // Parts of a collection share views. One that was defined anew meanwhile is another.
            if snapshot.families[known.place].name == name, known.kind == view.kind { return known.place }
            losses.clashes.append(NameClaims.Clash(view: view.name, name: name.family, holder: view.name))
            return nil
        }
        do throws(NameClaims.Clash) {
            try claims.claim(name, for: view.name)
        } catch {
            losses.clashes.append(error)
            return nil
        }
        let place = snapshot.families.count
        snapshot.families.append(
            Family(
                name: name, help: view.description.isEmpty ? view.measure : view.description, bounds: view.bounds))
        if case .exponentialDistribution(let scale) = view.kind { exponential[place] = Exponential(scale: scale) }
        places[view.name] = (place, view.kind)
        return place
    }

    // MARK: - Rows

    private mutating func add(_ row: DeliveredRow, of view: DeliveredView, at place: Int) {
        let isHistogram = snapshot.families[place].name.kind == .histogram
        let labels = isHistogram ? histogramLabeller.labels(row.tags) : labeller.labels(row.tags)
        if labels.count != row.tags.count { doubtful.insert(place) }
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

    /// One series twice would make a scrape invalid as a whole: the first stays.
    private mutating func removeRepeated(at place: Int) {
        var seen: Set<ArraySlice<UInt8>> = []
        let texts = snapshot.texts
        let before = snapshot.families[place].series.count
        snapshot.families[place].series.removeAll { !seen.insert(texts[$0.labels]).inserted }
        losses.repeated += UInt64(before - snapshot.families[place].series.count)
    }
}

extension DeliveredView {
    /// An explicit distribution's bounds.
    fileprivate var bounds: [Double] {
        if case .distribution(let bounds) = kind { bounds } else { [] }
    }
}
