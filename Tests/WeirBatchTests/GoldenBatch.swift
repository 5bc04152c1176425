internal import WeirBatch

/// The batch of the format document's worked example and of `Fixtures/golden.weir.zst`. It never changes.
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
