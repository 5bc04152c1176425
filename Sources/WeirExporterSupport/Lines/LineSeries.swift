/// What a series is called in lines: a name, and where tags have a place of their own, those.
package struct LineSeries: Hashable, Sendable {
    /// With its prefix, and the tags in it that have no other place.
    package var name: String
    /// As they stand in a line, beginning with what separates them from the name; empty where they are in it.
    package var tags: String

    package init(name: String, tags: String = "") {
        self.name = name
        self.tags = tags
    }

    /// By bytes: Swift's strings are equal also where they are spelled differently.
    package static func == (left: Self, right: Self) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.tags.utf8.elementsEqual(right.tags.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for text in [name, tags] {
            var text = text
            text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hasher.combine(0xFF as UInt8)
        }
    }

    /// The same with a mark, which tells it from others of its name.
    ///
    /// - Parameter tag: How a tag stands among ``tags``, where they have a place: key and value follow.
    package func marked(_ mark: String, as tag: ((_ key: String, _ value: String) -> String)?) -> LineSeries {
        guard let tag else { return LineSeries(name: "\(name).\(Mark.key).\(mark)", tags: tags) }
        return LineSeries(name: name, tags: tags + tag(Mark.key, mark))
    }
}

/// Which series has each name in lines: views with different names, and what lines add to names, may come to the same.
///
/// Kept from batch to batch, since a batch of deltas may lack any series: who has a name keeps it.
package struct LineNames: Sendable {
    /// By the hash of a view's name and its series'.
    private var owners: [LineSeries: Int] = [:]

    /// How many names are kept from one batch to the next. Past that all are given anew.
    private static let limit = 100_000

    package init() {}

    /// Begins another batch.
    package mutating func begin() {
        if owners.count > Self.limit { owners.removeAll() }
    }

    /// The name for a line of a series: its own or, where another series has that, the name with a mark.
    ///
    /// - Parameters:
    ///   - part: What the line adds to the series' name.
    ///   - view: The view that the series is of.
    package mutating func name(
        of series: LineSeries, _ part: String, view: String, as tag: ((_ key: String, _ value: String) -> String)?
    ) -> LineSeries {
        var hasher = Hasher()
        hasher.combine(LineSeries(name: view))
        hasher.combine(series)
        let owner = hasher.finalize()
        let wanted = LineSeries(name: series.name + part, tags: series.tags)
        if owners[wanted, default: owner] == owner {
            owners[wanted] = owner
            return wanted
        }
        let mark = Mark.of("\(view)\n\(series.name)\n\(part)\n\(series.tags)")
        var (free, number) = (wanted.marked(mark, as: tag), 2)
        while owners[free, default: owner] != owner {
            free = wanted.marked("\(mark)-\(number)", as: tag)
            number += 1
        }
        owners[free] = owner
        return free
    }
}
