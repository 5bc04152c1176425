internal import WeirBatch

/// The batches of files in `Fixtures` that never change: that of the format document's worked example, and one with
/// exemplars.
enum GoldenBatch {
    static let stream = StreamID(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)

    static let batch: Batch = {
        var batch = Batch()
        batch.resource = [.init(key: "service.name", value: "shop")]
        batch.startTime = 1_700_000_000_000_000_000
        batch.endTime = 1_700_000_010_000_000_000
        for string in ["/users", "200", "500"] { batch.strings.append(string) }
        batch.views = [requests, latency]
        return batch
    }()

    static let withExemplars: Batch = {
        var batch = Self.batch
        for string in ["user.id", "42"] { batch.strings.append(string) }
        batch.views[0].exemplars.append(
            row: 1, value: 0.75, time: 1_700_000_003_000_000_000, trace: (0, 0), span: 0, tagCount: 0)
        batch.views[1].exemplars.append(
            row: 0, value: 0.0625, time: 1_700_000_001_000_000_000,
            trace: (0x4BF9_2F35_77B3_4DA6, 0xA3CE_929D_0E0E_4736), span: 0x00F0_67AA_0BA9_02B7, tagCount: 1)
        batch.views[1].exemplars.append(
            row: 0, value: 2.5, time: 1_700_000_009_500_000_000, trace: (0, 1), span: 2, tagCount: 0)
        batch.views[1].exemplars.append(
            row: 1, value: 0.125, time: 1_700_000_006_000_000_000, trace: (3, 0), span: 4, tagCount: 0)
        batch.views[1].exemplars.tagKeys = [4]
        batch.views[1].exemplars.tagValues = [5]
        return batch
    }()

    private static let requests: ViewColumns = {
        var view = ViewColumns()
        view.name = "http/requests"
        view.description = "Requests served"
        view.unit = "1"
        view.measure = "http.server.duration"
        view.aggregation = .count
        view.number = .double
        view.isMonotonic = true
        view.tagKeys = ["http.route", "http.status_code"]
        view.rows = 2
        view.tagValues = [1, 1, 2, 3]
        view.startTimes = [1_700_000_000_000_000_000, 1_700_000_000_000_000_000]
        view.integers = [300, 2]
        return view
    }()

    private static let latency: ViewColumns = {
        var view = ViewColumns()
        view.name = "http/latency"
        view.description = "Time to serve a request"
        view.unit = "s"
        view.measure = "http.server.duration"
        view.aggregation = .distribution
        view.number = .double
        view.tagKeys = ["http.route"]
        view.bounds = [0.1, 1]
        view.rows = 2
        view.tagValues = [1, 0]
        view.startTimes = [1_700_000_000_000_000_000, 1_700_000_005_000_000_000]
        view.endTimes = [0, 1_700_000_007_000_000_000]
        view.doubles = [21.5, 0.25]
        view.bucketCounts = [290, 9, 1, 0, 2, 0]
        return view
    }()

    /// What stands before the batch: one gap.
    static func header(_ payload: Payload) -> FrameHeader {
        var header = FrameHeader(stream: stream, first: 7, last: 7, payload: payload)
        header.gaps = [
            Gap(
                first: 5, last: 6, batches: 2, rows: 8, startTime: 1_699_999_980_000_000_000,
                endTime: 1_700_000_000_000_000_000, cause: .overflowOldest)
        ]
        return header
    }
}
