internal import Weir
package import WeirDump
internal import WeirExport

/// The accounts for programs: an object a line and policy, integers exact, times in seconds.
package struct OverloadJSON {
    package init() {}

    package func write(_ report: OverloadReport, to output: Output) {
        for lane in report.lanes {
            var members = [
                "\"policy\":\(JSON.string(lane.policy.name))",
                "\"parameters\":\(JSON.string(lane.policy.policy.description))",
                "\"temporality\":\(JSON.string("\(lane.policy.temporality)"))",
                "\"seconds\":\(report.elapsed / .seconds(1))",
            ]
            members += StatsJSON.members(lane.accounts)
            members.append("\"peak\":{\"batches\":\(lane.peakBatches),\"bytes\":\(lane.peakBytes)}")
            members.append("\"age\":{\"median\":\(number(lane.medianAge)),\"worst\":\(number(lane.worstAge))}")
            members.append("\"waited\":\(Double(lane.counts.waitedNanoseconds) / 1e9)")
            members.append("\"late\":\(lane.counts.lateTicks)")
            members.append("\"ordered\":\(lane.isOrdered)")
            members.append("\"balanced\":\(lane.imbalance == nil)")
            members.append("\"end\":{\(StatsJSON.members(lane.end).joined(separator: ","))}")
            members.append(
                "\"process\":{\"residentBefore\":\(number(report.residentBefore)),"
                    + "\"residentPeak\":\(number(report.residentPeak)),"
                    + "\"recordingBefore\":\(report.recordingBefore / 1e9),"
                    + "\"recordingMeanwhile\":\(number(report.recordingMeanwhile.map { $0 / 1e9 }))}")
            output.write("{\(members.joined(separator: ","))}\n")
        }
    }

    private func number(_ value: (some LosslessStringConvertible)?) -> String { value.map { "\($0)" } ?? "null" }
}
