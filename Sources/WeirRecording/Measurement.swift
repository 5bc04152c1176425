/// A value of a measure, to be recorded together with others: `latency.of(0.012)`.
@safe
public struct Measurement: Sendable {
    // Sendable: as in Measure.
    @usableFromInline nonisolated(unsafe) let info: UnsafePointer<MeasureInfo>
    /// A Double's or an Int64's.
    @usableFromInline let bits: UInt64

    @inlinable
    @inline(__always)
    init(info: UnsafePointer<MeasureInfo>, bits: UInt64) {
        unsafe self.info = unsafe info
        self.bits = bits
    }
}

extension Measure where Value == Double {
    /// A value of this measure, to be recorded together with others.
    @inlinable
    @inline(__always)
    public func of(_ value: Double) -> Measurement {
        unsafe Measurement(info: info, bits: value.bitPattern)
    }
}

extension Measure where Value == Int64 {
    /// A value of this measure, to be recorded together with others.
    @inlinable
    @inline(__always)
    public func of(_ value: Int64) -> Measurement {
        unsafe Measurement(info: info, bits: UInt64(bitPattern: value))
    }
}

/// Values of a call, borrowed for its length.
@usableFromInline
typealias Measurements = UnsafeBufferPointer<Measurement>

/// Records several measures at once, with tags that were built before.
///
/// The tags are looked at once for all of them. No lock and no reference count where the series exist, and in an
/// optimised build no allocation.
@inlinable
@inline(__always)
public func record(_ measurements: [Measurement], _ tags: Tags = Tags()) {
    unsafe measurements.withUnsafeBufferPointer { unsafe recordAll($0, tags) }
}

/// Records several measures at once, with constant tags.
@inlinable
@inline(__always)
public func record(_ measurements: [Measurement], _ tags: ConstantTagLiteral) {
    unsafe measurements.withUnsafeBufferPointer { measurements in
        unsafe tags.elements.withUnsafeBufferPointer { unsafe recordAll(measurements, constants: $0) }
    }
}

/// Records several measures at once, with tags whose values are computed.
@inlinable
@inline(__always)
@_disfavoredOverload
public func record(_ measurements: [Measurement], _ tags: TagLiteral) {
    unsafe measurements.withUnsafeBufferPointer { measurements in
        unsafe tags.elements.withUnsafeBufferPointer { unsafe recordAll(measurements, elements: $0) }
    }
}

@usableFromInline
@_effects(releasenone)
func recordAll(_ measurements: Measurements, _ tags: Tags) {
    for index in measurements.indices { unsafe measurements[index].record(tags) }
}

@usableFromInline
@_effects(releasenone)
func recordAll(_ measurements: Measurements, constants: ConstantTagElements) {
    unsafe TagSlice.with(constants) { slice in
        for index in measurements.indices { unsafe measurements[index].record(slice) }
    }
}

@usableFromInline
@_effects(releasenone)
func recordAll(_ measurements: Measurements, elements: TagElements) {
    unsafe TagSlice.with(elements) { slice in
        for index in measurements.indices { unsafe measurements[index].record(slice) }
    }
}
