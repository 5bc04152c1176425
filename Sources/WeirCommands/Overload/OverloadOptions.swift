/// What an overload is to be: how much comes, how slow the destination is, and how long that goes on.
package struct OverloadOptions: Sendable {
    /// Each gets a pipeline of its own, and all of them the same.
    package var policies: [OverloadPolicy]
    /// Collections a second.
    package var rate = 20.0
    /// How long the destination takes for a batch.
    package var sinkDelay = Duration.milliseconds(200)
    /// How long it goes on.
    package var duration = Duration.seconds(10)
    /// In each batch.
    package var series = 100
    /// Bytes that no compression takes out of a batch, beside its series.
    package var payloadBytes = 0
    /// The bound of each queue; what is being delivered counts.
    package var maximumBatches = 32
    package var maximumBytes = 32 << 20
    /// How many exporters deliver side by side, in each pipeline.
    package var workers = 1
    /// Where batches may wait on disk, in a directory of each policy's own.
    package var spillDirectory: String?

    package init(policies: [OverloadPolicy]) {
        self.policies = policies
    }

    /// Between two collections.
    var interval: Duration { .seconds(1 / max(rate, 1e-6)) }
}
