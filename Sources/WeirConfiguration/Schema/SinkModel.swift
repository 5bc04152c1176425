internal import Weir

/// A sink as a configuration describes it.
struct SinkModel: Equatable, Sendable {
    var name: String
    /// The name of an exporter, or a plugin's path.
    var exporter = ""
    var settings: [String: String] = [:]
    var policy: OverflowPolicy?
    var maximumBatches: Int?
    var maximumBytes: Int?
    var maximumAge: Duration?
    var retry = Retry()
    var breaker = Breaker()
    var workers: Int?
    var onDemand: Bool?
    var timeout: Duration?
    var interval: Duration?
    var level: Int?
    var isDelta: Bool?
    var match: [String]?
    var spill: Spill?
    var deadLetterDirectory: String?
    var runsInProcess: Bool?
    var isRequired: Bool?

    struct Retry: Equatable, Sendable {
        var first: Duration?
        var longest: Duration?
        var longestHint: Duration?
    }

    struct Breaker: Equatable, Sendable {
        var failuresInARow: Int?
        var failuresOf20: Int?
        var pause: Duration?
    }

    struct Spill: Equatable, Sendable {
        var directory: String
        var maximumBytes: Int?
        /// `never`, `second` or `always`.
        var sync: String?
    }
}
