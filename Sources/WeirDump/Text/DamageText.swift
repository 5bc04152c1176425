package import WeirBatch

extension Damage {
    /// Where it is, what is wrong, and what was lost with it.
    package func sentence(_ path: String) -> String {
        var lost = "\(NumberText.grouped(length)) bytes"
        if let header = self.lost {
            let numbers = header.first == header.last ? "#\(header.first)" : "#\(header.first)-\(header.last)"
            lost = "batch \(numbers) of stream \(header.stream.short) until "
            lost += "\(Timestamp(nanoseconds: header.endTime).text(fractionDigits: 3)), "
            lost += "\(NumberText.grouped(header.rows)) rows"
        }
        return "\(path): byte \(offset): damaged: \(reason); lost: \(lost)"
    }

    /// The same of a frame at the end of a file that may grow.
    func unfinishedSentence(_ path: String) -> String {
        "\(path): byte \(offset): a batch is unfinished, its writer at work or gone: \(reason)"
    }
}

extension HeadlessFrame {
    /// What is wrong with a batch without a header, where others have one.
    func sentence(_ path: String) -> String { Self.sentence(path, offset: offset) }

    static func sentence(_ path: String, offset: UInt64) -> String {
        "\(path): byte \(offset): damaged: a batch without a header; lost: its stream, its number and its gaps"
    }
}
