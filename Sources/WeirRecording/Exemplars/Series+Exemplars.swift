private import CWeirCPU
internal import Synchronization

extension UnsafeMutablePointer where Pointee == Series {
    /// Adds to a series with exemplars, as to any other, and offers the measurement.
    @inline(never)
    func recordSampled(_ value: Double, _ stripes: StripeGeometry, _ tags: RecordedTags) {
        unsafe pointee.exemplars?._withUnsafeGuaranteedRef { slots in
            if unsafe add(value, stripes, kind: slots.kind, limit: slots.limit) { unsafe offer(value, to: slots, tags) }
        }
    }

    /// Adds to a series with exemplars, as to any other, and offers the measurement.
    @inline(never)
    func recordSampled(_ value: Int64, _ stripes: StripeGeometry, _ tags: RecordedTags) {
        unsafe pointee.exemplars?._withUnsafeGuaranteedRef { slots in
            if unsafe add(value, stripes, kind: slots.kind, limit: slots.limit) {
                unsafe offer(value.asDouble(inBucketOf: slots.kind), to: slots, tags)
            }
        }
    }

    @inline(__always)
    private func offer(_ value: Double, to slots: ExemplarSlots, _ tags: RecordedTags) {
        let slot = unsafe slot(of: value, slots)
        if slots.wantsOne(slot) { unsafe sample(value, slots, slot, tags) }
    }

    @inline(__always)
    private func slot(of value: Double, _ slots: ExemplarSlots) -> Int {
        switch slots.kind {
        case .distribution, .fullDistribution:
            return unsafe Int(weir_bucket(pointee.bounds, pointee.boundQuads, value))
        case .exponential:
            guard value != 0, let octaves = unsafe pointee.octaves else { return 0 }
            let octave = octaves.scale.locate(value.magnitude).octave
            // Those below zero begin half way round.
            return (value < 0 ? octave + ExemplarSlots.exponentialCount / 2 : octave) % ExemplarSlots.exponentialCount
        default:
            return 0
        }
    }

    /// Asks for the span, and keeps the measurement where it may be kept. What is released here was retained here, as those
    /// who record promise.
    @inline(never)
    private func sample(_ value: Double, _ slots: ExemplarSlots, _ slot: Int, _ tags: RecordedTags) {
        let span = CurrentSpan.reference
        guard slots.filter == .alwaysOn || span?.isSampled == true else { return slots.hasMissed(slot) }
        let time = unsafe pointee.view._withUnsafeGuaranteedRef { unsafe $0.stats.currentTime }
        let record = unsafe pointee.tags._withUnsafeGuaranteedRef { series in
            unsafe ExemplarRecord(value, time: time, span: span, tags: tags, but: series)
        }
        slots.put(record, slot)
    }
}

extension Stats {
    /// Exemplars of a view's series: of each bucket the latest that was ever taken. Part of a collection.
    ///
    /// - Parameters:
    ///   - interval: From the nanosecond behind the last collection to this one: no exemplar that is new has another time.
    ///   - append: One exemplar and the row of its series, ascending.
    package func takeExemplars(
        _ series: SeriesList, _ interval: ClosedRange<UInt64>, _ append: (_ row: Int, ExemplarRecord) -> Void
    ) {
        for row in 0..<series.count {
            unsafe series.all[row].pointee.exemplars?._withUnsafeGuaranteedRef { slots in
                slots.take(interval) { append(row, $0) }
            }
        }
    }
}
