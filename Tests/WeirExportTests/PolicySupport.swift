import Testing
import WeirExport
import WeirTestSupport

/// Every policy there is, by the name that a configuration gives it.
enum NamedPolicy: String, CaseIterable, CustomTestStringConvertible {
    case dropOldest
    case dropNewest
    case lifo
    case coalesce
    case block
    case asyncThenSync
    case random
    case expire
    case codel

    /// - Parameter scale: What durations are measured in, in nanoseconds.
    func make(seed: UInt64 = 1, scale: UInt64 = 1) -> any QueuePolicy {
        switch self {
        case .dropOldest: DropOldest()
        case .dropNewest: DropNewest()
        case .lifo: LastInFirstOut()
        case .coalesce: Coalesce()
        case .block: Block(deadline: 20 * scale)
        case .asyncThenSync: AsyncThenSync(high: 0.75, low: 0.25, deadline: 20 * scale)
        case .random: RandomShedding(low: 0.25, high: 1, random: SeededGenerator(seed: seed))
        case .expire: Expire(age: 30 * scale)
        case .codel: ControlledDelay(target: 10 * scale, interval: 30 * scale)
        }
    }

    var testDescription: String { rawValue }
}
