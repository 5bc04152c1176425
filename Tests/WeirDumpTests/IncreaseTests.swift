import Testing
import WeirDump
import WeirExporterSupport

@Suite("Increases and rates")
struct IncreaseTests {
    private let second: UInt64 = 1_000_000_000

    private func increase(
        windowStart: UInt64, _ points: [(value: Int64, start: UInt64, end: UInt64)]
    ) -> Increase {
        var increase = Increase()
        for point in points {
            increase.add(
                cumulative: .integer(point.value), start: point.start * second, end: point.end * second,
                windowStart: windowStart * second)
        }
        return increase
    }

    @Test("integers that no Int64 holds are added as Doubles")
    func beyondIntegers() {
        #expect((Scalar.integer(.max) + .integer(1)).double == 0x1p63)
        #expect((Scalar.integer(.min) + .integer(-1)).double == -0x1p63)
        guard case .integer(5) = Scalar.integer(.max) + .integer(5 - .max) else {
            Issue.record("what an Int64 holds stays one")
            return
        }
    }

    @Test("a series older than the window counts from its first point")
    func plain() {
        let increase = increase(windowStart: 100, [(1000, 5, 100), (1010, 5, 110), (1030, 5, 120)])
        #expect(increase.total == 30)
        #expect(increase.perSecond == 1.5)
        #expect(increase.resets == 0)
    }

    @Test("a series that began within the window counts in full")
    func begins() {
        let increase = increase(windowStart: 100, [(40, 110, 120), (60, 110, 130)])
        #expect(increase.total == 60)
        #expect(increase.perSecond == 3)
    }

    @Test("a new start counts from zero, even where the value is greater than before")
    func newStart() {
        let increase = increase(windowStart: 100, [(10, 5, 100), (20, 5, 110), (25, 115, 120)])
        #expect(increase.total == 35)
        #expect(increase.resets == 1)
        #expect(increase.perSecond == 1.75)
    }

    @Test("a value that falls counts from zero")
    func falls() {
        let increase = increase(windowStart: 100, [(10, 5, 100), (4, 5, 110)])
        #expect(increase.total == 4)
        #expect(increase.resets == 1)
    }

    @Test("one point alone has the rate of its life, and none where no time passed")
    func alone() {
        #expect(increase(windowStart: 100, [(50, 90, 100)]).perSecond == 5)
        #expect(increase(windowStart: 100, [(50, 100, 100)]).perSecond == nil)
        #expect(Increase().perSecond == nil)
    }

    @Test("differences of great integers are exact, and of any two no trap")
    func great() {
        let top = Int64.max
        #expect(increase(windowStart: 100, [(top - 7, 5, 100), (top, 5, 101)]).total == 7)
        #expect(increase(windowStart: 100, [(.min, 5, 100), (top, 5, 101)]).total == 0x1p64)
    }

    @Test("deltas add up from the first one's start")
    func deltas() {
        var increase = Increase()
        increase.add(delta: .integer(10), start: 100 * second, end: 110 * second)
        increase.add(delta: .double(2.5), start: 110 * second, end: 125 * second)
        #expect(increase.total == 12.5)
        #expect(increase.perSecond == 0.5)
    }
}
