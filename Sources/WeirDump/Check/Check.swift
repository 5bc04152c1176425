package import WeirBatch

/// Follows what was delivered to one place, a directory of batch files as a rule, and says what of it is missing.
///
/// It knows neither files nor readers: ``CheckRun`` brings the headers.
package struct Check {
    private var tracker = StreamTracker()
    private var order: [StreamID] = []
    private var checks: [StreamID: (check: StreamCheck, path: String)] = [:]

    package init() {}

    /// Takes the next header.
    ///
    /// - Parameters:
    ///   - path: The file that it stands in.
    ///   - isLost: Whether its batch cannot be read.
    package mutating func take(_ header: FrameHeader, path: String, isLost: Bool = false) {
        let findings = tracker.add(header, isLost: isLost).findings
        if checks[header.stream] == nil {
            order.append(header.stream)
            checks[header.stream] = (StreamCheck(header, previous: header.previousStream), path)
        }
        checks[header.stream]?.check.take(header, findings)
        checks[header.stream]?.path = path
    }

    /// The streams in the order in which they were met.
    ///
    /// - Parameter isBeingWritten: Whether somebody still writes to a file.
    package func streams(isBeingWritten: (String) -> Bool) -> [StreamCheck] {
        order.compactMap { stream in
            guard let known = checks[stream] else { return nil }
            var check = known.check
            check.holes = tracker.holes(in: stream)
            check.goesOn = !check.hasEndMark && isBeingWritten(known.path)
            return check
        }
    }
}

/// What a check says in the end; where several are true, the first.
package enum CheckStatus: Int32, Equatable, Sendable {
    /// Some input could not be read, or held nothing to check.
    case unreadable = 2
    case damaged = 3
    /// Numbers are missing, and nothing says why.
    case hole = 4
    /// A stream has no end mark, and nobody writes it any more.
    case noEndMark = 5
    /// All is there, or its loss is explained.
    case complete = 0

    init(_ streams: [StreamCheck]) {
        if streams.contains(where: { $0.damaged.batches > 0 }) {
            self = .damaged
        } else if streams.contains(where: { !$0.holes.isEmpty }) {
            self = .hole
        } else {
            self = streams.contains(where: \.lacksEndMark) ? .noEndMark : .complete
        }
    }

    /// The graver of two.
    func and(_ other: CheckStatus) -> CheckStatus {
        switch (self, other) {
        case (.complete, _): other
        case (_, .complete): self
        default: rawValue < other.rawValue ? self : other
        }
    }
}
