private import CWeirBatch

extension Batch {
    /// The batches in a `weir.v1.Batches` message that nobody has looked at yet.
    ///
    /// - Parameter budget: bytes that protobuf-c may allocate; the arrays made of it take as much again at most.
    static func unpack(_ raw: [UInt8], budget: Int) throws(BatchError) -> [Batch] {
        let arena = UnpackArena(budget: budget)
        return try unsafe arena.withAllocator { allocator -> Result<[Batch], BatchError> in
            let unpacked = unsafe raw.withUnsafeBufferPointer {
                unsafe weir__v1__batches__unpack(allocator, $0.count, $0.baseAddress)
            }
            guard let unpacked = unsafe unpacked else { return .failure(.malformed(message: "Batches")) }
            let messages = unsafe column(unpacked.pointee.batches, unpacked.pointee.n_batches)
            return Result { () throws(BatchError) in
                try unsafe messages.map { message throws(BatchError) in try unsafe Batch(message) }
            }
        }.get()
    }

    private init(_ pointer: UnsafeMutablePointer<Weir__V1__Batch>?) throws(BatchError) {
        guard let message = unsafe pointer?.pointee else { return }
        guard unsafe message.schema_version <= schemaVersion else {
            throw .version(known: schemaVersion, found: unsafe message.schema_version)
        }
        unsafe startTime = message.start_time
        unsafe endTime = message.end_time
        resource = unsafe column(message.resource, message.n_resource).map { attribute in
            unsafe Attribute(
                key: String(repairing: attribute?.pointee.key), value: String(repairing: attribute?.pointee.value))
        }
        for position in 0..<(unsafe message.n_strings) { unsafe strings.append(repairing: message.strings[position]) }
        let count = strings.count
        views = try unsafe column(message.views, message.n_views).map { pointer throws(BatchError) in
            let view = try unsafe ViewColumns(pointer)
            try view.validateShape(strings: count)
            try view.validateValues()
            return view
        }
    }
}

extension ViewColumns {
    fileprivate init(_ pointer: UnsafeMutablePointer<Weir__V1__View>?) throws(BatchError) {
        guard let message = unsafe pointer?.pointee else { return }
        name = unsafe String(repairing: message.name)
        description = unsafe String(repairing: message.description)
        unit = unsafe String(repairing: message.unit)
        measure = unsafe String(repairing: message.measure)
        aggregation = try Self.known(unsafe message.aggregation.rawValue, "aggregation", in: name)
        number = try Self.known(unsafe message.number.rawValue, "number", in: name)
        temporality = try Self.known(unsafe message.temporality.rawValue, "temporality", in: name)
        isMonotonic = unsafe message.is_monotonic != 0
        tagKeys = unsafe column(message.tag_keys, message.n_tag_keys).map { unsafe String(repairing: $0) }
        let side = unsafe message.inclusive_bound
        guard !isDistribution || side == WEIR__V1__INCLUSIVE_BOUND__INCLUSIVE_BOUND_UPPER else {
            throw .unknownValue(view: name, field: "inclusive_bound", found: Int64(side.rawValue))
        }
        bounds = unsafe column(message.bounds, message.n_bounds)
        unsafe scale = message.scale
        rows = unsafe Int(message.rows)
        tagValues = unsafe column(message.tag_values, message.n_tag_values)
        endTimes = unsafe column(message.end_times, message.n_end_times)
        integers = unsafe column(message.integers, message.n_integers)
        doubles = unsafe column(message.doubles, message.n_doubles)
        unsafe setBucketCounts(
            UnsafeBufferPointer(start: unsafe message.bucket_counts, count: unsafe message.n_bucket_counts))
        minima = unsafe column(message.minima, message.n_minima)
        maxima = unsafe column(message.maxima, message.n_maxima)
        squares = unsafe column(message.squares, message.n_squares)
        zeroCounts = unsafe column(message.zero_counts, message.n_zero_counts)
        positive.lengths = unsafe column(message.positive_lengths, message.n_positive_lengths)
        positive.indexes = unsafe column(message.positive_deltas, message.n_positive_deltas)
        positive.counts = unsafe column(message.positive_counts, message.n_positive_counts)
        negative.lengths = unsafe column(message.negative_lengths, message.n_negative_lengths)
        negative.indexes = unsafe column(message.negative_deltas, message.n_negative_deltas)
        negative.counts = unsafe column(message.negative_counts, message.n_negative_counts)
        try setStartTimes(
            first: unsafe message.start_time, deltas: unsafe column(message.start_deltas, message.n_start_deltas))
        positive.addUpIndexes()
        negative.addUpIndexes()
        unsafe setExemplars(message)
    }

    private mutating func setExemplars(_ message: Weir__V1__View) {
        exemplars.rows = unsafe column(message.exemplar_rows, message.n_exemplar_rows)
        exemplars.values = unsafe column(message.exemplar_values, message.n_exemplar_values)
        exemplars.times = unsafe column(message.exemplar_times, message.n_exemplar_times)
        exemplars.traceHighs = unsafe column(message.exemplar_trace_highs, message.n_exemplar_trace_highs)
        exemplars.traceLows = unsafe column(message.exemplar_trace_lows, message.n_exemplar_trace_lows)
        exemplars.spans = unsafe column(message.exemplar_spans, message.n_exemplar_spans)
        exemplars.tagCounts = unsafe column(message.exemplar_tag_counts, message.n_exemplar_tag_counts)
        exemplars.tagKeys = unsafe column(message.exemplar_tag_keys, message.n_exemplar_tag_keys)
        exemplars.tagValues = unsafe column(message.exemplar_tag_values, message.n_exemplar_tag_values)
    }

    /// An enumeration of the model from the wire's, whose zero is "unspecified".
    private static func known<Value: RawRepresentable<UInt8>>(
        _ found: UInt32, _ field: String, in view: String
    ) throws(BatchError) -> Value {
        guard found > 0, let raw = UInt8(exactly: found - 1), let value = Value(rawValue: raw) else {
            throw .unknownValue(view: view, field: field, found: Int64(found))
        }
        return value
    }

    /// Counts row by row from the wire's bucket by bucket. A length that does not fit is left for validation to find.
    private mutating func setBucketCounts(_ columns: UnsafeBufferPointer<UInt64>) {
        bucketCounts = unsafe [UInt64](unsafeUninitializedCapacity: columns.count) { rows, count in
            count = columns.count
            if self.rows > 0, columns.count % self.rows == 0 {
                unsafe transpose(columns, width: self.rows, into: rows)
            } else {
                _ = unsafe rows.update(fromContentsOf: columns)
            }
        }
    }

    /// One start a row, after a look at another column: no few bytes may claim four billion rows.
    private mutating func setStartTimes(first: UInt64, deltas: [Int64]) throws(BatchError) {
        guard deltas.isEmpty else {
            var time = first
            startTimes = deltas.map { delta in
                time &+= UInt64(bitPattern: delta)
                return time
            }
            return
        }
        let held = max(integers.count, doubles.count, zeroCounts.count)
        guard rows <= held else {
            throw .columnLength(view: name, column: "values", expected: UInt64(rows), found: UInt64(held))
        }
        startTimes = Array(repeating: first, count: rows)
    }
}

extension ViewColumns.ExponentialBuckets {
    /// Makes indexes of the wire's differences. Lengths that do not fit are left for validation to find.
    fileprivate mutating func addUpIndexes() {
        var position = 0
        for length in lengths {
            guard UInt64(length) <= UInt64(indexes.count - position) else { return }
            let end = position + Int(length)
            var index: Int32 = 0
            while position < end {
                index &+= indexes[position]
                indexes[position] = index
                position += 1
            }
        }
    }
}

/// An array of what a message points to.
private func column<Element: BitwiseCopyable>(_ start: UnsafeMutablePointer<Element>?, _ count: Int) -> [Element] {
    unsafe Array(UnsafeBufferPointer(start: start, count: count))
}

extension String {
    /// What is not UTF-8 becomes U+FFFD.
    fileprivate init(repairing string: UnsafeMutablePointer<CChar>?) {
        if let string = unsafe string { self = unsafe String(cString: string) } else { self = "" }
    }
}

extension StringTable {
    /// Adds a C string; what is not UTF-8 becomes U+FFFD.
    fileprivate mutating func append(repairing string: UnsafeMutablePointer<CChar>?) {
        guard let string = unsafe string else {
            let empty: [UInt8] = []
            append(utf8: empty.span)
            return
        }
        var length = 0
        var bits: CChar = 0
        while unsafe string[length] != 0 {
            unsafe bits |= string[length]
            length += 1
        }
        if bits < 0 {
            let repaired = Array((unsafe String(cString: string)).utf8)
            append(utf8: repaired.span)
        } else {
            let bytes = unsafe UnsafeRawBufferPointer(start: string, count: length)
            append(utf8: unsafe Span(_unsafeElements: bytes.bindMemory(to: UInt8.self)))
        }
    }
}
