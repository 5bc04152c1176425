internal import WeirBatch

/// Which sinks go from one feed to another when the plan changes.
struct Moving {
    /// The feed that each sink has now, by the sink's name.
    private var feeds: [String: Feed] = [:]
    /// Streams of feeds that sinks leave, and of those that go on with sinks of others.
    private var concerned: Set<StreamID> = []

    init(from feeds: [Feed], to plan: Pipeline.Plan) {
        for feed in feeds where feed.isPushed {
            for sink in feed.sinks { self.feeds[sink.name] = feed }
        }
        var streams: [String: StreamID] = [:]
        for feed in plan.feeds {
            for sink in feed.sinks { streams[sink.name] = feed.stream }
        }
        for (name, feed) in self.feeds where streams[name] != feed.stream {
            concerned.insert(feed.stream)
            if let next = streams[name] { concerned.insert(next) }
        }
    }

    /// Whether any sink moves, or goes.
    var isAny: Bool { !concerned.isEmpty }

    /// Whether a feed tells its sinks what there is before they move.
    func concerns(_ feed: Feed) -> Bool { feed.isPushed && concerned.contains(feed.stream) }

    /// The feeds that the sinks of a new feed have now, each once.
    func sources(of plan: FeedPlan) -> [Feed] {
        var sources: [Feed] = []
        for feed in plan.sinks.compactMap({ feeds[$0.name] }) where !sources.contains(where: { $0 === feed }) {
            sources.append(feed)
        }
        return sources
    }
}
