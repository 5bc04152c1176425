/// Which family has which names: two views may become one name, and a family whose samples are named like another's
/// would make a scrape, or a request, invalid as a whole.
///
/// The first has the name. All others have it with a mark, made of their own names, among its words.
package struct NameClaims: Sendable {
    /// That a view has another name than it would have by itself.
    package struct Clash: Hashable, Sendable, CustomStringConvertible {
        package var view: String
        /// The name that both would have.
        package var name: String
        package var holder: String
        /// What the view is called instead.
        package var marked: String

        package init(view: String, name: String, holder: String, marked: String) {
            self.view = view
            self.name = name
            self.holder = holder
            self.marked = marked
        }

        package var description: String {
            "view \(view) is called \(marked) at Prometheus, since \(holder) is called \(name) there: rename one of them"
        }
    }

    private var holders: [String: String]
    private let reserved: [String: String]

    /// How many names are held from one collection to the next: far more than views of a program have.
    private static let limit = 65_536

    /// - Parameter reserved: Names that are nobody's.
    package init(reserved: Set<String> = [Target.family, Target.sample]) {
        self.reserved = Dictionary(uniqueKeysWithValues: reserved.map { ($0, "Prometheus's own") })
        holders = self.reserved
    }

    /// Begins another collection. Who has a name keeps it, so that a view is called the same whichever others a batch has.
    package mutating func begin() {
        // A bound, should somebody invent views without end.
        if holders.count > Self.limit { holders = reserved }
    }

    /// Gives a family's names to a view, all of one family. One that has them already keeps them.
    package mutating func claim(_ name: FamilyName, for view: String) -> (name: FamilyName, clash: Clash?) {
        guard let (taken, holder) = conflict(name, view) else {
            hold(name, view)
            return (name, nil)
        }
        let mark = String(Mark.of(view).prefix(8))
        var (free, number) = (name.marked(mark), 2)
        while conflict(free, view) != nil {
            free = name.marked("\(mark)_\(number)")
            number += 1
        }
        hold(free, view)
        return (free, Clash(view: view, name: taken, holder: holder, marked: free.family))
    }

    private func conflict(_ name: FamilyName, _ view: String) -> (taken: String, holder: String)? {
        for taken in name.allNames {
            if let holder = holders[taken], holder != view { return (taken, holder) }
        }
        return nil
    }

    private mutating func hold(_ name: FamilyName, _ view: String) {
        for free in name.allNames { holders[free] = view }
    }
}
