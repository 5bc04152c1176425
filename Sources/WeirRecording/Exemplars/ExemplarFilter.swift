/// Which measurements of a view may become exemplars: single measurements that are kept beside what they add up to, with
/// the span that they belong to, so that a bucket leads to a trace.
///
/// Of those that may, the first of a bucket after a collection does: one for each bucket of a distribution, one for a sum,
/// a count or a last value, and for an exponential distribution one for each power of two, twenty at most. The first, and
/// not one drawn at random, because every other measurement then only reads a word that nobody writes; drawing would make
/// all cores write one. With it go the tags of the measurement and of its task that the series does not have, up to 256
/// bytes of keys and values.
///
/// A view without exemplars pays nothing. In one with them a measurement whose bucket has its exemplar takes some ten
/// nanoseconds more, one whose bucket has none asks for the span, and the one that is kept allocates. Where spans are not
/// sampled, fewer and fewer ask in vain, down to one in 32 that is drawn at random, until the next collection. Such measurements
/// must not be recorded in a signal handler.
public enum ExemplarFilter: Hashable, Sendable, CaseIterable {
    /// None.
    case alwaysOff
    /// Those whose span is sampled.
    case traceBased
    /// All, also those that belong to no span.
    case alwaysOn
}
