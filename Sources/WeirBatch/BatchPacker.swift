private import CWeirBatch

/// Writes a batch as the protobuf message `weir.v1.Batches`.
///
/// A message of protobuf-c is a struct of pointers, so a column costs one pointer and one count: they point into the
/// batch's own arrays. Only what the wire wants otherwise than the model (start times, buckets, names that end in
/// zero) is written out first, into memory kept from batch to batch.
@safe
struct BatchPacker: ~Copyable {
    /// The message that ``pack(_:)`` wrote.
    private(set) var output = Scratch<UInt8>()
    /// The longest message, in bytes.
    private let rawLimit: Int
    private var views = unsafe Scratch<Weir__V1__View>()
    private var viewPointers = unsafe Scratch<UnsafeMutablePointer<Weir__V1__View>?>()
    private var attributes = unsafe Scratch<Weir__V1__Attribute>()
    private var attributePointers = unsafe Scratch<UnsafeMutablePointer<Weir__V1__Attribute>?>()
    private var stringPointers = unsafe Scratch<UnsafeMutablePointer<CChar>?>()
    private var names = Scratch<UInt8>()
    private var startDeltas = Scratch<Int64>()
    private var indexDeltas = Scratch<Int32>()
    private var bucketColumns = Scratch<UInt64>()

    init(rawLimit: Int = ReadLimits().rawLength) {
        self.rawLimit = rawLimit
    }

    /// Packs one batch.
    mutating func pack(_ batch: borrowing Batch) throws(BatchError) {
        let size = try PackedSize(of: batch)
        reserve(size)
        for view in batch.views {
            unsafe viewPointers.append(views.end)
            unsafe views.append(message(of: view))
        }
        for attribute in batch.resource {
            unsafe attributePointers.append(attributes.end)
            unsafe attributes.append(message(of: attribute))
        }

        var message = unsafe Weir__V1__Batch()
        unsafe weir__v1__batch__init(&message)
        unsafe message.schema_version = schemaVersion
        unsafe message.start_time = batch.startTime
        unsafe message.end_time = batch.endTime
        unsafe message.n_resource = batch.resource.count
        unsafe message.resource = attributePointers.start
        unsafe message.n_views = batch.views.count
        unsafe message.views = viewPointers.start
        unsafe message.n_strings = batch.strings.count
        unsafe message.strings = stringPointers.end
        let base = unsafe UnsafeMutableRawPointer(column(batch.strings.bytes))
        for offset in batch.strings.offsets {
            unsafe stringPointers.append(base.map { unsafe ($0 + Int(offset)).assumingMemoryBound(to: CChar.self) })
        }
        try unsafe write(&message, bound: size.bytes)
    }

    /// Packs into ``output``, whose size is a bound that costs no look at the values; only where that is past all
    /// reason is the exact size computed.
    private mutating func write(_ batch: UnsafeMutablePointer<Weir__V1__Batch>, bound: Int) throws(BatchError) {
        let limit = rawLimit
        var message = unsafe Weir__V1__Batches()
        unsafe weir__v1__batches__init(&message)
        var pointer: UnsafeMutablePointer<Weir__V1__Batch>? = unsafe batch
        let written = try unsafe withUnsafeMutablePointer(to: &pointer) { pointers throws(BatchError) -> Int in
            unsafe message.n_batches = 1
            unsafe message.batches = pointers
            var capacity = bound
            if bound > 4 * limit {
                capacity = unsafe weir__v1__batches__get_packed_size(&message)
                guard capacity <= limit else { throw .tooLong(.raw, limit: UInt64(limit), found: UInt64(capacity)) }
            }
            output.begin(capacity: capacity)
            return unsafe weir__v1__batches__pack(&message, output.end)
        }
        guard written <= limit else { throw .tooLong(.raw, limit: UInt64(limit), found: UInt64(written)) }
        output.advance(by: written)
    }

    /// Makes room, so that nothing moves once it is pointed to.
    private mutating func reserve(_ size: PackedSize) {
        unsafe views.begin(capacity: size.views)
        unsafe viewPointers.begin(capacity: size.views)
        unsafe attributes.begin(capacity: size.attributes)
        unsafe attributePointers.begin(capacity: size.attributes)
        unsafe stringPointers.begin(capacity: size.strings)
        names.begin(capacity: size.names)
        startDeltas.begin(capacity: size.startDeltas)
        indexDeltas.begin(capacity: size.indexDeltas)
        bucketColumns.begin(capacity: size.bucketColumns)
    }

    private mutating func message(of attribute: Batch.Attribute) -> Weir__V1__Attribute {
        var message = unsafe Weir__V1__Attribute()
        unsafe weir__v1__attribute__init(&message)
        unsafe message.key = name(attribute.key)
        unsafe message.value = name(attribute.value)
        return unsafe message
    }

    private mutating func message(of view: ViewColumns) -> Weir__V1__View {
        var message = unsafe Weir__V1__View()
        unsafe weir__v1__view__init(&message)
        unsafe message.name = name(view.name)
        unsafe message.description = name(view.description)
        unsafe message.unit = name(view.unit)
        unsafe message.measure = name(view.measure)
        unsafe message.aggregation = .init(view.aggregation)
        unsafe message.number = .init(view.number)
        unsafe message.temporality = .init(view.temporality)
        unsafe message.is_monotonic = view.isMonotonic ? 1 : 0
        unsafe message.n_tag_keys = view.tagKeys.count
        unsafe message.tag_keys = stringPointers.end
        for key in view.tagKeys { unsafe stringPointers.append(name(key)) }
        if view.isDistribution { unsafe message.inclusive_bound = WEIR__V1__INCLUSIVE_BOUND__INCLUSIVE_BOUND_UPPER }
        unsafe message.n_bounds = view.bounds.count
        unsafe message.bounds = column(view.bounds)
        unsafe message.scale = view.scale

        unsafe message.rows = UInt32(view.rows)
        unsafe message.n_tag_values = view.tagValues.count
        unsafe message.tag_values = column(view.tagValues)
        unsafe message.start_time = view.startTimes.first ?? 0
        unsafe message.start_deltas = startDeltas.end
        unsafe message.n_start_deltas = appendStartDeltas(view.startTimes)
        unsafe message.n_end_times = view.endTimes.count
        unsafe message.end_times = column(view.endTimes)
        unsafe message.n_integers = view.integers.count
        unsafe message.integers = column(view.integers)
        unsafe message.n_doubles = view.doubles.count
        unsafe message.doubles = column(view.doubles)
        unsafe message.n_bucket_counts = view.bucketCounts.count
        unsafe message.bucket_counts = bucketColumns.end
        appendBucketColumns(view)
        unsafe message.n_minima = view.minima.count
        unsafe message.minima = column(view.minima)
        unsafe message.n_maxima = view.maxima.count
        unsafe message.maxima = column(view.maxima)
        unsafe message.n_squares = view.squares.count
        unsafe message.squares = column(view.squares)

        unsafe message.n_zero_counts = view.zeroCounts.count
        unsafe message.zero_counts = column(view.zeroCounts)
        unsafe message.n_positive_lengths = view.positive.lengths.count
        unsafe message.positive_lengths = column(view.positive.lengths)
        unsafe message.n_positive_deltas = view.positive.indexes.count
        unsafe message.positive_deltas = indexDeltas.end
        appendIndexDeltas(view.positive)
        unsafe message.n_positive_counts = view.positive.counts.count
        unsafe message.positive_counts = column(view.positive.counts)
        unsafe message.n_negative_lengths = view.negative.lengths.count
        unsafe message.negative_lengths = column(view.negative.lengths)
        unsafe message.n_negative_deltas = view.negative.indexes.count
        unsafe message.negative_deltas = indexDeltas.end
        appendIndexDeltas(view.negative)
        unsafe message.n_negative_counts = view.negative.counts.count
        unsafe message.negative_counts = column(view.negative.counts)
        unsafe setExemplars(of: &message, to: view.exemplars)
        return unsafe message
    }

    private func setExemplars(of message: inout Weir__V1__View, to exemplars: borrowing ViewColumns.Exemplars) {
        unsafe message.n_exemplar_rows = exemplars.rows.count
        unsafe message.exemplar_rows = column(exemplars.rows)
        unsafe message.n_exemplar_values = exemplars.values.count
        unsafe message.exemplar_values = column(exemplars.values)
        unsafe message.n_exemplar_times = exemplars.times.count
        unsafe message.exemplar_times = column(exemplars.times)
        unsafe message.n_exemplar_trace_highs = exemplars.traceHighs.count
        unsafe message.exemplar_trace_highs = column(exemplars.traceHighs)
        unsafe message.n_exemplar_trace_lows = exemplars.traceLows.count
        unsafe message.exemplar_trace_lows = column(exemplars.traceLows)
        unsafe message.n_exemplar_spans = exemplars.spans.count
        unsafe message.exemplar_spans = column(exemplars.spans)
        unsafe message.n_exemplar_tag_counts = exemplars.tagCounts.count
        unsafe message.exemplar_tag_counts = column(exemplars.tagCounts)
        unsafe message.n_exemplar_tag_keys = exemplars.tagKeys.count
        unsafe message.exemplar_tag_keys = column(exemplars.tagKeys)
        unsafe message.n_exemplar_tag_values = exemplars.tagValues.count
        unsafe message.exemplar_tag_values = column(exemplars.tagValues)
    }

    /// Counts bucket by bucket: zstd takes half the time for them that it takes row by row, as counts of one bucket are
    /// alike and those of one row are not.
    private mutating func appendBucketColumns(_ view: ViewColumns) {
        let count = view.bucketCounts.count
        unsafe bucketColumns.append(count) { columns in
            unsafe view.bucketCounts.withUnsafeBufferPointer { rows in
                unsafe transpose(rows, width: view.bounds.count + 1, into: columns)
            }
        }
    }

    /// Differences from row to row, or nothing where all are equal, as they usually are. Wraps, and so loses nothing.
    private mutating func appendStartDeltas(_ times: [UInt64]) -> Int {
        guard var before = times.first, times.contains(where: { $0 != before }) else { return 0 }
        for time in times {
            startDeltas.append(Int64(bitPattern: time &- before))
            before = time
        }
        return times.count
    }

    /// Differences from bucket to bucket of a row, each row's first index as it is.
    private mutating func appendIndexDeltas(_ buckets: ViewColumns.ExponentialBuckets) {
        var position = 0
        for length in buckets.lengths {
            var before: Int32 = 0
            for _ in 0..<length {
                let index = buckets.indexes[position]
                indexDeltas.append(index &- before)
                before = index
                position += 1
            }
        }
    }

    /// A copy that ends in zero. A zero byte within would end the string on the wire: it becomes U+FFFD.
    private mutating func name(_ string: String) -> UnsafeMutablePointer<CChar>? {
        let start = unsafe names.end
        for byte in string.utf8 {
            if byte != 0 { names.append(byte) } else { "\u{FFFD}".utf8.forEach { names.append($0) } }
        }
        names.append(0)
        return unsafe UnsafeMutableRawPointer(start)?.assumingMemoryBound(to: CChar.self)
    }

    /// Where an array's elements lie. Valid while the batch is borrowed: an array of plain values has one storage on the
    /// heap, which neither moves nor goes before somebody mutates or releases the array. protobuf-c only reads it.
    private func column<Element: BitwiseCopyable>(_ array: [Element]) -> UnsafeMutablePointer<Element>? {
        unsafe array.withUnsafeBufferPointer { unsafe UnsafeMutablePointer(mutating: $0.baseAddress) }
    }
}

extension Weir__V1__Aggregation {
    /// The wire's zero is "unspecified".
    fileprivate init(_ aggregation: ViewColumns.Aggregation) { self.init(UInt32(aggregation.rawValue) + 1) }
}

extension Weir__V1__Number {
    fileprivate init(_ number: ViewColumns.Number) { self.init(UInt32(number.rawValue) + 1) }
}

extension Weir__V1__Temporality {
    fileprivate init(_ temporality: ViewColumns.Temporality) { self.init(UInt32(temporality.rawValue) + 1) }
}
