import Testing
import WeirTestSupport

@testable import WeirExport

@Suite("What servers and plugins say")
struct ForeignTextTests {
    @Test("is spelled out in the log, where it would steer a terminal or look like another line")
    func log() {
        let said = "no\u{1B}[31m\nerror: \u{202E}all is lost\u{7}"
        let shown = #"no\u{1b}[31m\nerror: \u{202e}all is lost\u{7}"#
        let lines = LogLines()
        SinkLog(lines.logger).report([
            .failing(said), .paused(nanoseconds: 1_000_000_000, said), .rejecting(said), .fatal(said),
            .quarantined(said),
        ])
        PluginLog(logger: lines.logger).write(2, said)
        #expect(lines.all.count == 6 && lines.all.allSatisfy { $0.hasSuffix(shown) })
    }
}
