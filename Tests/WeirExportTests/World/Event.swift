import WeirTestSupport

/// What happens in a world. All numbers are drawn beforehand, so that a program can be cut shorter and stays the same.
enum Event {
    case record(measure: Int, tags: Int, amount: Int64)
    /// An amount that Doubles keep no eighths beside. Told alone, so that deltas are exact.
    case recordGreat(tags: Int)
    case bind(slot: Int, measure: Int, tags: Int)
    case recordBound(slot: Int, amount: Int64)
    case release(slot: Int)
    case reset(slot: Int)
    case destroy(slot: Int)
    case forget(tags: Int, view: Int?)
    case advance(nanoseconds: UInt64)
    case setClock(nanoseconds: Int64)
    case collect
    case applyRules([Int])
    case toggleView(Int)
    /// The sink gets another interval, and so another feed.
    case move(line: Int, interval: Int)
    /// Export of deltas ends and begins again.
    case exportAgain
    case deliver(line: Int)
    case retry(line: Int)
    case reject(line: Int)
    case hang(line: Int)
    case comeBack(line: Int)
    /// A reader is inside: what ends meanwhile is told when it has left.
    case beginReading
    case endReading
    case restart
    /// A child goes through the rest of the program too.
    case fork
    case settle
}

extension Event {
    /// - Parameter hasFork: Whether the process forks somewhere in it.
    static func program(seed: UInt64, hasFork: Bool = false) -> [Event] {
        var random = SeededGenerator(seed: seed)
        let length = Int.random(in: 20...160, using: &random)
        var program = (0..<length).map { _ in Event(&random) } + [.settle]
        if hasFork { program.insert(.fork, at: Int.random(in: 1..<length, using: &random)) }
        return program
    }

    private init(_ random: inout SeededGenerator) {
        func number(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        func amount() -> Int64 { Int64(number(200)) - 60 }
        switch number(100) {
        case 0..<34: self = .record(measure: number(4), tags: number(Layout.tags.count), amount: amount())
        case 34..<48: self = .recordBound(slot: number(4), amount: amount())
        case 48..<52: self = .bind(slot: number(4), measure: number(4), tags: number(Layout.tags.count))
        case 52: self = .release(slot: number(4))
        case 53: self = .reset(slot: number(4))
        case 54: self = .destroy(slot: number(4))
        case 55..<58:
            self = .forget(tags: number(Layout.tags.count), view: number(3) == 0 ? number(Layout.views.count) : nil)
        case 58..<63: self = .advance(nanoseconds: UInt64(number(20_000_000)) * 1_001)
        // Slewed, either way.
        case 63: self = .setClock(nanoseconds: Int64(number(190_000_000)) - 95_000_000)
        case 64: self = .setClock(nanoseconds: (Int64(number(80_000)) - 40_000) * 1_000_000_007)
        case 65: self = .beginReading
        case 66: self = .endReading
        case 67..<78: self = .collect
        case 78..<82: self = .applyRules(Layout.views.map { $0.rules[number(2 * $0.rules.count) % $0.rules.count] })
        case 82: self = .toggleView(number(Layout.views.count))
        case 83, 84: self = .move(line: number(4), interval: number(4) + 1)
        case 85: self = .exportAgain
        case 86..<92: self = .deliver(line: number(4))
        case 92: self = .retry(line: number(4))
        case 93: self = .reject(line: number(4))
        case 94: self = .hang(line: number(4))
        case 95, 96: self = .comeBack(line: number(4))
        case 97: self = .recordGreat(tags: number(Layout.tags.count))
        case 98: self = number(4) == 0 ? .restart : .collect
        default: self = .settle
        }
    }
}
