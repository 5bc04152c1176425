internal import CoreMetrics

/// swift-metrics' view of ``Handles``.
struct WeirMetricsFactory: MetricsFactory {
    private let handles: Handles

    init(_ handles: Handles) {
        self.handles = handles
    }

    // What is found under a kind is of that kind's class.

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard let handle = handles.find(.counter, label, dimensions) else { return handles.lost }
        return unsafe unsafeDowncast(handle, to: CounterHandle.self)
    }

    func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        guard let handle = handles.find(.floatingPointCounter, label, dimensions) else { return handles.lost }
        return unsafe unsafeDowncast(handle, to: FloatingPointCounterHandle.self)
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        guard let handle = handles.find(.gauge, label, dimensions) else { return handles.lost }
        return unsafe unsafeDowncast(handle, to: GaugeHandle.self)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard let handle = handles.find(aggregate ? .recorder : .gauge, label, dimensions) else { return handles.lost }
        return aggregate
            ? unsafe unsafeDowncast(handle, to: RecorderHandle.self)
            : unsafe unsafeDowncast(handle, to: GaugeHandle.self)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        guard let handle = handles.find(.timer, label, dimensions) else { return handles.lost }
        return unsafe unsafeDowncast(handle, to: TimerHandle.self)
    }

    func destroyCounter(_ handler: any CounterHandler) { handles.destroy(handler) }
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { handles.destroy(handler) }
    func destroyMeter(_ handler: any MeterHandler) { handles.destroy(handler) }
    func destroyRecorder(_ handler: any RecorderHandler) { handles.destroy(handler) }
    func destroyTimer(_ handler: any TimerHandler) { handles.destroy(handler) }
}
