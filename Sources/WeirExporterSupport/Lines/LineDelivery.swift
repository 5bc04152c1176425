private import Synchronization
package import WeirExporterKit

/// What every sink that sends lines does beside writing them: its connection, what it counts, and stopping.
package final class LineDelivery: Sendable {
    private struct State: ~Copyable {
        var sender: LineSender
        var skipped: UInt64 = 0
    }

    /// What stands before every name: empty, or with its dot.
    package let prefix: String

    private let state: Mutex<State>
    // Relaxed: a request that may be seen late.
    private let isStopping = Atomic<Bool>(false)

    /// Connects with the first batch.
    ///
    /// - Parameters:
    ///   - address: The sink's setting of ``LineSettings/address(_:)``; `transport` likewise.
    /// - Throws: ``ExporterError`` for an address that is none.
    package init(
        _ settings: Settings, address: Setting, transport: Setting, resend: LineSender.Resend, host: ExporterHost
    ) throws(ExporterError) {
        let prefix = settings.text(LineSettings.prefix)
        self.prefix = prefix.isEmpty ? "" : LineName.path(prefix) + "."
        let sender = LineSender(
            to: try LineAddress(settings.text(address)), isStream: settings.number(transport) == 1,
            longestPacket: Int(settings.number(LineSettings.packetBytes)),
            timeoutNanoseconds: UInt64(settings.number(LineSettings.timeout)), resend: resend, host: host)
        state = Mutex(State(sender: sender))
    }

    /// Sends a batch's lines.
    ///
    /// - Parameters:
    ///   - lines: All of them, each with its end; used where the batch is new.
    ///   - skipped: How many of the batch's values no line could say.
    package func send(_ frame: borrowing DeliveryFrame, _ lines: [UInt8], skipped: UInt64) -> DeliveryResult {
        let (facts, deadline) = (frame.facts, frame.deadline)
        return state.withLock { state in
            let result = state.sender.send(
                facts, deadline: deadline, unless: { self.isStopping.load(ordering: .relaxed) }, text: { lines })
            if result == .delivered { state.skipped += skipped }
            return result
        }
    }

    /// Packets, connections, and what could not be said.
    package var counters: [ExporterCounter] {
        state.withLock { state in
            state.sender.counters + [ExporterCounter("values.skipped", unit: "{value}", value: state.skipped)]
        }
    }

    /// Asks a running call to return: it does within a tenth of a second.
    package func stop() {
        isStopping.store(true, ordering: .relaxed)
    }

    /// Ends the connection.
    package func close() {
        state.withLock { $0.sender.close() }
    }
}
