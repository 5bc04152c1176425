private import CWeirCPU

/// Merging stripes: what each core added, summed into columns, one row a series.
///
/// Columns are appended to. Reading runs beside recording: a row is what its cells held when they were read, and the
/// cells of one series are read one after the other, so that a distribution's sum may lag behind its buckets by the
/// measurements in flight.
extension Stats {
    /// Counts, and sums of an Int64 measure, also of its distributions.
    ///
    /// - Parameter exact: Empty as long as an Int64 can hold every row; from then on has all of them as they are, and the column
    ///   has those that it cannot hold as the nearest that it can.
    package func mergeIntegers(_ series: SeriesList, into column: inout [Int64], exact: inout [Int128]) {
        let stripeCount = weir_cpu_stripes_in_use(stripes.count)
        let hasLedger = weir_cpu_ledger_is_used()
        column.reserveCapacity(column.count + series.count)
        for index in 0..<series.count {
            let cell = series.cells[index]
            var sum: Int64 = 0
            if unsafe !hasLedger && weir_cell_sum_signed(&sum, stripes.address(of: cell), stripes.pitch, stripeCount) {
                column.append(sum)
                if !exact.isEmpty { exact.append(Int128(sum)) }
                continue
            }
            let whole = stripes.integerSum(cell)
            let nearest = Int64(clamping: whole)
            if exact.isEmpty, Int128(nearest) != whole { exact = column.map { Int128($0) } }
            column.append(nearest)
            if !exact.isEmpty || Int128(nearest) != whole { exact.append(whole) }
        }
    }

    /// Sums of a Double measure, rounded, and what they lack. Empties the cells that can be emptied: part of a collection.
    package func mergeDoubles(
        _ series: SeriesList, into column: inout [Double], remainders: inout [SIMD2<Double>]
    ) {
        mergeSums(series, pairs: 1, behind: 0, into: &column, &remainders)
    }

    /// The sums of so many pairs, which stand so many cells behind each series' first.
    private func mergeSums(
        _ series: SeriesList, pairs: Int, behind offset: Int, into column: inout [Double],
        _ remainders: inout [SIMD2<Double>]
    ) {
        column.reserveCapacity(column.count + series.count)
        remainders.reserveCapacity(remainders.count + series.count)
        let taker = PairTaker(stripes)
        for index in 0..<series.count {
            let sum = taker.take(series.cells[index] + offset, pairs: pairs)
            column.append(sum.rounded)
            remainders.append(sum.remainder)
        }
    }

    /// Those series whose last value was ever set.
    package func settled(_ series: SeriesList) -> SeriesList {
        unsafe series.filter { unsafe stripes.shared($0.pointee.cell + 1) != 0 }
    }

    /// Last values, as bits of the measure's type.
    package func mergeLastValues(_ series: SeriesList, _ append: (UInt64) -> Void) {
        unsafe series.all.forEach { series in unsafe append(stripes.shared(series.pointee.cell)) }
    }

    /// Buckets of distributions with explicit bounds, row by row.
    package func mergeBuckets(_ series: SeriesList, of view: ViewState, into column: inout [UInt64]) {
        let buckets = view.bounds.count + 1
        let stripeCount = weir_cpu_stripes_in_use(stripes.count)
        let offset = view.cellsBeforeBuckets
        let first = column.count
        column.append(contentsOf: repeatElement(0, count: series.count * buckets))
        unsafe column.withUnsafeMutableBufferPointer { column in
            for index in 0..<series.count {
                let cells = unsafe stripes.address(of: series.cells[index] + offset)
                let row = unsafe column.baseAddress! + first + index * buckets
                unsafe weir_cells_sum(row, cells, buckets, stripes.pitch, stripeCount)
            }
        }
    }

    /// Sums of distributions of a Double measure, which are in two pairs, as above.
    package func mergeDistributionSums(
        _ series: SeriesList, into column: inout [Double], remainders: inout [SIMD2<Double>]
    ) {
        mergeSums(series, pairs: 2, behind: 0, into: &column, &remainders)
    }

    /// Smallest and greatest values; NaN where there are none.
    package func mergeExtremes(
        _ series: SeriesList, of view: ViewState, minima: inout [Double], maxima: inout [Double]
    ) {
        let offset = Series.extremesOffset(isDouble: view.isDouble)
        for index in 0..<series.count {
            let cell = series.cells[index] + offset
            let (greatest, least) = (stripes.maximum(cell), stripes.maximum(cell + 1))
            maxima.append(greatest == 0 ? .nan : double(orderedKey: greatest))
            minima.append(least == 0 ? .nan : double(orderedKey: ~least))
        }
    }

    /// Sums of squares, as above.
    package func mergeSquares(
        _ series: SeriesList, of view: ViewState, into column: inout [Double], remainders: inout [SIMD2<Double>]
    ) {
        let offset = Series.squaresOffset(isDouble: view.isDouble, extremes: view.keepsExtremes)
        mergeSums(series, pairs: 1, behind: offset, into: &column, &remainders)
    }

    /// Zeros and buckets in use of exponential distributions.
    ///
    /// - Parameter append: One row: how many zeros, and the buckets above and below zero by index, ascending.
    package func mergeExponential(
        _ series: SeriesList, of view: ViewState,
        _ append: (_ zeros: UInt64, _ positive: [(Int32, UInt64)], _ negative: [(Int32, UInt64)]) -> Void
    ) {
        unsafe series.all.forEach { series in
            var positive: [(Int32, UInt64)] = []
            var negative: [(Int32, UInt64)] = []
            if let octaves = unsafe series.pointee.octaves {
                let perOctave = 1 << octaves.scale.scale
                octaves.forEach { octave, isNegative, cell in
                    for bucket in 0..<perOctave {
                        let count = stripes.sum(cell + bucket)
                        if count == 0 { continue }
                        let index = Int32((octave + ExponentialScale.leastExponent) * perOctave + bucket)
                        if isNegative { negative.append((index, count)) } else { positive.append((index, count)) }
                    }
                }
            }
            unsafe append(stripes.sum(series.pointee.firstBucket(view)), positive, negative)
        }
    }
}

extension Series {
    /// The number of the first bucket's cell.
    func firstBucket(_ view: ViewState) -> Int { cell + view.cellsBeforeBuckets }
}

extension ViewState {
    /// Whether the measure is of Doubles.
    package var isDouble: Bool { view.measure.isDouble }
    /// The measure's name and unit.
    package var measureName: String { view.measure.name }
    package var unit: String { view.measure.unit.code }

    /// What kind of values its series have.
    package enum Form: Sendable {
        case count
        case sum(isMonotonic: Bool)
        case lastValue
        case distribution
        case exponentialDistribution
    }

    package var form: Form {
        switch view.aggregation.kind {
        case .count: .count
        case .sum(let isMonotonic): .sum(isMonotonic: isMonotonic)
        case .lastValue: .lastValue
        case .distribution: .distribution
        case .exponential: .exponentialDistribution
        }
    }

    package var keepsExtremes: Bool { view.aggregation.keepsExtremes }
    package var keepsSquares: Bool { view.aggregation.keepsSquares }
}
