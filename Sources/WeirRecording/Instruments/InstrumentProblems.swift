/// Why instruments have no view: each reason waits to be told once, since nothing here can log.
struct InstrumentProblems {
    private var known: Set<String> = []
    private var waiting: [String] = []

    /// The most that are ever told: names may come from anywhere.
    private static let limit = 1_000

    mutating func note(_ problem: String) {
        if known.count < Self.limit, known.insert(problem).inserted { waiting.append(problem) }
    }

    /// Those that are new.
    mutating func take() -> [String] {
        defer { waiting = [] }
        return waiting
    }
}

extension Stats {
    /// Registers the view of an instrument.
    ///
    /// - Returns: Why it is not registered. Whoever collects is told, too.
    func registerInstrument(_ view: View) -> StatsError? {
        do throws(StatsError) {
            try register([view])
            return nil
        } catch {
            withState { state in
                state.instrumentProblems.note("instrument '\(view.name)' is not registered: \(error)")
            }
            return error
        }
    }

    /// Why instruments that were made since the last call have no view: each reason once, at most 1,000 in all.
    package func takeInstrumentProblems() -> [String] {
        withState { $0.instrumentProblems.take() }
    }
}
