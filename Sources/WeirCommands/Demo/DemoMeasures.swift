internal import Synchronization
internal import Weir
internal import WeirBatch

/// What the demo measures: this is all that recording takes.
enum DemoMeasures {
    static let input = Measure<Int64>("demo.file.input", unit: .bytes, description: "Bytes read of a file")
    static let output = Measure<Int64>("demo.file.output", unit: .bytes, description: "Bytes that a file compresses to")
    static let time = Measure<Double>("demo.file.time", unit: .seconds, description: "Time to read and compress a file")
    static let error = Measure<Int64>("demo.error", description: "What could not be read")

    static let fileExtension: TagKey = "extension"
    static let reason: TagKey = "reason"

    /// Most files take far less than a millisecond, where the bounds of the unit begin.
    private static let timeBounds = [
        1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100,
    ]

    static func views(seriesLimit: Int) -> [View] {
        let by = [fileExtension]
        return [
            View("demo.files", of: input, by: by, as: .count, description: "Files", seriesLimit: seriesLimit),
            View("demo.input", of: input, by: by, as: .sum, seriesLimit: seriesLimit),
            View("demo.output", of: output, by: by, as: .sum, seriesLimit: seriesLimit),
            View(
                "demo.file.size", of: input, by: by, as: .distribution(extremes: true), description: "Sizes of files",
                seriesLimit: seriesLimit),
            View(
                "demo.duration", of: time, by: by, as: .distribution(bounds: timeBounds, extremes: true),
                seriesLimit: seriesLimit),
            View("demo.errors", of: error, by: [reason], as: .count),
        ]
    }
}

/// The series of the files of one kind, resolved once.
struct KindRecorder: Sendable {
    let kind: FileKind
    private let input: Recorder<Int64>
    private let output: Recorder<Int64>
    private let time: Recorder<Double>

    init(_ kind: FileKind, tags: Tags, stats: Stats) {
        self.kind = kind
        input = DemoMeasures.input.bound(to: tags, in: stats)
        output = DemoMeasures.output.bound(to: tags, in: stats)
        time = DemoMeasures.time.bound(to: tags, in: stats)
    }

    func record(_ totals: Totals, seconds: Double) {
        input.record(totals.input)
        output.record(totals.output)
        time.record(seconds)
    }
}

/// The recorders of all extensions met so far.
///
/// They are made here and nowhere else, one at a time: so at the limit all views turn the same extensions away.
final class KindRecorders: Sendable {
    private struct State {
        var known: [ExactString?: KindRecorder] = [:]
        var overflow: KindRecorder?
    }

    private let state = Mutex(State())
    private let limit: Int
    private let stats: Stats

    init(limit: Int, stats: Stats) {
        self.limit = limit
        self.stats = stats
    }

    subscript(_ fileExtension: ExactString?) -> KindRecorder {
        state.withLock { state in
            if let known = state.known[fileExtension] { return known }
            // A file without an extension has no such tag, which is not the same as an empty one.
            let tags = Tags(fileExtension.map { [(DemoMeasures.fileExtension, $0.string)] } ?? [])
            guard state.known.count < limit else {
                let overflow = state.overflow ?? KindRecorder(.overflow, tags: tags, stats: stats)
                state.overflow = overflow
                return overflow
            }
            let kind = fileExtension.map { FileKind.withExtension($0.string) } ?? .withoutExtension
            let recorder = KindRecorder(kind, tags: tags, stats: stats)
            state.known[fileExtension] = recorder
            return recorder
        }
    }
}
