import Weir

/// As users write it: a measure that is a static constant, tags as a literal, and nothing imported but Weir.
enum Shop {
    static let orders = Measure<Int64>("bench.orders")
    static let visits = Measure<Int64>("bench.visits")
    static let method: TagKey = "method"
    static let route: TagKey = "route"
    static let status: TagKey = "status"
}

enum ClientBenches {
    static func registerViews() throws {
        try register(
            View("bench.orders", of: Shop.orders, as: .sum),
            View("bench.visits", of: Shop.visits, by: [Shop.method, Shop.route, Shop.status], as: .sum))
    }

    static let all = [
        Bench(name: "counter.static") { count in
            for _ in 0..<count { Shop.orders.record(1) }
        },
        Bench(name: "counter.tags.literal") { count in
            for _ in 0..<count {
                Shop.visits.record(1, [Shop.method: "GET", Shop.route: "/users", Shop.status: "200"])
            }
        },
    ]
}
