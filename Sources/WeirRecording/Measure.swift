internal import Synchronization

/// The types of number that can be measured: `Int64` and `Double`.
public protocol MeasureValue: Sendable {
    /// Whether it is `Double`.
    static var isDouble: Bool { get }
}

extension Int64: MeasureValue {
    /// False.
    public static var isDouble: Bool { false }
}

extension Double: MeasureValue {
    /// True.
    public static var isDouble: Bool { true }
}

/// What is measured: a name, a unit, a description, and the type of number.
///
/// A value, usually a static constant. Declaring a measure records nothing; a ``View`` makes series of it. A
/// measurement whose measure has no view changes nothing and costs next to nothing.
///
/// ```swift
/// let latency = Measure<Double>("http.server.duration", unit: .seconds, description: "Time to serve a request")
/// ```
///
/// Declaring the same measure twice gives the same measure, whatever its description is. Making one takes a lock; using it does not.
@safe
public struct Measure<Value: MeasureValue>: Sendable {
    // Sendable: what it points to lives as long as the process and changes by atomics alone.
    @usableFromInline nonisolated(unsafe) let info: UnsafePointer<MeasureInfo>

    /// A measure.
    ///
    /// - Parameters:
    ///   - name: A letter, then at most 254 letters, digits and `_ . - /`. A view of a measure whose name cannot be
    ///     used is an error; the measure itself records nothing.
    ///   - unit: What one of it is, in UCUM.
    ///   - description: What it says, for people.
    public init(_ name: String, unit: MeasureUnit = .one, description: String = "") {
        unsafe info = MeasureInfo.intern(
            MeasureDefinition(name: name, unit: unit, isDouble: Value.isDouble), description: description)
    }

    /// The measure's name.
    public var name: String { definition.name }
    /// What one of it is.
    public var unit: MeasureUnit { definition.unit }
    /// What it says, for people: where it is declared more than once, what was said first.
    public var description: String { MeasureInfo.description(of: definition) }

    var definition: MeasureDefinition { unsafe info.pointee.definition }
}

/// A measure whose type of number is not known at compile time, as a ``View`` holds it: all that tells it from others.
struct MeasureDefinition: Hashable, Sendable {
    var name: String
    var unit: MeasureUnit
    var isDouble: Bool
}

/// What is known of a measure. Made once for each definition, never freed: their number is bounded.
@usableFromInline
@safe
struct MeasureInfo: ~Copyable {
    /// The measure's row in the process-wide default. First, so that its address is the measure's own: a measure without
    /// a view costs one load.
    let defaultSlot = SnapshotTable.Slot()
    /// The process-wide default.
    let defaultCore: UnsafeMutablePointer<RecordingCore>
    let isDouble: Bool
    let definition: MeasureDefinition
    /// From 0 in the order in which measures were made.
    let number: Int

    static let maximumCount = SnapshotTable.maximumCount

    static func intern(
        _ definition: MeasureDefinition, description: String = ""
    ) -> UnsafePointer<MeasureInfo> {
        unsafe lock.withLock {
            if let known = unsafe registry.measures[definition] {
                if !description.isEmpty, unsafe registry.descriptions[definition] == nil {
                    unsafe registry.descriptions[definition] = description
                }
                return unsafe known
            }
            // Past the bound every measure is the last one: it has no views, ever.
            let number = unsafe min(registry.measures.count, maximumCount)
            if number == maximumCount, let last = unsafe registry.last { return unsafe last }
            let info = UnsafeMutablePointer<MeasureInfo>.allocate(capacity: 1)
            let core = unsafe Stats.default.core
            unsafe info.initialize(
                to: MeasureInfo(
                    defaultCore: core, isDouble: definition.isDouble, definition: definition, number: number))
            if number < maximumCount {
                unsafe registry.measures[definition] = UnsafePointer(info)
                if !description.isEmpty { unsafe registry.descriptions[definition] = description }
            }
            unsafe registry.last = unsafe UnsafePointer(info)
            return unsafe UnsafePointer(info)
        }
    }

    /// The first description that a measure was declared with; empty where there is none.
    static func description(of definition: MeasureDefinition) -> String {
        lock.withLock { unsafe registry.descriptions[definition] ?? "" }
    }

    @safe
    private struct Registry: ~Copyable {
        var measures: [MeasureDefinition: UnsafePointer<MeasureInfo>] = unsafe [:]
        var descriptions: [MeasureDefinition: String] = [:]
        var last: UnsafePointer<MeasureInfo>?
    }

    private static let lock = Lock()
    // Sendable: under the lock.
    nonisolated(unsafe) private static var registry = Registry()
}
