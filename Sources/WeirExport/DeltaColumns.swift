internal import WeirBatch
internal import WeirRecording

/// Columns less what was told of them.
///
/// Arithmetic over whole columns, which the compiler makes vectors of.
extension ViewColumns {
    /// The values of another table's rows in this table's rows; nothing where a row has none (-1).
    func values(at rows: [Int], like current: ViewColumns) -> ViewColumns {
        var result = current.withoutValues
        result.integers = current.integers.isEmpty ? [] : integers.picking(rows, or: 0)
        result.doubles = current.doubles.isEmpty ? [] : doubles.picking(rows, or: 0)
        result.squares = current.squares.isEmpty ? [] : squares.picking(rows, or: 0)
        result.remainders = remainders.isEmpty ? [] : remainders.picking(rows, or: .zero)
        result.squareRemainders = squareRemainders.isEmpty ? [] : squareRemainders.picking(rows, or: .zero)
        result.exactIntegers = exactIntegers.isEmpty ? [] : exactIntegers.picking(rows, or: 0)
        result.minima = current.minima.isEmpty ? [] : minima.picking(rows, or: .nan)
        result.maxima = current.maxima.isEmpty ? [] : maxima.picking(rows, or: .nan)
        result.zeroCounts = current.zeroCounts.isEmpty ? [] : zeroCounts.picking(rows, or: 0)
        if current.aggregation == .distribution {
            let width = current.bounds.count + 1
            result.bucketCounts.reserveCapacity(rows.count * width)
            for row in rows {
                if row < 0 {
                    result.bucketCounts += repeatElement(0, count: width)
                } else {
                    result.bucketCounts += bucketCounts[row * width..<(row + 1) * width]
                }
            }
        }
        if current.aggregation == .exponentialDistribution {
            let nobody = ExponentialBuckets(rows: rows.count)
            result.positive = nobody.adding(positive, rows)
            result.negative = nobody.adding(negative, rows)
        }
        return result
    }

    /// What these values have more than those that were told of the same rows.
    ///
    /// A smallest or greatest value is this time's only where it moved. A sum is the difference of exact sums, rounded once; of
    /// integers, the most that an Int64 holds, and the rest is told next time.
    func growth(since told: ViewColumns) -> Growth {
        var result = withoutValues
        let whole = growsAsIntegers(since: told)
        result.integers = whole ?? zip(wholeIntegers, told.wholeIntegers).map { Int64(clamping: $0 - $1) }
        result.doubles = doubles.growth(remainders, since: told.doubles, told.remainders)
        result.squares = squares.growth(squareRemainders, since: told.squares, told.squareRemainders)
        result.bucketCounts = bucketCounts.minus(told.bucketCounts)
        result.zeroCounts = zeroCounts.minus(told.zeroCounts)
        result.minima = zip(minima, told.minima).map { $0 < $1 || $1.isNaN ? $0 : .nan }
        result.maxima = zip(maxima, told.maxima).map { $0 > $1 || $1.isNaN ? $0 : .nan }
        result.positive = positive.minus(told.positive, rows: rows)
        result.negative = negative.minus(told.negative, rows: rows)
        result.exemplars = exemplars
        return Growth(columns: result, isWhole: whole != nil, now: self)
    }

    /// `nil` where an Int64 cannot hold all of it.
    private func growsAsIntegers(since told: ViewColumns) -> [Int64]? {
        guard exactIntegers.isEmpty, told.exactIntegers.isEmpty else { return nil }
        let growth = integers.minus(told.integers)
        return integers.areSums(of: told.integers, growth) ? growth : nil
    }

    /// Adds what was told now.
    mutating func add(_ grown: Growth) {
        let growth = grown.columns
        if grown.isWhole { integers.add(growth.integers) } else { addClamped(growth.integers) }
        // What a growth was rounded to is not added up.
        doubles.become(grown.now.doubles)
        remainders.become(grown.now.remainders)
        squares.become(grown.now.squares)
        squareRemainders.become(grown.now.squareRemainders)
        bucketCounts.add(growth.bucketCounts)
        zeroCounts.add(growth.zeroCounts)
        for (row, least) in growth.minima.enumerated() where !least.isNaN { minima[row] = least }
        for (row, greatest) in growth.maxima.enumerated() where !greatest.isNaN { maxima[row] = greatest }
        if aggregation == .exponentialDistribution {
            let same = Array(0..<rows)
            positive = positive.adding(growth.positive, same)
            negative = negative.adding(growth.negative, same)
        }
    }

    private mutating func addClamped(_ growth: [Int64]) {
        exactIntegers = zip(wholeIntegers, growth).map { $0 + Int128($1) }
        integers = exactIntegers.map { Int64(clamping: $0) }
        if zip(exactIntegers, integers).allSatisfy({ $0 == Int128($1) }) { exactIntegers = [] }
    }

    /// What columns have more than what was told.
    struct Growth {
        var columns: ViewColumns
        /// Whether Int64s hold all of it.
        let isWhole: Bool
        /// What was grown to.
        let now: ViewColumns
    }

    /// Whether each row of a growth says anything.
    func changedRows() -> [Bool] {
        var changed = [Bool](repeating: false, count: rows)
        changed.mark(integers, width: 1) { $0 != 0 }
        changed.mark(doubles, width: 1) { $0 != 0 }
        changed.mark(squares, width: 1) { $0 != 0 }
        changed.mark(bucketCounts, width: bounds.count + 1) { $0 != 0 }
        changed.mark(zeroCounts, width: 1) { $0 != 0 }
        changed.mark(minima, width: 1) { !$0.isNaN }
        changed.mark(maxima, width: 1) { !$0.isNaN }
        changed.mark(positive.lengths, width: 1) { $0 != 0 }
        changed.mark(negative.lengths, width: 1) { $0 != 0 }
        for row in exemplars.rows { changed[Int(row)] = true }
        return changed
    }

    /// Rows of a growth that are less than nothing where that cannot be.
    func shrunkenRows() -> [Int] {
        // Looked at as a whole first: it hardly ever happens.
        let counts = bucketCounts.reduce(0, |) | zeroCounts.reduce(0, |)
        let exponential = positive.counts.reduce(0, |) | negative.counts.reduce(0, |)
        let sums = aggregation == .count || aggregation == .sum
        guard counts | exponential > Int64.max || sums && (integers.reduce(0, |) < 0 || doubles.contains { $0 < 0 })
        else { return [] }
        var shrunken = [Bool](repeating: false, count: rows)
        if sums {
            shrunken.mark(integers, width: 1) { $0 < 0 }
            shrunken.mark(doubles, width: 1) { $0 < 0 }
        }
        shrunken.mark(bucketCounts, width: bounds.count + 1) { $0 > Int64.max }
        shrunken.mark(zeroCounts, width: 1) { $0 > Int64.max }
        for buckets in [positive, negative] {
            let starts = buckets.starts
            for row in buckets.lengths.indices
            where buckets.counts[starts[row]..<starts[row + 1]].contains(where: { $0 > Int64.max }) {
                shrunken[row] = true
            }
        }
        return shrunken.indices.filter { shrunken[$0] }
    }

    private var withoutValues: ViewColumns {
        var result = self
        (result.integers, result.doubles, result.squares) = ([], [], [])
        (result.exactIntegers, result.remainders, result.squareRemainders) = ([], [], [])
        (result.minima, result.maxima, result.bucketCounts, result.zeroCounts) = ([], [], [], [])
        (result.positive, result.negative) = (ExponentialBuckets(), ExponentialBuckets())
        result.exemplars = Exemplars()
        return result
    }
}

extension ViewColumns.ExponentialBuckets {
    /// So many rows without a bucket.
    fileprivate init(rows: Int) {
        self.init()
        lengths = [UInt32](repeating: 0, count: rows)
    }

    /// The buckets whose counts differ, by how much: less than nothing, as a number beyond 2^63, where one fell.
    fileprivate func minus(_ told: Self, rows: Int) -> Self {
        guard !lengths.isEmpty || !told.lengths.isEmpty else { return self }
        let (mine, theirs) = (starts, told.starts)
        var result = Self()
        for row in 0..<rows {
            let first = result.indexes.count
            let range = lengths.isEmpty ? 0..<0 : mine[row]..<mine[row + 1]
            var other = told.lengths.isEmpty ? 0 : theirs[row]
            let otherEnd = told.lengths.isEmpty ? 0 : theirs[row + 1]
            for place in range {
                while other < otherEnd, told.indexes[other] < indexes[place] {
                    result.append(told.indexes[other], 0 &- told.counts[other])
                    other += 1
                }
                let isBoth = other < otherEnd && told.indexes[other] == indexes[place]
                result.append(indexes[place], isBoth ? counts[place] &- told.counts[other] : counts[place])
                if isBoth { other += 1 }
            }
            while other < otherEnd {
                result.append(told.indexes[other], 0 &- told.counts[other])
                other += 1
            }
            result.lengths.append(UInt32(result.indexes.count - first))
        }
        return result
    }

    private mutating func append(_ index: Int32, _ count: UInt64) {
        guard count != 0 else { return }
        indexes.append(index)
        counts.append(count)
    }
}

// MARK: - Columns

extension Array where Element: BitwiseCopyable {
    fileprivate func picking(_ rows: [Int], or nothing: Element) -> [Element] {
        rows.map { $0 < 0 ? nothing : self[$0] }
    }

    /// Element by element; both are as long, or the result is as short as the shorter.
    @inline(__always)
    fileprivate func combined(_ other: [Element], _ operation: (Element, Element) -> Element) -> [Element] {
        let length = Swift.min(count, other.count)
        return unsafe [Element](unsafeUninitializedCapacity: length) { result, count in
            unsafe withUnsafeBufferPointer { mine in
                unsafe other.withUnsafeBufferPointer { theirs in
                    for place in 0..<length { unsafe result[place] = operation(mine[place], theirs[place]) }
                }
            }
            count = length
        }
    }

    @inline(__always)
    fileprivate mutating func update(with other: [Element], _ operation: (Element, Element) -> Element) {
        let length = Swift.min(count, other.count)
        unsafe withUnsafeMutableBufferPointer { mine in
            unsafe other.withUnsafeBufferPointer { theirs in
                for place in 0..<length { unsafe mine[place] = operation(mine[place], theirs[place]) }
            }
        }
    }
}

extension [Int64] {
    fileprivate func minus(_ other: [Int64]) -> [Int64] { combined(other, &-) }
    fileprivate mutating func add(_ other: [Int64]) { update(with: other, &+) }

    /// Whether these are the sums of two columns, and not what remains of sums that overflowed: such a one has neither
    /// addend's sign.
    fileprivate func areSums(of one: [Int64], _ other: [Int64]) -> Bool {
        guard count == one.count, count == other.count else { return true }
        var signs: Int64 = 0
        for place in indices { signs |= (self[place] ^ one[place]) & (self[place] ^ other[place]) }
        return signs >= 0
    }
}

extension Array where Element: BitwiseCopyable {
    /// The same elements as another column, which goes on being its own: neither has to be allocated anew.
    fileprivate mutating func become(_ other: [Element]) {
        if count == other.count {
            update(with: other) { $1 }
        } else {
            self = other.isEmpty ? [] : other.map { $0 }
        }
    }
}

extension [UInt64] {
    fileprivate func minus(_ other: [UInt64]) -> [UInt64] { combined(other, &-) }
    fileprivate mutating func add(_ other: [UInt64]) { update(with: other, &+) }
}

extension [Double] {
    /// How much more exact sums are than others, each rounded once. Where nobody knows what they lack, they lack nothing.
    fileprivate func growth(
        _ remainders: [SIMD2<Double>], since told: [Double], _ toldRemainders: [SIMD2<Double>]
    ) -> [Double] {
        // A sum that is infinite stays so, and then does not grow.
        if remainders.isEmpty, toldRemainders.isEmpty { return combined(told) { $0 == $1 ? 0 : $0 - $1 } }
        return indices.map { row in
            let now = ExactSum(self[row], remainder: remainders.isEmpty ? .zero : remainders[row])
            return now.difference(
                from: ExactSum(told[row], remainder: toldRemainders.isEmpty ? .zero : toldRemainders[row]))
        }
    }
}

extension [Bool] {
    /// Sets the rows in which a column has a value that is looked for.
    @inline(__always)
    fileprivate mutating func mark<Value: BitwiseCopyable>(
        _ column: [Value], width: Int, _ isWanted: (Value) -> Bool
    ) {
        guard column.count == count * width else { return }
        let rows = count
        unsafe withUnsafeMutableBufferPointer { marks in
            unsafe column.withUnsafeBufferPointer { column in
                for row in 0..<rows {
                    var isMarked = unsafe marks[row]
                    for place in 0..<width {
                        let isFound = unsafe isWanted(column[row &* width &+ place])
                        isMarked = isMarked || isFound
                    }
                    unsafe marks[row] = isMarked
                }
            }
        }
    }
}
