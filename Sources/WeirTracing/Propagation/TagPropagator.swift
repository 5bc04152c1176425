public import Instrumentation
public import WeirRecording

/// Takes tags from one service to the next in the `baggage` header (W3C Baggage), beside a tracer.
///
/// ```swift
/// InstrumentationSystem.bootstrap(MultiplexInstrument([tracer, TagPropagator(tenant)]))
/// ```
///
/// Only tags whose keys are named go out or come in: a tag may be a secret, and one that comes in makes series of what a
/// caller says, as many as a view's limit allows. Members of other keys are no tags; they are handed on as they came, as
/// W3C asks. Of two instruments that set the header the last one's stays.
///
/// A header is taken wholly or not at all. It is not where it is no baggage, where it is longer than 8,192 bytes or has
/// more than 180 members, or where the value of a key that is named is longer than 255 bytes, has control characters, or
/// `%` without two digits. What is not UTF-8 in a value becomes U+FFFD, of a key that comes twice the last value counts,
/// and properties (`;`) are ignored. What goes out keeps to the same limits: a tag that does not is left out, and so is
/// what no longer fits, other members first.
///
/// A key whose name has characters that no header can have goes out percent-encoded, and is known by that when it comes
/// in.
public struct TagPropagator: Instrument {
    /// The names in the header of the keys that go out.
    private let injected: [TagKey: String]
    /// The keys that come in, by their names in the header.
    private let extracted: [String: TagKey]
    private let forwardsOthers: Bool

    /// Tags of these keys go out and come in. Without any, none do.
    public init(_ keys: TagKey...) {
        self.init(injecting: keys, extracting: keys)
    }

    /// Tags of some keys go out, those of others come in: a service that strangers call may take nothing of theirs.
    ///
    /// - Parameters:
    ///   - injecting: Keys of tags that go out.
    ///   - extracting: Keys of tags that come in.
    ///   - forwardingOthers: Whether members of keys that are in neither list are handed on.
    public init(injecting: [TagKey], extracting: [TagKey], forwardingOthers: Bool = true) {
        func names(_ keys: [TagKey]) -> [(TagKey, String)] {
            keys.filter(\.isValid).map { ($0, Baggage.name(of: $0.name)) }
        }
        injected = Dictionary(names(injecting)) { first, _ in first }
        extracted = Dictionary(names(extracting).map { ($1, $0) }) { first, _ in first }
        forwardsOthers = forwardingOthers
        AmbientTags.ride(on: ContextTags.self)
    }

    /// Adds the tags in a carrier's `baggage` to a context's, over those it has.
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let header = extractor.extract(key: Baggage.header, from: carrier),
            let baggage = Baggage(header), let tags = tags(in: baggage)
        else { return }
        if tags.count > 0 { context.tags = context.tags.merging(tags) }
        if forwardsOthers {
            let names = Set(injected.values).union(extracted.keys)
            let others = baggage.members.filter { !names.contains($0.name) }.map(\.text)
            context[OtherMembersKey.self] = others.isEmpty ? nil : others
        }
    }

    /// Sets a carrier's `baggage` to a context's tags, and to what came in beside them. Not at all where that is nothing.
    public func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        // That asks for the span alone.
        guard Inject.self != TraceparentInjector.self else { return }
        var writer = BaggageWriter()
        for (key, value) in context.tags.elements {
            if let name = injected[key], Baggage.isTagValue(value) {
                writer.append("\(name)=\(Baggage.encoded(value))")
            }
        }
        if forwardsOthers {
            for member in context[OtherMembersKey.self] ?? [] { writer.append(member) }
        }
        if !writer.text.isEmpty { injector.inject(writer.text, forKey: Baggage.header, into: &carrier) }
    }

    /// - Returns: `nil` where one of them has a value that no tag may have.
    private func tags(in baggage: Baggage) -> Tags? {
        var found: [(TagKey, String)] = []
        for member in baggage.members {
            guard let key = extracted[member.name] else { continue }
            guard let value = Baggage.decoded(member.value), Baggage.isTagValue(value) else { return nil }
            found.append((key, value))
        }
        return Tags(found)
    }
}

/// Members of a header that are not this service's, as they came.
private enum OtherMembersKey: ServiceContextKey {
    typealias Value = [String]
    static var nameOverride: String? { "weir-other-baggage" }
}
