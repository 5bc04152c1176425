internal import NIOCore
private import Synchronization
internal import WeirExporterKit

/// The last collection, and the scrapes that wait for the next.
final class Scrapes: Sendable {
    /// A collection as scrapes see it.
    struct Published: Sendable {
        /// Counts from 1; 0 before the first.
        var number: UInt64
        var snapshot: Snapshot?
    }

    /// Why there is nothing to see.
    struct Fault: Error, Equatable {
        var message: String
    }

    private struct Waiter {
        /// Nothing collected before this is new enough. Nanoseconds since 1970.
        var since: UInt64
        var promise: EventLoopPromise<Published>
    }

    private struct State {
        var published = Published(number: 0)
        var waiters: [UInt64: Waiter] = [:]
        var next: UInt64 = 0
        var fault: Fault?
        var late: UInt64 = 0
    }

    private let host: ExporterHost
    private let patience: TimeAmount
    private let state = Mutex(State())

    /// - Parameter wait: How long a scrape waits. Nanoseconds.
    init(host: ExporterHost, wait: Int64) {
        self.host = host
        patience = .nanoseconds(wait)
    }

    /// Scrapes that were answered with an older collection.
    var late: UInt64 { state.withLock { $0.late } }

    /// A collection of now; where none comes in time, the last there was.
    func scrape(on loop: any EventLoop) -> EventLoopFuture<Published> {
        let promise = loop.makePromise(of: Published.self)
        let since = host.wallNanoseconds()
        let number: UInt64? = state.withLock { state in
            if let fault = state.fault {
                promise.fail(fault)
                return nil
            }
            state.next += 1
            state.waiters[state.next] = Waiter(since: since, promise: promise)
            return state.next
        }
        guard let number else { return promise.futureResult }
        host.collect()
        let limit = loop.scheduleTask(in: patience) { self.giveUp(number) }
        promise.futureResult.whenComplete { _ in limit.cancel() }
        return promise.futureResult
    }

    func publish(_ snapshot: Snapshot) {
        let (ready, published) = state.withLock { state in
            state.published = Published(number: state.published.number + 1, snapshot: snapshot)
            let ready = state.waiters.filter { $0.value.since <= snapshot.endTime }
            for number in ready.keys { state.waiters[number] = nil }
            return (ready.values.map(\.promise), state.published)
        }
        for promise in ready { promise.succeed(published) }
    }

    /// Nothing will ever be collected: scrapes say why.
    func fail(_ message: String) {
        let fault = Fault(message: message)
        let waiting = state.withLock { state in
            state.fault = fault
            defer { state.waiters = [:] }
            return state.waiters.values.map(\.promise)
        }
        for promise in waiting { promise.fail(fault) }
    }

    private func giveUp(_ number: UInt64) {
        let answer = state.withLock { state -> (EventLoopPromise<Published>, Published)? in
            guard let waiter = state.waiters.removeValue(forKey: number) else { return nil }
            state.late += 1
            return (waiter.promise, state.published)
        }
        if let (promise, published) = answer { promise.succeed(published) }
    }
}
