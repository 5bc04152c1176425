internal import Testing
internal import WeirBatch

@Suite("The encoder refuses what a reader could not read")
struct BatchEncoderTests {
    @Test("a level that zstd does not have")
    func level() {
        #expect {
            _ = try BatchEncoder(level: 23)
        } throws: { error in
            guard case .compressionLevel(let allowed, 23)? = error as? BatchError else { return false }
            return allowed.upperBound == 22
        }
    }

    @Test("columns that do not have a value a row", arguments: Spoil.all)
    func columns(spoil: Spoil) throws {
        var generator = SeededGenerator(seed: 3)
        var batch = Batch()
        batch.strings.append("only")
        var view = ViewColumns.random(spoil.aggregation, rows: 3, strings: 1, using: &generator)
        while view.number != .int64 || view.tagKeys.isEmpty
            || view.bounds.count < 2 && view.aggregation == .distribution
            || view.positive.indexes.isEmpty && view.aggregation == .exponentialDistribution
        {
            view = .random(spoil.aggregation, rows: 3, strings: 1, using: &generator)
        }
        var encoder = try BatchEncoder()
        batch.views = [view]
        let good = try encoder.encode(batch)
        spoil.apply(&batch.views[0])
        var thrown: BatchError?
        do { _ = try encoder.encode(batch) } catch { thrown = error }
        #expect(thrown?.column == spoil.column)

        // The encoder is as good as new.
        batch.views = [view]
        #expect(try encoder.encode(batch).bytes == good.bytes)
    }

    /// A way to spoil a view, and the column that the error names.
    struct Spoil: Sendable, CustomTestStringConvertible {
        let column: String
        var aggregation = ViewColumns.Aggregation.sum
        let apply: @Sendable (inout ViewColumns) -> Void
        var testDescription: String { column }

        static let all: [Spoil] = [
            Spoil(column: "tag_values") { $0.tagValues.removeLast() },
            Spoil(column: "tag value") { $0.tagValues[0] = 2 },
            Spoil(column: "start_times") { $0.startTimes.append(0) },
            Spoil(column: "end_times") { $0.endTimes = [0] },
            Spoil(column: "integers") { $0.integers = [] },
            Spoil(column: "doubles") { $0.doubles = [1, 2, 3] },
            Spoil(column: "bounds") { $0.bounds = [1] },
            Spoil(column: "minima") { $0.minima = [1, 2, 3] },
            Spoil(column: "zero_counts") { $0.zeroCounts = [1, 2, 3] },
            Spoil(column: "bucket_counts", aggregation: .distribution) { $0.bucketCounts.removeLast() },
            Spoil(column: "bounds", aggregation: .distribution) { $0.bounds[1] = $0.bounds[0] },
            Spoil(column: "bounds", aggregation: .distribution) { $0.bounds[0] = .nan },
            Spoil(column: "maxima", aggregation: .distribution) { $0.maxima = [1] },
            Spoil(column: "squares", aggregation: .distribution) { $0.squares = [1] },
            Spoil(column: "scale", aggregation: .exponentialDistribution) { $0.scale = 21 },
            Spoil(column: "positive_lengths", aggregation: .exponentialDistribution) { $0.positive.lengths = [1] },
            Spoil(column: "positive_indexes", aggregation: .exponentialDistribution) { $0.positive.lengths[0] += 1 },
            Spoil(column: "positive_counts", aggregation: .exponentialDistribution) { $0.positive.counts = [] },
            Spoil(column: "negative_indexes", aggregation: .exponentialDistribution) { $0.negative.indexes += [1] },
        ]
    }
}

extension BatchError {
    /// The column, or what else of a view, an error is about.
    var column: String? {
        switch self {
        case .columnLength(_, let column, _, _), .notAscending(_, let column, _): column
        case .unknownValue(_, let field, _): field
        case .tagValue: "tag value"
        default: nil
        }
    }
}
