import CWeirCPU
internal import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

/// Readers are those of the whole process, and tests that run beside these come and go: so these say what must not be
/// free yet, and wait for what must become free.
@Suite("Reader gate")
struct ReaderGateTests {
    private func retiredIndex() -> Stats.Retired { unsafe .index(SeriesIndex.make(capacity: 16, keyMask: 0)) }

    private func free(_ retired: [Stats.Retired]) {
        retired.forEach {
            if case .index(let index) = $0 { unsafe index.free() }
        }
    }

    /// Asks until everything is free.
    private func freeAll(_ gate: inout ReaderGate<Stats.Retired>) {
        while gate.retiredCount > 0 { free(gate.advance()) }
    }

    @Test("what is retired is not free while a reader from before is inside, and is when it has left")
    func readerInside() {
        var gate = ReaderGate<Stats.Retired>()
        let visit = unsafe weir_reader_enter()
        gate.retire(retiredIndex())
        for _ in 0..<100 { #expect(gate.advance().isEmpty) }
        gate.retire(retiredIndex())
        #expect(gate.advance().isEmpty)
        #expect(gate.retiredCount == 2)
        unsafe weir_reader_leave(visit)
        freeAll(&gate)
    }

    @Test("a reader that entered afterwards keeps nothing")
    func readerAfter() {
        var gate = ReaderGate<Stats.Retired>()
        gate.retire(retiredIndex())
        // Begins the period that the retired one waits for.
        free(gate.advance())
        let visit = unsafe weir_reader_enter()
        freeAll(&gate)
        unsafe weir_reader_leave(visit)
    }

    @Test("a reader inside another does not end it")
    func nested() {
        var gate = ReaderGate<Stats.Retired>()
        let outer = unsafe weir_reader_enter()
        let inner = unsafe weir_reader_enter()
        #expect(unsafe inner == nil)
        gate.retire(retiredIndex())
        unsafe weir_reader_leave(inner)
        #expect(gate.advance().isEmpty)
        unsafe weir_reader_leave(outer)
        freeAll(&gate)
    }

    @Test("the oldest period is that of the reader who entered first")
    func oldest() {
        let visit = unsafe weir_reader_enter()
        let entered = unsafe visit!.pointee.period
        let next = weir_reader_advance()
        #expect(next > entered)
        #expect(weir_reader_oldest() <= entered)
        unsafe weir_reader_leave(visit)
        while weir_reader_oldest() < next {}
        let later = unsafe weir_reader_enter()
        #expect(unsafe later!.pointee.period >= next)
        unsafe weir_reader_leave(later)
    }

    @Test("threads that come and go leave their nodes to those that follow")
    func threadsComeAndGo() {
        let addresses = Mutex<Set<UInt>>([])
        for _ in 0..<200 {
            onThreads(2) { _ in
                let visit = unsafe weir_reader_enter()
                _ = addresses.withLock { $0.insert(UInt(bitPattern: visit)) }
                unsafe weir_reader_leave(visit)
            }
        }
        // 400 threads, never more than two of them at a time; tests beside this one may have taken some in between.
        #expect(addresses.withLock { $0.count } < 100)
    }

    @Test("a reader on another thread keeps what it may see, until its thread leaves")
    func otherThread() {
        let hasEntered = Atomic<Bool>(false), mayLeave = Atomic<Bool>(false)
        let kept = Atomic<Int>(0)
        onThreads(2) { thread in
            if thread == 0 {
                let visit = unsafe weir_reader_enter()
                hasEntered.store(true, ordering: .releasing)
                while !mayLeave.load(ordering: .acquiring) {}
                unsafe weir_reader_leave(visit)
                return
            }
            while !hasEntered.load(ordering: .acquiring) {}
            var gate = ReaderGate<Stats.Retired>()
            gate.retire(retiredIndex())
            for _ in 0..<100 { free(gate.advance()) }
            kept.store(gate.retiredCount, ordering: .relaxed)
            mayLeave.store(true, ordering: .releasing)
            freeAll(&gate)
        }
        #expect(kept.load(ordering: .relaxed) == 1)
    }

    @Test("an instance frees everything that it has when it goes, recorders and all")
    func lifetimes() throws {
        let measure = Measure<Double>("gate.measure")
        let key: TagKey = "gate.key"
        weak var gone: ViewState?
        do {
            let stats = try Stats.small()
            try stats.register(
                View("v", of: measure, by: [key], as: .distribution(), seriesLimit: 20),
                View("w", of: measure, by: [key], as: .exponentialDistribution()))
            gone = stats.withState { $0.views["v"] }
            let recorders = (0..<30).map { measure.bound(to: Tags([(key, "\($0)")]), in: stats) }
            for recorder in recorders { recorder.record(1) }
            stats.forget(Tags())
            try stats.unregister("w")
            #expect(gone != nil)
        }
        #expect(gone == nil)
    }

    @Test("a recorder outlives all else that holds its instance")
    func recorderOutlives() throws {
        let measure = Measure<Int64>("gate.integers")
        var recorder: Recorder<Int64>?
        do {
            let stats = try Stats.small()
            try stats.register(View("v", of: measure, as: .sum))
            recorder = measure.bound(in: stats)
        }
        for _ in 0..<10 { recorder?.record(1) }
        let stats = try #require(recorder?.bound.stats)
        #expect(stats.readings()["v"]?.integer == 10)
    }
}
