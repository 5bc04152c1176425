package import WeirBatch

/// Follows what was delivered to one place, a directory of batch files as a rule, and says what of it is missing.
///
/// It knows neither files nor readers: ``CheckRun`` brings the headers.
package struct Check {
    private var tracker = StreamTracker()
    private var order: [StreamID] = []
    private var checks: [StreamID: (check: StreamCheck, path: String)] = [:]
    /// The stream that was read last from each file: what follows it there was written by the same sink.
    private var lastStreams: [String: StreamID] = [:]

    package init() {}

    /// Takes the next header.
    ///
    /// - Parameters:
    ///   - path: The file that it stands in.
    ///   - isLost: Whether its batch cannot be read.
    ///   - batch: What stands behind it, where it was read.
    package mutating func take(_ header: FrameHeader, path: String, isLost: Bool = false, batch: Batch? = nil) {
        let findings = tracker.add(header, isLost: isLost).findings
        if checks[header.stream] == nil {
            order.append(header.stream)
            let check = StreamCheck(header, previous: header.previousStream, sameFile: lastStreams[path])
            checks[header.stream] = (check, path)
        }
        checks[header.stream]?.check.take(header, findings, batch)
        checks[header.stream]?.path = path
        lastStreams[path] = header.stream
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
            check.conclude(delivered: tracker.delivered(in: stream), before: before(check))
            return check
        }
    }
}

extension Check {
    /// The nearest stream that the same sink wrote before and that has a batch here: the one that a stream names, or the
    /// one that stands before it in its file.
    private func before(_ check: StreamCheck) -> StreamCheck? {
        var seen: Set<StreamID> = [check.stream]
        var next = check.previous ?? check.sameFile
        while let stream = next, seen.insert(stream).inserted, let known = checks[stream]?.check {
            if known.delivered.batches > 0 { return known }
            next = known.previous ?? known.sameFile
        }
        return nil
    }
}

/// What a check says in the end; where several are true, the first.
package enum CheckStatus: Int32, Equatable, Sendable, CaseIterable {
    /// Some input could not be read, or held nothing to check.
    case unreadable = 2
    case damaged = 3
    /// What headers and batches say cannot be, so that nothing else that they say is sure.
    case faulty = 6
    /// Numbers are missing, and nothing says why.
    case hole = 4
    /// A stream has no end mark, and nobody writes it any more.
    case noEndMark = 5
    /// All is there, or its loss is explained.
    case complete = 0

    init(_ streams: [StreamCheck]) {
        if streams.contains(where: { $0.damaged.batches > 0 }) {
            self = .damaged
        } else if streams.contains(where: { !$0.faults.isEmpty }) {
            self = .faulty
        } else if streams.contains(where: { !$0.holes.isEmpty }) {
            self = .hole
        } else {
            self = streams.contains(where: \.lacksEndMark) ? .noEndMark : .complete
        }
    }

    /// The graver of two.
    func and(_ other: CheckStatus) -> CheckStatus {
        Self.allCases.first { $0 == self || $0 == other } ?? .complete
    }
}
