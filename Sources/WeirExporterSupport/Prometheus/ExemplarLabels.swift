package import WeirExporterKit

/// The labels of an exemplar: `trace_id` and `span_id`, and those of its tags that there is room for.
package struct ExemplarLabels: Equatable, Sendable {
    /// In the order in which they came, so that what leads to the trace stands first.
    package private(set) var labels: [Label] = []

    /// Characters that all names and values of one may have together: OpenMetrics' limit, which Prometheus holds to.
    package static let limit = 128

    /// nil where nothing would be told but the value.
    ///
    /// A tag that does not fit, or whose name another label has, is left out; the next one may fit.
    package init?(_ exemplar: DeliveredExemplar) {
        var labeller = Labeller()
        var room = Self.limit
        var names: Set<String> = []
        func add(_ name: String, _ value: String) {
            let length = name.unicodeScalars.count + value.unicodeScalars.count
            guard !value.isEmpty, length <= room, names.insert(name).inserted else { return }
            room -= length
            labels.append(Label(name, value))
        }
        if let span = exemplar.span {
            add("trace_id", span.traceID)
            add("span_id", span.spanID)
        }
        for tag in exemplar.tags { add(labeller.name(of: tag.key), tag.value) }
        if labels.isEmpty { return nil }
    }
}

extension [DeliveredExemplar] {
    /// The newest of those that fall into each bucket with such upper bounds; there is one bucket more than bounds.
    package func newest(by bounds: [Double]) -> [DeliveredExemplar?] {
        var newest = [DeliveredExemplar?](repeating: nil, count: bounds.count + 1)
        for exemplar in self {
            // Buckets hold their upper bound.
            var (low, high) = (0, bounds.count)
            while low < high {
                let middle = (low + high) / 2
                if bounds[middle] < exemplar.value { low = middle + 1 } else { high = middle }
            }
            if let known = newest[low], known.time > exemplar.time { continue }
            newest[low] = exemplar
        }
        return newest
    }
}
