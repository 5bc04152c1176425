import Testing
import WeirDump

@Suite("Times")
struct TimeTests {
    @Test(
        "a moment is written with nine digits and reads back",
        arguments: [
            (UInt64(0), "1970-01-01T00:00:00.000000000Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (1_764_000_000_123_456_789, "2025-11-24T16:00:00.123456789Z"),
            (.max, "2554-07-21T23:34:33.709551615Z"),
        ])
    func roundTrip(nanoseconds: UInt64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test("every day of 130 years reads back")
    func everyDay() {
        for day in 0..<47_482 {
            let time = Timestamp(nanoseconds: UInt64(day) * 86_400_000_000_000)
            #expect(Timestamp(rfc3339: String(time.rfc3339.prefix(10))) == time)
        }
    }

    @Test(
        "offsets, short fractions, dates and small letters are understood",
        arguments: [
            ("2025-11-24T17:00:00+01:00", UInt64(1_764_000_000_000_000_000)),
            ("2025-11-24t08:30:00.5-07:30", 1_764_000_000_500_000_000),
            ("2025-11-24 16:00:00z", 1_764_000_000_000_000_000),
            ("2025-11-24", 1_763_942_400_000_000_000),
        ])
    func forms(text: String, nanoseconds: UInt64) {
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test(
        "what is no moment is none",
        arguments: [
            "", "now", "2025-13-01", "2025-02-29", "2025-11-24T24:00:00Z", "2025-11-24T16:00:00", "1969-12-31",
            "2025-11-24T16:00:00.Z", "2025-11-24T16:00:00Z ", "9999-01-01", "1970-01-01T00:00:00+01:00",
            "2025-11-24T16:60:00Z", "2025-11-24T16:00:00+1:00",
        ])
    func refuses(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test(
        "a time ago counts back from now",
        arguments: [
            ("10m", UInt64(600)), ("2h30m", 9000), ("1d", 86_400), ("1w1s", 604_801), ("90s", 90), ("1000ms", 1),
        ])
    func ago(text: String, seconds: UInt64) throws {
        let now: UInt64 = 1_764_000_000_000_000_000
        #expect(try TimeBound.parse(text, now: now).nanoseconds == now - seconds * 1_000_000_000)
    }

    @Test("longer ago than 1970 is 1970")
    func longAgo() throws {
        #expect(try TimeBound.parse("400w", now: 5).nanoseconds == 0)
    }

    @Test(
        "what is neither is refused with what was found",
        arguments: ["", "10", "m", "10x", "-5m", "1h-", "99999999999999999999s", "999999w999999w", "1.5h", "١m"])
    func neither(text: String) {
        #expect(throws: DumpError.time(found: text)) { try TimeBound.parse(text, now: 0) }
    }
}
