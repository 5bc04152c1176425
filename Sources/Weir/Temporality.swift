/// What the values of a batch count from.
public enum Temporality: Sendable {
    /// From when their series began: a batch that is lost costs resolution and no counts.
    case cumulative
    /// From the batch before. Last values, and sums that may shrink, are sent whole all the same.
    case delta
}
