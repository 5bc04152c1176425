/// Which family has which names: two views may become one name, and a family whose samples are named like another's
/// would make a scrape, or a request, invalid as a whole.
///
/// The first has the name. Of the others it is known whose it is, and how many they are.
package struct NameClaims: Sendable {
    /// Why a view cannot have its name.
    package struct Clash: Error, Hashable, Sendable, CustomStringConvertible {
        package var view: String
        /// The name that both would have.
        package var name: String
        package var holder: String

        package init(view: String, name: String, holder: String) {
            self.view = view
            self.name = name
            self.holder = holder
        }

        package var description: String {
            "view \(view) is left out: \(holder) is called \(name) at Prometheus, too"
        }
    }

    private var holders: [String: String] = [:]

    /// - Parameter reserved: Names that are nobody's.
    package init(reserved: Set<String> = []) {
        for name in reserved { holders[name] = "Prometheus's own" }
    }

    /// Gives a family's names to a view, all or none. One that has them already keeps them.
    package mutating func claim(_ name: FamilyName, for view: String) throws(Clash) {
        for taken in name.allNames {
            if let holder = holders[taken], holder != view { throw Clash(view: view, name: taken, holder: holder) }
        }
        for free in name.allNames { holders[free] = view }
    }
}
