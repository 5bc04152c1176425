/// What a series came to, as anybody would add it up: amounts in eighths, so that nothing is ever rounded.
struct Figure: Equatable {
    var sum: Int128 = 0
    var count: Int128 = 0
    /// In sixty-fourths.
    var squares: Int128 = 0
    var buckets: [Int: Int128] = [:]

    static func += (left: inout Figure, right: Figure) {
        left.sum += right.sum
        left.count += right.count
        left.squares += right.squares
        left.buckets.merge(right.buckets) { $0 + $1 }
    }

    var isZero: Bool { self == Figure() }
}

/// Where figures are told: a view by the name that it has, its buckets, and its tags.
struct Place: Hashable {
    var view: String
    var bounds: [Double]
    var tags: [String: String]
}

/// All that was recorded, in dictionaries: what every sink has to be told.
struct Model {
    struct Form: Equatable {
        var name: String
        var keys: [String]
        var bounds: [Double]
        var limit: Int
        var isHidden = false
    }

    struct Series {
        var figure = Figure()
        var last: Int128?
        var isCollected = false
    }

    struct View {
        let asked: Layout.Asked
        var isRegistered = true
        var rule = 0
        /// nil where nothing is recorded.
        var form: Form?
        var series: [[String: String]: Series] = [:]
    }

    var views: [View]
    /// What series told that ended.
    private(set) var ended: [Place: Figure] = [:]
    /// Measure and tags of each recorder.
    var recorders: [Int: (measure: Int, tags: [String: String])] = [:]

    init() {
        views = Layout.views.map { View(asked: $0, form: nil) }
        for index in views.indices { views[index].form = form(views[index]) }
    }

    private func form(_ view: View) -> Form? {
        guard view.isRegistered else { return nil }
        let asked = view.asked
        var form = Form(
            name: asked.name, keys: asked.keys, bounds: asked.kind == .spread ? Layout.bounds : [],
            limit: asked.limit ?? 0)
        switch view.rule {
        case 1:
            guard asked.kind == .level else { return nil }
            form.isHidden = true
        case 2: form.name += "/new"
        case 3: form.keys.removeAll { $0 == "world.b" }
        case 4: form.keys = []
        case 5:
            form.name += "/less"
            form.keys.removeAll { $0 == "world.b" }
        case 6: form.bounds = Layout.otherBounds
        case 7:
            form.bounds = Layout.otherBounds
            form.keys.removeAll { $0 == "world.b" }
        case 8: form.limit = 2
        case 9: form.limit = 500
        default: break
        }
        return form
    }

    // MARK: - Places

    private func tags(_ tags: [String: String], in view: View) -> [String: String] {
        // Which series a limit leaves out is nobody's promise: all of such a view count together.
        view.asked.limit != nil ? [:] : tags.filter { view.form?.keys.contains($0.key) == true }
    }

    private func place(_ tags: [String: String], _ view: View) -> Place? {
        guard let form = view.form, !form.isHidden else { return nil }
        return Place(view: view.asked.limit != nil ? view.asked.name : form.name, bounds: form.bounds, tags: tags)
    }

    private mutating func end(_ tags: [String: String], _ index: Int, keeping: Bool = false) {
        let view = views[index]
        guard let series = view.series[tags] else { return }
        if let place = place(tags, view) { ended[place, default: Figure()] += series.figure }
        if keeping { views[index].series[tags]?.figure = Figure() } else { views[index].series[tags] = nil }
    }

    private func holders(_ tags: [String: String], _ view: View) -> Int {
        recorders.values.count { $0.measure == view.asked.measure && self.tags($0.tags, in: view) == tags }
    }

    private mutating func holdAll() {
        for recorder in recorders.values { hold(recorder.measure, recorder.tags) }
    }

    // MARK: - What happens

    mutating func record(measure: Int, tags: [String: String], eighths: Int128) {
        for index in views.indices where views[index].asked.measure == measure {
            let view = views[index]
            guard let form = view.form else { continue }
            let own = self.tags(tags, in: view)
            var series = view.series[own] ?? Series()
            switch view.asked.kind {
            case .sum, .level: series.figure.sum += eighths
            case .count: series.figure.sum += 8
            case .last: series.last = eighths
            case .spread:
                let value = Double(eighths) / 8
                let bucket = form.bounds.firstIndex { value <= $0 } ?? form.bounds.count
                series.figure += Figure(
                    sum: eighths, count: 1, squares: eighths * eighths, buckets: [bucket: 1])
            case .wide: series.figure += Figure(sum: eighths, count: 1)
            }
            views[index].series[own] = series
        }
    }

    mutating func hold(_ measure: Int, _ tags: [String: String]) {
        for index in views.indices where views[index].asked.measure == measure && views[index].form != nil {
            let own = self.tags(tags, in: views[index])
            if views[index].series[own] == nil { views[index].series[own] = Series() }
        }
    }

    mutating func reset(_ slot: Int) {
        guard let recorder = recorders[slot] else { return }
        for index in views.indices where views[index].asked.measure == recorder.measure {
            guard [.sum, .level].contains(views[index].asked.kind) else { continue }
            end(tags(recorder.tags, in: views[index]), index, keeping: true)
        }
    }

    /// The recorder goes, and what it alone held ends.
    mutating func destroy(_ slot: Int) {
        guard let recorder = recorders.removeValue(forKey: slot) else { return }
        for index in views.indices where views[index].asked.measure == recorder.measure {
            let own = tags(recorder.tags, in: views[index])
            if holders(own, views[index]) == 0 { end(own, index) }
        }
    }

    mutating func forget(_ tags: [String: String], view: Int?) {
        for index in views.indices where view == nil || view == index {
            for own in views[index].series.keys where tags.allSatisfy({ own[$0.key] == $0.value }) {
                if holders(own, views[index]) == 0 { end(own, index) }
            }
        }
    }

    mutating func collected() {
        for index in views.indices {
            for tags in views[index].series.keys { views[index].series[tags]?.isCollected = true }
        }
    }

    mutating func toggle(_ index: Int) {
        if views[index].isRegistered {
            endAll(of: index)
            views[index].isRegistered = false
            views[index].form = nil
        } else {
            views[index].isRegistered = true
            views[index].form = form(views[index])
            holdAll()
        }
    }

    mutating func endAll(of index: Int) {
        for tags in views[index].series.keys { end(tags, index) }
    }

    // MARK: - Rules

    mutating func apply(_ rules: [Int]) {
        for index in views.indices {
            views[index].rule = rules[index]
            let next = form(views[index])
            if next != views[index].form { change(index, to: next) }
        }
        holdAll()
    }

    private mutating func change(_ index: Int, to next: Form?) {
        let old = views[index]
        var departing: [([String: String], Series)] = []
        for (tags, series) in old.series {
            let isTold = series.isCollected && old.form?.isHidden == false
            let goesOn = next != nil && next?.bounds == old.form?.bounds
            let isLevel = [.level, .last].contains(old.asked.kind)
            let hides =
                next.map { $0.isHidden || $0.name != old.form?.name || $0.keys != old.form?.keys } ?? true
            if goesOn && (isLevel || !isTold) {
                departing.append((tags, series))
            } else if isTold || !hides {
                end(tags, index)
            }
        }
        views[index].series = [:]
        views[index].form = next
        var rivals: [[String: String]: Int] = [:]
        for (tags, series) in departing {
            let own = self.tags(tags, in: views[index])
            var heir = views[index].series[own] ?? Series()
            heir.figure += series.figure
            if let last = series.last {
                rivals[own, default: 0] += 1
                heir.last = rivals[own] == 1 ? last : nil
            }
            views[index].series[own] = heir
        }
    }

    // MARK: - What has to be told

    /// Of all that only grows.
    var growth: [Place: Figure] {
        var growth = ended
        for view in views {
            for (tags, series) in view.series {
                if let place = place(tags, view) { growth[place, default: Figure()] += series.figure }
            }
        }
        return growth.filter { !$0.value.isZero && !$0.key.isLevel }
    }

    /// Of levels, where they stand: sums that are not zero, and last values.
    var levels: [Place: Int128] {
        var levels: [Place: Int128] = [:]
        for view in views where [.level, .last].contains(view.asked.kind) {
            for (tags, series) in view.series {
                guard let place = place(tags, view) else { continue }
                if view.asked.kind == .last {
                    levels[place] = series.last
                } else if series.figure.sum != 0 {
                    levels[place] = series.figure.sum
                }
            }
        }
        return levels
    }

    /// In a fork's child: the same series with nothing in them, and nothing that ended.
    mutating func fork() {
        ended = [:]
        for index in views.indices {
            for tags in views[index].series.keys {
                views[index].series[tags]?.figure = Figure()
                views[index].series[tags]?.last = nil
            }
        }
    }

    /// The process ends, and another one begins with the views as the code has them.
    mutating func restart() {
        for index in views.indices { endAll(of: index) }
        let kept = ended
        self = Model()
        ended = kept
    }
}

extension Place {
    var isLevel: Bool { view.contains("/level") || view.contains("/last") }
}
