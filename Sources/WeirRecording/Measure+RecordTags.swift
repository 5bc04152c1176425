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
        unsafe tags.elements.withUnsafeBufferPointer { unsafe record(value, constants: $0) }
    }

    /// Records a value with tags whose values are computed: `latency.record(0.012, [route: path, status: code])`.
    ///
    /// The literal retains its strings for the length of the call; the overloads that take tags one by one do not.
    @inlinable
    @inline(__always)
    @_disfavoredOverload
    public func record(_ value: Double, _ tags: TagLiteral) {
        unsafe tags.elements.withUnsafeBufferPointer { unsafe record(value, elements: $0) }
    }

    /// Records a value with a tag: `latency.record(0.012, (route, path))`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Double, _ first: Tag) {
        let longBytes = unsafe TagSliceBuilder.longBytes(first.1)
        unsafe record(value, capacity: 1, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
        }
    }

    /// Records a value with two tags: `latency.record(0.012, (route, path), (status, code))`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Double, _ first: Tag, _ second: Tag) {
        let longBytes = unsafe TagSliceBuilder.longBytes(first.1) &+ TagSliceBuilder.longBytes(second.1)
        unsafe record(value, capacity: 2, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
            unsafe $0.add(second.0, second.1)
        }
    }

    /// Records a value with three tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Double, _ first: Tag, _ second: Tag, _ third: Tag) {
        let longBytes =
            unsafe TagSliceBuilder.longBytes(first.1)
            &+ TagSliceBuilder.longBytes(second.1)
            &+ TagSliceBuilder.longBytes(third.1)
        unsafe record(value, capacity: 3, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
            unsafe $0.add(second.0, second.1)
            unsafe $0.add(third.0, third.1)
        }
    }

    /// Records a value with four tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Double, _ first: Tag, _ second: Tag, _ third: Tag, _ fourth: Tag) {
        let longBytes =
            unsafe TagSliceBuilder.longBytes(first.1)
            &+ TagSliceBuilder.longBytes(second.1)
            &+ TagSliceBuilder.longBytes(third.1)
            &+ TagSliceBuilder.longBytes(fourth.1)
        unsafe record(value, capacity: 4, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
            unsafe $0.add(second.0, second.1)
            unsafe $0.add(third.0, third.1)
            unsafe $0.add(fourth.0, fourth.1)
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ value: Double, constants: ConstantTagElements) {
        unsafe record(value, capacity: constants.count, longBytes: 0) {
            for index in constants.indices { unsafe $0.add(constants[index].0, constants[index].1) }
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ value: Double, elements: TagElements) {
        var longBytes = 0
        for index in elements.indices { longBytes &+= unsafe TagSliceBuilder.longBytes(elements[index].1) }
        unsafe record(value, capacity: elements.count, longBytes: longBytes) {
            for index in elements.indices { unsafe $0.add(elements[index].0, elements[index].1) }
        }
    }

    @inline(__always)
    private func record(
        _ value: Double, capacity: Int, longBytes: Int, _ add: (inout TagSliceBuilder) -> Void
    ) {
        let place = unsafe place
        guard value.magnitude < .infinity else { return unsafe place.reject() }
        unsafe TagSliceBuilder.build(capacity: capacity, longBytes: longBytes, add) { slice in
            unsafe place.record(slice) { unsafe $0.record(value, $1) }
        }
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
        unsafe tags.elements.withUnsafeBufferPointer { unsafe record(value, constants: $0) }
    }

    /// Records a value with tags whose values are computed: `latency.record(0.012, [route: path, status: code])`.
    ///
    /// The literal retains its strings for the length of the call; the overloads that take tags one by one do not.
    @inlinable
    @inline(__always)
    @_disfavoredOverload
    public func record(_ value: Int64, _ tags: TagLiteral) {
        unsafe tags.elements.withUnsafeBufferPointer { unsafe record(value, elements: $0) }
    }

    /// Records a value with a tag: `latency.record(0.012, (route, path))`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Int64, _ first: Tag) {
        let longBytes = unsafe TagSliceBuilder.longBytes(first.1)
        unsafe record(value, capacity: 1, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
        }
    }

    /// Records a value with two tags: `latency.record(0.012, (route, path), (status, code))`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Int64, _ first: Tag, _ second: Tag) {
        let longBytes = unsafe TagSliceBuilder.longBytes(first.1) &+ TagSliceBuilder.longBytes(second.1)
        unsafe record(value, capacity: 2, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
            unsafe $0.add(second.0, second.1)
        }
    }

    /// Records a value with three tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Int64, _ first: Tag, _ second: Tag, _ third: Tag) {
        let longBytes =
            unsafe TagSliceBuilder.longBytes(first.1)
            &+ TagSliceBuilder.longBytes(second.1)
            &+ TagSliceBuilder.longBytes(third.1)
        unsafe record(value, capacity: 3, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
            unsafe $0.add(second.0, second.1)
            unsafe $0.add(third.0, third.1)
        }
    }

    /// Records a value with four tags: `latency.record(0.012, (route, path), (status, code), …)`. Retains nothing.
    @_effects(releasenone)
    public func record(_ value: Int64, _ first: Tag, _ second: Tag, _ third: Tag, _ fourth: Tag) {
        let longBytes =
            unsafe TagSliceBuilder.longBytes(first.1)
            &+ TagSliceBuilder.longBytes(second.1)
            &+ TagSliceBuilder.longBytes(third.1)
            &+ TagSliceBuilder.longBytes(fourth.1)
        unsafe record(value, capacity: 4, longBytes: longBytes) {
            unsafe $0.add(first.0, first.1)
            unsafe $0.add(second.0, second.1)
            unsafe $0.add(third.0, third.1)
            unsafe $0.add(fourth.0, fourth.1)
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ value: Int64, constants: ConstantTagElements) {
        unsafe record(value, capacity: constants.count, longBytes: 0) {
            for index in constants.indices { unsafe $0.add(constants[index].0, constants[index].1) }
        }
    }

    @usableFromInline
    @_effects(releasenone)
    func record(_ value: Int64, elements: TagElements) {
        var longBytes = 0
        for index in elements.indices { longBytes &+= unsafe TagSliceBuilder.longBytes(elements[index].1) }
        unsafe record(value, capacity: elements.count, longBytes: longBytes) {
            for index in elements.indices { unsafe $0.add(elements[index].0, elements[index].1) }
        }
    }

    @inline(__always)
    private func record(
        _ value: Int64, capacity: Int, longBytes: Int, _ add: (inout TagSliceBuilder) -> Void
    ) {
        let place = unsafe place
        unsafe TagSliceBuilder.build(capacity: capacity, longBytes: longBytes, add) { slice in
            unsafe place.record(slice) { unsafe $0.record(value, $1) }
        }
    }
}
