/// What a label is recorded as. A gauge and a meter are the same: a value that is set.
enum MetricKind: UInt8 {
    case counter
    case floatingPointCounter
    case gauge
    case recorder
    case timer

    /// As a problem says it, and as a label that is taken is continued.
    var word: String {
        switch self {
        case .counter: "counter"
        case .floatingPointCounter: "sum"
        case .gauge: "gauge"
        case .recorder: "recorder"
        case .timer: "timer"
        }
    }
}
