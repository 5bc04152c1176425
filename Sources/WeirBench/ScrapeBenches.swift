internal import Foundation
internal import PrometheusSink
internal import Weir

/// What a scrape costs the process that is scraped, all of it: collecting, a batch there and back, and the exposition.
enum ScrapeBenches {
    static let names = ["scrape.openmetrics.10000", "scrape.text.10000", "scrape.zstd.10000"]

    private static let port: UInt16 = 29_464

    static func run(only: String, rounds: Int, _ report: Report) async throws {
        let wanted = names.filter { $0.hasPrefix(only) }
        guard !wanted.isEmpty else { return }
        let stats = try ServedSeries.recorded(tags: 4)
        let sink = Sink(PrometheusSink.plugin, name: "scrape", settings: ["listen": "127.0.0.1:\(port)"])
        let exporting = try startExporting(every: .seconds(86_400), to: sink, from: stats)
        for name in wanted { try await measure(name, rounds: rounds, report) }
        await exporting.shutdown(deadline: .seconds(1))
    }

    private static func measure(_ name: String, rounds: Int, _ report: Report) async throws {
        var header = name.contains("text") ? "" : "Accept: application/openmetrics-text\r\n"
        if name.contains("zstd") { header += "Accept-Encoding: zstd\r\n" }
        var bytes = 0
        var nanoseconds: [Double] = []
        for round in 0...rounds {
            // Longer than the pause between two collections that are asked for, which costs no time of any core.
            try await Task.sleep(for: .milliseconds(60))
            let before = processTime()
            bytes = try scrape(header)
            if round > 0 { nanoseconds.append((processTime() - before) / 10_000) }
        }
        report.export(name, nanoseconds: Spread(nanoseconds), bytes: bytes)
    }

    /// - Returns: How many bytes were answered.
    private static func scrape(_ header: String) throws -> Int {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw BenchError(description: "nobody listens on port \(port)") }
        let request = Array("GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\(header)\r\n".utf8)
        unsafe send(client, request, request.count, Int32(MSG_NOSIGNAL))
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var total = 0
        while case let count = unsafe recv(client, &buffer, buffer.count, 0), count > 0 { total += count }
        guard total > 100_000 else { throw BenchError(description: "a scrape of \(total) bytes") }
        return total
    }

    /// What all threads have spent. Nanoseconds.
    private static func processTime() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
