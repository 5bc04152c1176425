internal import WeirExporterSupport
internal import WeirBatch
internal import WeirDump
internal import WeirExport

/// How it goes, in a line: of one policy, or of several together.
enum OverloadLine {
    static func text(_ lanes: [LaneFigures], elapsed: Duration, residentBytes: Int?) -> String {
        let sum = lanes.reduce(into: Accounts()) { sum, lane in
            sum.delivered += lane.accounts.delivered
            sum.coalesced += lane.accounts.coalesced
            sum.queued += lane.accounts.queued
            sum.inflight += lane.accounts.inflight
            sum.spilled += lane.accounts.spilled
            for cause in Gap.Cause.allCases {
                sum.dropped[cause] += lane.accounts.dropped[cause]
                sum.refused[cause] += lane.accounts.refused[cause]
            }
        }
        var parts = [
            "\(NumberText.fixed(elapsed / .seconds(1), decimals: 1)) s",
            lanes.count == 1 ? lanes[0].policy.name : "\(lanes.count) policies",
            "queue \(sum.queued.batches + sum.inflight.batches)",
            "\(memory(sum.queued.bytes + sum.inflight.bytes)) held",
        ]
        if let residentBytes { parts.append("memory \(memory(UInt64(residentBytes)))") }
        parts.append("delivered \(sum.delivered.batches)")
        if sum.coalesced.batches > 0 { parts.append("coalesced \(sum.coalesced.batches)") }
        if sum.spilled.batches > 0 { parts.append("spilled \(sum.spilled.batches)") }
        parts.append("dropped \(causes(sum.dropped))")
        parts.append("refused \(causes(sum.refused))")
        return parts.joined(separator: ", ")
    }

    /// `12 overflowOldest + 3 expired`, or `0`.
    static func causes(_ amounts: AmountByCause) -> String {
        let texts = Gap.Cause.allCases.filter { amounts[$0].batches > 0 }.map { cause in
            "\(NumberText.grouped(amounts[cause].batches)) \(cause)"
        }
        return texts.isEmpty ? "0" : texts.joined(separator: " + ")
    }

    static func memory(_ bytes: UInt64) -> String { Unit("By").text(.integer(Int64(clamping: bytes))) }
}
