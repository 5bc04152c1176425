package import Weir
package import WeirConfiguration

/// A policy that takes part, and what it is fed with.
package struct OverloadPolicy: Sendable {
    package let policy: OverflowPolicy
    /// Deltas for one that merges batches, which is there for them; cumulative values otherwise.
    package var temporality: Temporality

    package init(_ policy: OverflowPolicy) {
        self.policy = policy
        temporality = policy == .coalesce ? .delta : .cumulative
    }

    /// A policy as a configuration spells it, or by its name alone.
    ///
    /// - Parameter delay: How slow the destination is: what a name leaves out is chosen so that it is seen at work.
    package init(spelled text: String, delay: Duration) throws(ConfigurationError) {
        if let named = Self.all(delay: delay).first(where: { $0.name == text }) {
            self = named
        } else {
            self.init(try OverflowPolicy(spelled: text, place: "--policy"))
        }
    }

    /// Every policy there is.
    package static func all(delay: Duration) -> [OverloadPolicy] {
        let delay = max(delay, .milliseconds(1))
        return [
            .dropOldest, .dropNewest, .lifo, .coalesce, .block(deadline: .seconds(1)),
            .asyncThenSync(high: 0.8, low: 0.5, deadline: .seconds(1)), .random(low: 0.5, high: 1),
            .expire(age: delay * 5), .codel(target: delay * 2, interval: delay * 2),
        ].map(OverloadPolicy.init)
    }

    /// As a configuration calls it, without what it needs.
    package var name: String { String(policy.description.prefix { $0 != "," }) }
}
