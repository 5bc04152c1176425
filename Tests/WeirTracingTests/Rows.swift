import Tracing
import WeirBatch
import WeirExport
import WeirRecording

extension Stats {
    /// `view tag,tag: value` of all series that go on; `-` is a tag that a series has not.
    func rows() -> [String] {
        var batch = Batch()
        Collector(stats: self).collect(into: &batch)
        return batch.views.filter { !$0.name.hasPrefix("weir.") }.flatMap { view in
            (0..<view.rows).filter { view.endTimes.isEmpty || view.endTimes[$0] == 0 }.map { row in
                let tags = view.tagKeys.indices.map { key in
                    let value = view.tagValues[key * view.rows + row]
                    return value == 0 ? "-" : batch.strings[Int(value) - 1]
                }
                return "\(view.name) \(tags.joined(separator: ",")): \(view.integers[row])"
            }
        }.sorted()
    }
}

/// The headers of a request.
typealias Headers = [String: String]

struct HeaderInjector: Injector {
    func inject(_ value: String, forKey key: String, into headers: inout Headers) { headers[key] = value }
}

struct HeaderExtractor: Extractor {
    func extract(key: String, from headers: Headers) -> String? { headers[key] }
}

extension Instrument {
    /// The headers of a request that is sent in a context.
    func headers(of context: ServiceContext) -> Headers {
        var headers: Headers = [:]
        inject(context, into: &headers, using: HeaderInjector())
        return headers
    }

    /// The context of a request with such headers.
    func context(of headers: Headers, in context: ServiceContext = .topLevel) -> ServiceContext {
        var context = context
        extract(headers, into: &context, using: HeaderExtractor())
        return context
    }
}
