/// How much memory packing a batch takes, as bounds that are cheap to know.
struct PackedSize {
    private(set) var bytes = 0
    private(set) var views = 0
    private(set) var attributes = 0
    /// Pointers to strings: the dictionary's and tag keys.
    private(set) var strings = 0
    /// Bytes of names, each with its zero. A zero byte within grows to three.
    private(set) var names = 0
    private(set) var startDeltas = 0
    private(set) var indexDeltas = 0
    private(set) var bucketColumns = 0

    /// Longest encodings of numbers, and of what stands before a field.
    private enum Length {
        static let varint32 = 5
        static let varint64 = 10
        static let fixed64 = 8
        static let tag = 2 + varint32
        /// Batch and Batches: every field that is one number or a length.
        static let batch = 64
    }

    /// - Throws: a content error where the batch's columns contradict each other.
    init(of batch: borrowing Batch) throws(BatchError) {
        views = batch.views.count
        attributes = batch.resource.count
        bytes = Length.batch + batch.strings.bytes.count + batch.strings.count * Length.tag
        strings = batch.strings.count
        for attribute in batch.resource {
            add(name: attribute.key)
            add(name: attribute.value)
            bytes += Length.tag
        }
        for view in batch.views {
            try view.validateShape(strings: batch.strings.count)
            guard UInt32(exactly: view.rows) != nil else {
                throw .tooLong(.raw, limit: UInt64(UInt32.max), found: UInt64(view.rows))
            }
            add(view)
        }
    }

    private mutating func add(_ view: ViewColumns) {
        for string in [view.name, view.description, view.unit, view.measure] { add(name: string) }
        for key in view.tagKeys { add(name: key) }
        strings += view.tagKeys.count
        let fields = 39
        bytes += fields * (Length.tag + Length.varint64)
        let numbers32 =
            view.tagValues.count + view.positive.lengths.count + view.positive.indexes.count
            + view.negative.lengths.count + view.negative.indexes.count
        let numbers64 =
            view.startTimes.count + view.endTimes.count + view.integers.count + view.bucketCounts.count
            + view.zeroCounts.count + view.positive.counts.count + view.negative.counts.count
        let doubles =
            view.bounds.count + view.doubles.count + view.minima.count + view.maxima.count + view.squares.count
        let exemplars = view.exemplars
        bytes += exemplars.count * (2 * Length.varint32 + 5 * Length.fixed64)
        bytes += 2 * exemplars.tagKeys.count * Length.varint32
        bytes += numbers32 * Length.varint32 + numbers64 * Length.varint64 + doubles * Length.fixed64
        startDeltas += view.startTimes.count
        bucketColumns += view.bucketCounts.count
        indexDeltas += view.positive.indexes.count + view.negative.indexes.count
    }

    private mutating func add(name: String) {
        let length = 3 * name.utf8.count + 1
        names += length
        bytes += length + Length.tag
    }
}
