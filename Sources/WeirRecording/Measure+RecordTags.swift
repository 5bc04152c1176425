// Tags that are given with the measurement. The overloads for constants and for up to four tags exist because a literal
// of strings holds them: to retain a string that two threads share would make them wait for each other.

extension Measure where Value == Double {
    /// Records a value with constant tags: `latency.record(0.012, [route: "/users", status: "200"])`.
    ///
    /// No lock and no reference count where the series exists, and in an optimised build no allocation; each tag costs
    /// hashing and comparing its value.
    @inlinable
    @inline(__always)
    public func record(_ value: Double, _ tags: ConstantTagLiteral) {
        unsafe tags.elements.withUnsafeBufferPointer { unsafe of(value).record(constants: $0) }
    }

    /// Records a value with tags whose values are computed: `latency.record(0.012, [route: path, status: code])`.
    ///
    /// The literal retains its strings for the length of the call; the overloads that take tags one by one do not.
    @inlinable
    @inline(__always)
    @_disfavoredOverload
    public func record(_ value: Double, _ tags: TagLiteral) {
        unsafe tags.elements.withUnsafeBufferPointer { unsafe of(value).record(elements: $0) }
    }

    /// Records a value with a tag: `latency.record(0.012, (route, path))`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Double, _ first: Tag) {
        of(value).record(first)
    }

    /// Records a value with two tags: `latency.record(0.012, (route, path), (status, code))`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Double, _ first: Tag, _ second: Tag) {
        of(value).record(first, second)
    }

    /// Records a value with three tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Double, _ first: Tag, _ second: Tag, _ third: Tag) {
        of(value).record(first, second, third)
    }

    /// Records a value with four tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Double, _ first: Tag, _ second: Tag, _ third: Tag, _ fourth: Tag) {
        of(value).record(first, second, third, fourth)
    }
}

extension Measure where Value == Int64 {
    /// Records a value with constant tags: `latency.record(0.012, [route: "/users", status: "200"])`.
    ///
    /// No lock and no reference count where the series exists, and in an optimised build no allocation; each tag costs
    /// hashing and comparing its value.
    @inlinable
    @inline(__always)
    public func record(_ value: Int64, _ tags: ConstantTagLiteral) {
        unsafe tags.elements.withUnsafeBufferPointer { unsafe of(value).record(constants: $0) }
    }

    /// Records a value with tags whose values are computed: `latency.record(0.012, [route: path, status: code])`.
    ///
    /// The literal retains its strings for the length of the call; the overloads that take tags one by one do not.
    @inlinable
    @inline(__always)
    @_disfavoredOverload
    public func record(_ value: Int64, _ tags: TagLiteral) {
        unsafe tags.elements.withUnsafeBufferPointer { unsafe of(value).record(elements: $0) }
    }

    /// Records a value with a tag: `latency.record(0.012, (route, path))`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Int64, _ first: Tag) {
        of(value).record(first)
    }

    /// Records a value with two tags: `latency.record(0.012, (route, path), (status, code))`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Int64, _ first: Tag, _ second: Tag) {
        of(value).record(first, second)
    }

    /// Records a value with three tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Int64, _ first: Tag, _ second: Tag, _ third: Tag) {
        of(value).record(first, second, third)
    }

    /// Records a value with four tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @inlinable
    @inline(__always)
    public func record(_ value: Int64, _ first: Tag, _ second: Tag, _ third: Tag, _ fourth: Tag) {
        of(value).record(first, second, third, fourth)
    }
}
