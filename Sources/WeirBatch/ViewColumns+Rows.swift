/// Rows of a table, picked out and put together, whatever its columns are.
extension ViewColumns {
    /// The same table without a row.
    package var withoutRows: ViewColumns { selecting([]) }

    /// A table of some of the rows, in the given order.
    package func selecting(_ positions: [Int]) -> ViewColumns { picking(positions) }

    /// A table of neighbouring rows.
    package func selecting(_ range: Range<Int>) -> ViewColumns { picking(range) }

    private func picking(_ positions: some RandomAccessCollection<Int>) -> ViewColumns {
        var result = ViewColumns()
        result.name = name
        result.description = description
        result.unit = unit
        result.measure = measure
        result.aggregation = aggregation
        result.number = number
        result.temporality = temporality
        result.isMonotonic = isMonotonic
        result.tagKeys = tagKeys
        result.bounds = bounds
        result.scale = scale
        result.rows = positions.count
        result.tagValues = tagValues.picking(positions, of: rows, columns: tagKeys.count)
        result.startTimes = startTimes.picking(positions)
        result.endTimes = endTimes.picking(positions)
        if !result.endTimes.contains(where: { $0 != 0 }) { result.endTimes = [] }
        result.integers = integers.picking(positions)
        result.doubles = doubles.picking(positions)
        result.remainders = remainders.picking(positions)
        result.squareRemainders = squareRemainders.picking(positions)
        result.exactIntegers = exactIntegers.picking(positions)
        if aggregation == .distribution {
            let width = bounds.count + 1
            result.bucketCounts.reserveCapacity(positions.count * width)
            for position in positions {
                result.bucketCounts += bucketCounts[position * width..<(position + 1) * width]
            }
        }
        result.minima = minima.picking(positions)
        result.maxima = maxima.picking(positions)
        result.squares = squares.picking(positions)
        result.zeroCounts = zeroCounts.picking(positions)
        result.positive = positive.picking(positions)
        result.negative = negative.picking(positions)
        result.exemplars = exemplars.picking(positions, of: rows)
        return result
    }

    /// Adds the rows of a table of the same definition, keys and scale.
    ///
    /// - Parameter values: What each tag value of the other table is here: ``StringTable/add(_:)``'s answer.
    package mutating func append(_ other: ViewColumns, values: [UInt32]) {
        var tags: [UInt32] = []
        tags.reserveCapacity(tagValues.count + other.tagValues.count)
        for key in tagKeys.indices {
            tags += tagValues[key * rows..<(key + 1) * rows]
            for value in other.tagValues[key * other.rows..<(key + 1) * other.rows] { tags.append(values[Int(value)]) }
        }
        tagValues = tags
        if !endTimes.isEmpty || !other.endTimes.isEmpty {
            endTimes += [UInt64](repeating: 0, count: rows - endTimes.count)
            endTimes += other.endTimes + [UInt64](repeating: 0, count: other.rows - other.endTimes.count)
        }
        positive.append(other.positive, rows: rows, otherRows: other.rows)
        negative.append(other.negative, rows: rows, otherRows: other.rows)
        startTimes += other.startTimes
        if !exactIntegers.isEmpty || !other.exactIntegers.isEmpty {
            exactIntegers = wholeIntegers + other.wholeIntegers
        }
        remainders.append(other.remainders, rows: rows, otherRows: other.rows)
        squareRemainders.append(other.squareRemainders, rows: rows, otherRows: other.rows)
        integers += other.integers
        doubles += other.doubles
        bucketCounts += other.bucketCounts
        minima += other.minima
        maxima += other.maxima
        squares += other.squares
        zeroCounts += other.zeroCounts
        exemplars.append(other.exemplars, behind: rows, names: values)
        rows += other.rows
    }

    /// ``integers``, or what they are in truth.
    package var wholeIntegers: [Int128] { exactIntegers.isEmpty ? integers.map { Int128($0) } : exactIntegers }

    /// Gives two tables of one definition the same keys, the other's first, and the same, coarser, scale.
    package mutating func align(with other: inout ViewColumns) {
        let known = Set(other.tagKeys.map(ExactString.init))
        let keys = other.tagKeys + tagKeys.filter { !known.contains(ExactString($0)) }
        setKeys(keys)
        other.setKeys(keys)
        let coarser = min(scale, other.scale)
        coarsen(to: coarser)
        other.coarsen(to: coarser)
    }

    /// Lays the tags out for other keys. A key that was not there before is no row's; one that is left out must be.
    package mutating func setKeys(_ keys: [String]) {
        let (wanted, own) = (keys.map(ExactString.init), tagKeys.map(ExactString.init))
        guard wanted != own else { return }
        var values: [UInt32] = []
        values.reserveCapacity(keys.count * rows)
        for key in wanted {
            if let place = own.firstIndex(of: key) {
                values += tagValues[place * rows..<(place + 1) * rows]
            } else {
                values += repeatElement(0, count: rows)
            }
        }
        tagKeys = keys
        tagValues = values
    }
}

extension ViewColumns.ExponentialBuckets {
    /// Where each row's buckets begin, and where the last one's end. One 0 where no row has any.
    package var starts: [Int] {
        var start = 0
        var starts = [0]
        starts.reserveCapacity(lengths.count + 1)
        for length in lengths {
            start += Int(length)
            starts.append(start)
        }
        return starts
    }

    fileprivate func picking(_ positions: some Collection<Int>) -> Self {
        guard !lengths.isEmpty else { return Self() }
        let starts = starts
        var result = Self()
        for position in positions {
            let range = starts[position]..<starts[position + 1]
            result.lengths.append(lengths[position])
            result.indexes += indexes[range]
            result.counts += counts[range]
        }
        return result
    }

    fileprivate mutating func append(_ other: Self, rows: Int, otherRows: Int) {
        guard !lengths.isEmpty || !other.lengths.isEmpty else { return }
        lengths += [UInt32](repeating: 0, count: rows - lengths.count)
        lengths += other.lengths + [UInt32](repeating: 0, count: otherRows - other.lengths.count)
        indexes += other.indexes
        counts += other.counts
    }
}

extension [SIMD2<Double>] {
    fileprivate mutating func append(_ other: Self, rows: Int, otherRows: Int) {
        guard !isEmpty || !other.isEmpty else { return }
        self += repeatElement(.zero, count: rows - count)
        self += other
        self += repeatElement(.zero, count: otherRows - other.count)
    }
}

extension Array where Element: BitwiseCopyable {
    /// Some of the elements of a column; none of an empty one.
    fileprivate func picking(_ positions: some RandomAccessCollection<Int>) -> [Element] {
        isEmpty ? [] : picking(positions, of: count, columns: 1)
    }

    /// Some of the elements of each of several columns of so many rows that lie one after the other.
    ///
    /// With one check of all positions instead of one an element: a million series have some million.
    fileprivate func picking(
        _ positions: some RandomAccessCollection<Int>, of rows: Int, columns: Int
    ) -> [Element] {
        precondition(rows * columns <= count && positions.allSatisfy { (0..<rows).contains($0) })
        let length = positions.count * columns
        return unsafe [Element](unsafeUninitializedCapacity: length) { picked, pickedCount in
            unsafe withUnsafeBufferPointer { elements in
                var place = 0
                for column in 0..<columns {
                    for position in positions {
                        unsafe picked[place] = elements[column &* rows &+ position]
                        place &+= 1
                    }
                }
            }
            pickedCount = length
        }
    }
}
