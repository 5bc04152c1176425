internal import CoreMetrics
internal import Synchronization
internal import WeirRecording

final class CounterHandle: Handle, CounterHandler, @unchecked Sendable {
    private let recorder: WeirRecording.Recorder<Int64>

    init(_ label: Label, _ recorder: WeirRecording.Recorder<Int64>) {
        self.recorder = recorder
        super.init(label)
    }

    func increment(by amount: Int64) { recorder.record(amount) }
    func reset() { recorder.restartSums() }
    override func end(now: Bool) { recorder.endSeries(now: now) }
}

final class FloatingPointCounterHandle: Handle, FloatingPointCounterHandler, @unchecked Sendable {
    private let recorder: WeirRecording.Recorder<Double>

    init(_ label: Label, _ recorder: WeirRecording.Recorder<Double>) {
        self.recorder = recorder
        super.init(label)
    }

    func increment(by amount: Double) { recorder.record(amount) }
    func reset() { recorder.restartSums() }
    override func end(now: Bool) { recorder.endSeries(now: now) }
}

/// A meter, and a recorder that does not aggregate: a value that is set, and may be added to and taken from.
final class GaugeHandle: Handle, MeterHandler, RecorderHandler, @unchecked Sendable {
    private let recorder: WeirRecording.Recorder<Double>

    init(_ label: Label, _ recorder: WeirRecording.Recorder<Double>) {
        self.recorder = recorder
        super.init(label)
    }

    func set(_ value: Int64) { recorder.record(Double(value)) }
    func set(_ value: Double) { recorder.record(value) }
    func record(_ value: Int64) { recorder.record(Double(value)) }
    func record(_ value: Double) { recorder.record(value) }

    func increment(by amount: Double) { change(by: amount, 1) }
    func decrement(by amount: Double) { change(by: amount, -1) }

    /// To increment by less than nothing is to decrement, and no meter of swift-metrics does so.
    private func change(by amount: Double, _ sign: Double) {
        if amount == 0 { return }
        guard amount > 0 else { return recorder.reject() }
        recorder.addToLast(sign * amount)
    }

    override func end(now: Bool) { recorder.endSeries(now: now) }
}

/// A recorder that aggregates.
final class RecorderHandle: Handle, RecorderHandler, @unchecked Sendable {
    private let recorder: WeirRecording.Recorder<Double>

    init(_ label: Label, _ recorder: WeirRecording.Recorder<Double>) {
        self.recorder = recorder
        super.init(label)
    }

    func record(_ value: Int64) { recorder.record(whole: value) }
    func record(_ value: Double) { recorder.record(value) }
    override func end(now: Bool) { recorder.endSeries(now: now) }
}

/// A timer. Bound when it first records, since until then its label may come to know its display unit.
final class TimerHandle: Handle, TimerHandler, @unchecked Sendable {
    private let recorder = LazyRecorder()
    private let target: SeriesTarget
    private let isOver = Atomic<Bool>(false)

    init(_ label: Label, _ target: SeriesTarget) {
        self.target = target
        super.init(label)
    }

    func recordNanoseconds(_ duration: Int64) {
        guard duration >= 0 else { return reject() }
        recorder.record(Double(duration) / 1e9) { bind() }
    }

    func preferDisplayUnit(_ unit: TimeUnit) { label.prefer(unit) }

    override func end(now: Bool) {
        isOver.store(true, ordering: .relaxed)
        recorder.recorder?.endSeries(now: now)
    }

    /// A time less than none.
    @inline(never)
    private func reject() { (recorder.recorder ?? recorder.bindNow { bind() })?.reject() }

    @inline(never)
    private func bind() -> WeirRecording.Recorder<Double>? {
        let recorder = label.doubleRecorder(target)
        // Destroyed before it ever recorded: the series ends with it.
        if isOver.load(ordering: .relaxed) { recorder?.endSeries(now: false) }
        return recorder
    }
}

/// What there is no series for: counts what is recorded as lost.
final class LostHandle: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    private let stats: Stats

    init(in stats: Stats) {
        self.stats = stats
    }

    func increment(by amount: Int64) { stats.countLost() }
    func increment(by amount: Double) { stats.countLost() }
    func decrement(by amount: Double) { stats.countLost() }
    func set(_ value: Int64) { stats.countLost() }
    func set(_ value: Double) { stats.countLost() }
    func record(_ value: Int64) { stats.countLost() }
    func record(_ value: Double) { stats.countLost() }
    func recordNanoseconds(_ duration: Int64) { stats.countLost() }
    func reset() {}
}
