import Testing
import WeirExport

@Suite("Crashes of late")
struct CrashWindowTests {
    @Test("the third within the time is one too many; those that are long past do not count")
    func counts() {
        var window = CrashWindow(limit: 3, duration: 60)
        let verdicts = [0, 50, 61, 120, 121].map { window.note(now: $0) }
        #expect(verdicts == [false, false, false, false, true])
    }
}
