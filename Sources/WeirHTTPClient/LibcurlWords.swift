/// What libcurl says of a failure, without what differs from one attempt to the next.
enum LibcurlWords {
    /// Leaves out how long an attempt took and how many bytes had come, so that one reason has one text:
    /// `Failed to connect to h port 1 after 3 ms: Couldn't connect` is `Failed to connect to h port 1: Couldn't connect`.
    static func lasting(_ text: String) -> String {
        var words: [Substring] = []
        var rest = text.split(separator: " ")[...]
        while let word = rest.popFirst() {
            if word == "after", let count = rest.first, UInt64(count) != nil, let unit = rest.dropFirst().first,
                unit.hasPrefix("ms") || unit.hasPrefix("milliseconds")
            {
                rest.removeFirst(2)
                // A colon or a comma behind the unit stays.
                if let last = words.popLast() { words.append(last + unit.drop { $0.isLetter }) }
            } else if word == "with", let count = rest.first, UInt64(count) != nil,
                let end = rest.firstIndex(of: "received"), end - rest.startIndex <= 5
            {
                rest = rest[(end + 1)...]
            } else {
                words.append(word)
            }
        }
        return words.joined(separator: " ")
    }
}
