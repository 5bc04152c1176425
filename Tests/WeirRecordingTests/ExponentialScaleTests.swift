import Foundation
import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Exponential scale")
struct ExponentialScaleTests {
    /// The index of OpenTelemetry: base^index < value <= base^(index + 1).
    private func index(_ value: Double, _ scale: ExponentialScale) -> Int {
        let (octave, bucket) = scale.locate(value)
        return (octave + ExponentialScale.leastExponent) << scale.scale + bucket
    }

    private static let scales = Array(0...ExponentialScale.maximumScale)

    @Test("a power of two is the upper end of its bucket, subnormal ones too", arguments: scales)
    func powersOfTwo(scale: Int) {
        let scale = ExponentialScale[scale]
        for exponent in -1_074...1_023 {
            let value = scalbn(1.0, exponent)
            #expect(index(value, scale) == exponent << scale.scale - 1)
            if value.nextUp.isFinite { #expect(index(value.nextUp, scale) >= exponent << scale.scale) }
        }
        #expect(index(.greatestFiniteMagnitude, scale) == 1_024 << scale.scale - 1)
        #expect(index(.leastNonzeroMagnitude, scale) == -1_074 << scale.scale - 1)
    }

    @Test("any value lies between the ends of its bucket", arguments: scales)
    func boundaries(scaleNumber: Int) {
        let scale = ExponentialScale[scaleNumber]
        var random = SeededGenerator(seed: UInt64(scaleNumber) + 1)
        let buckets = 1 << scaleNumber
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next() & ~(1 << 63))
            guard value.isFinite, value > 0 else { continue }
            let index = index(value, scale)
            // In parts of the bucket's power of two, so that ends past the range of Doubles can be told as well.
            let exponent = index >> scaleNumber
            let part = scalbn(scalbn(value, -(exponent / 2)), -(exponent - exponent / 2))
            let place = Double(index & (buckets - 1))
            let tolerance = 1 + 4 * Double.ulpOfOne
            #expect(part * tolerance > exp2(place / Double(buckets)), "\(value) is below bucket \(index)")
            #expect(part <= exp2((place + 1) / Double(buckets)) * tolerance, "\(value) is above bucket \(index)")
        }
    }

    @Test("buckets never go down as values go up", arguments: scales)
    func ascending(scaleNumber: Int) {
        let scale = ExponentialScale[scaleNumber]
        var random = SeededGenerator(seed: 77)
        var values = (0..<20_000).map { _ in Double(bitPattern: random.next() & ~(1 << 63)) }
        values = values.filter { $0.isFinite && $0 > 0 }.sorted()
        for (lower, upper) in zip(values, values.dropFirst()) { #expect(index(lower, scale) <= index(upper, scale)) }
        // And from one Double to the next, around every end of a bucket between 1 and 2.
        let buckets = 1 << scaleNumber
        for bucket in 1..<max(2, buckets) {
            var value = exp2(Double(bucket) / Double(buckets))
            for _ in 0..<4 { value = value.nextDown }
            var last = index(value, scale)
            let first = last
            for _ in 0..<8 {
                value = value.nextUp
                #expect(index(value, scale) >= last)
                last = index(value, scale)
            }
            #expect(last == first + 1)
        }
    }

    @Test(
        "what is read from a bucket is as near as was asked for",
        arguments: [0.001, 0.002, 0.01, 0.025, 0.1, 0.25, 0.4])
    func relativeError(wanted: Double) {
        let scale = ExponentialScale[ExponentialScale.scale(relativeError: wanted)]
        let base = exp2(exp2(-Double(scale.scale)))
        var random = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let value = exp2(Double.random(in: -300...300, using: &random))
            let lower = pow(base, Double(index(value, scale)))
            // The point that is equally far from both ends, in parts of each.
            let read = 2 * lower * base / (1 + base)
            #expect(abs(read - value) / value <= wanted * 1.000001)
        }
        if scale.scale > 0 {
            let coarser = exp2(exp2(-Double(scale.scale - 1)))
            #expect((coarser - 1) / (coarser + 1) > wanted)
        }
    }

    @Test("a directory gives back what was set, ascending, on both sides of zero")
    func directory() {
        let directory = OctaveDirectory(scale: ExponentialScale[3])
        defer { directory.free() }
        var random = SeededGenerator(seed: 9)
        let all = 0..<(2 * ExponentialScale.octaves)
        var expected: [Int: Int] = [
            0: 5, ExponentialScale.octaves - 1: 6, ExponentialScale.octaves: 7, all.upperBound - 1: 8,
        ]
        for _ in 0..<200 {
            expected[Int.random(in: all, using: &random)] = Int.random(in: 16..<1 << 31, using: &random)
        }
        for (place, cell) in expected { directory.set(place, to: cell) }
        for place in all { #expect(directory.cell(place) == expected[place]) }
        var found: [Int: Int] = [:]
        var order: [Int] = []
        directory.forEach { octave, isNegative, cell in
            let place = isNegative ? octave + ExponentialScale.octaves : octave
            found[place] = cell
            order.append(place)
        }
        #expect(found == expected)
        #expect(order == order.sorted())
    }
}
