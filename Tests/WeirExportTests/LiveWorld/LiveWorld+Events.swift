import Synchronization
import WeirRecording
import WeirTestSupport

extension LiveWorld {
    /// One thing that happens.
    func live() async throws {
        clock.advance(1_000_000)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<22: recordAmount()
        case 22..<36: recordTime()
        case 36..<46: recordLevel()
        case 46..<54: setGauge()
        case 54..<60: recordReset()
        case 60..<66: forget()
        case 66..<72: try await changeRules()
        case 72..<79: try changeSinks()
        case 79..<85: changeClock()
        case 85..<89: goAway()
        case 89..<92: hang()
        case 92..<96: await settle()
        case 96..<98:
            note("export ends and begins")
            try await restartExport()
        case 98:
            note("the process ends, and another one begins")
            try await restartProcess()
        default:
            clock.advance(UInt64.random(in: 1...20_000_000_000, using: &random))
        }
    }

    private func note(_ event: String) { events.append(event) }

    /// Sinks that are, or will be, told what is recorded now.
    private var told: [String] { sinks.map(\.name) }

    private func place() -> (Int, Int) {
        (Int.random(in: 0..<3, using: &random), Int.random(in: 0..<2, using: &random))
    }

    // MARK: - Recording

    private func recordAmount() {
        let (key, detail) = place()
        let amount = Int.random(in: 0..<12, using: &random) == 0 ? 1 << 50 : Int64.random(in: 0...9, using: &random)
        note("a/sum k\(key) d\(detail) + \(amount)")
        if (key, detail) == (0, 0) {
            recorders.amounts.record(amount)
        } else {
            amounts.record(amount, Self.tags(key, detail), in: stats)
        }
        model.grow("a/sum", by: Int128(amount), sinks: told)
    }

    private func recordTime() {
        let (key, detail) = place()
        let eighths = Int.random(in: 0..<12, using: &random) == 0 ? 1 << 42 : Int.random(in: 0...200, using: &random)
        note("t k\(key) d\(detail) + \(eighths) / 8")
        if (key, detail) == (0, 0) {
            recorders.times.record(Double(eighths) / 8)
        } else {
            times.record(Double(eighths) / 8, Self.tags(key, detail), in: stats)
        }
        for view in ["t/sum", "t/spread"] { model.grow(view, by: Int128(eighths), sinks: told) }
    }

    private func recordLevel() {
        let (key, detail) = place()
        let amount = Int64.random(in: -9...9, using: &random)
        note("l/level k\(key) d\(detail) + \(amount)")
        levels.record(amount, Self.tags(key, detail), in: stats)
        model.move("l/level", Self.text(key, detail), by: Int128(amount))
    }

    private func setGauge() {
        let (key, detail) = place()
        let eighths = Int.random(in: -80...80, using: &random)
        note("g/last k\(key) d\(detail) = \(eighths) / 8")
        gauges.record(Double(eighths) / 8, Self.tags(key, detail), in: stats)
        model.set("g/last", Self.text(key, detail), to: Int128(eighths))
    }

    private func recordReset() {
        if Int.random(in: 0..<3, using: &random) == 0 {
            note("c/sum begins anew")
            return recorders.resets.restartSums()
        }
        let eighths = Int.random(in: 0...99, using: &random)
        note("c/sum + \(eighths) / 8")
        recorders.resets.record(Double(eighths) / 8)
        model.grow("c/sum", by: Int128(eighths), sinks: told)
    }

    private func forget() {
        let (_, detail) = place()
        note("forget d\(detail)")
        stats.forget(Tags([(Self.detail, "d\(detail)")]))
        model.forget("world.detail=d\(detail),")
    }

    // MARK: - Rules

    private func changeRules() async throws {
        var changes: [ViewRule] = []
        var hidden: Set<String> = []
        for view in ["a/sum", "t/sum", "t/spread", "l/level", "g/last"] {
            let grows = Self.growing.contains(view)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: changes.append(ViewRule(view, name: "\(view).r\(Int.random(in: 0..<3, using: &random))"))
            case 1 where grows: changes.append(ViewRule(view, removing: [Self.detail]))
            case 2 where grows: changes.append(ViewRule(view, seriesLimit: Int.random(in: 1...3, using: &random)))
            case 3:
                changes.append(.dropping(view))
                hidden.insert(view)
            default: break
            }
        }
        let (before, after) = (model.hidden, hidden)
        note("rules: \(changes)")
        // What was never told of a view that is left out is gone, so all has to be told before.
        if !after.subtracting(before).isEmpty { await settle() }
        rules = ViewRules(changes)
        try stats.apply(rules)
        model.hide(after)
    }

    // MARK: - Everything else

    private func changeSinks() throws {
        let index = Int.random(in: 0..<sinks.count, using: &random)
        let name = sinks[index].name
        switch Int.random(in: 0..<4, using: &random) {
        case 0: sinks[index].intervalNanoseconds = Int64.random(in: 1...4, using: &random) * 1_000_000
        case 1: sinks[index].level = Int32.random(in: 1...3, using: &random)
        case 2 where name == "slow":
            sinks[index].match = sinks[index].match == nil ? ["a/*", "l/*", "g/*"] : nil
            model.unwanted[name] = sinks[index].match == nil ? [] : ["t/sum", "t/spread", "c/sum"]
        case 3 where name == "guest":
            sinks[index].isThere.toggle()
            sinks[index].isThere ? model.comeBack(name) : model.leave(name)
        default: return
        }
        // The sink of totals tells when a collection has ended.
        if index == 0 { sinks[0].intervalNanoseconds = 1_000_000 }
        note(
            "\(name): every \(sinks[index].intervalNanoseconds / 1_000_000) ms, level \(sinks[index].level), "
                + "\(sinks[index].match ?? []), \(sinks[index].isThere ? "there" : "gone")")
        try reconfigure(unchanged: Set(sinks.map(\.name)).subtracting([name]))
    }

    private func changeClock() {
        let second: Int64 = 1_000_000_000
        let step =
            Bool.random(using: &random)
            ? Int64.random(in: -600...600, using: &random) * second
            : Int64.random(in: -99_000_000...99_000_000, using: &random)
        note("the clock is set by \(step) ns")
        clock.set(by: step)
    }

    private func goAway() {
        let isAway = Bool.random(using: &random)
        note("lossy is \(isAway ? "away" : "there")")
        sinks[3].destination.isAway.store(isAway, ordering: .relaxed)
    }

    private func hang() {
        let hangs = Bool.random(using: &random)
        note("the callback \(hangs ? "hangs" : "returns")")
        if hangs { callback.hang() } else { callback.release() }
    }
}
