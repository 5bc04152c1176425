import Synchronization
import Testing
import WeirTestSupport

@testable import WeirRecording

@Suite("Handle table")
struct HandleTableTests {
    private final class Object: Sendable {
        let name: Int
        let onEnd: @Sendable () -> Void

        init(_ name: Int, onEnd: @escaping @Sendable () -> Void = {}) {
            self.name = name
            self.onEnd = onEnd
        }

        deinit { onEnd() }
    }

    private func name(_ object: AnyObject?) -> Int? { (object as? Object)?.name }

    @Test("finds what was inserted by kind, label and dimensions, and nothing else")
    func finds() {
        let table = HandleTable()
        let long = String(repeating: "long ", count: 10)
        let names: [(UInt8, String, [(String, String)])] = [
            (0, "x", []), (1, "x", []), (0, "", []), (0, "y", []), (0, "x", [("a", "1")]), (0, "x", [("a", "")]),
            (0, "x", [("", "a")]), (0, "x", [("a", "1"), ("b", "1")]), (0, "x", [("a", "1"), ("a", "1")]),
            (0, long, [(long, long)]), (0, long, [(long, long + "!")]), (0, long, [(long + "!", long)]),
            (0, "sixteen bytes ab", [("sixteen bytes ab", "sixteen bytes ac")]),
            (0, "sixteen bytes ab", [("sixteen bytes ab", "sixteen bytes ad")]),
            (0, "seventeen bytes a", [("fifteen bytes a", "é")]), (0, "a", [("x", "1")]),
            (0, "x", (0..<20).map { ("key\($0)", "value\($0)") }),
        ]
        for (index, name) in names.enumerated() {
            #expect(table.find(name.0, name.1, name.2) == nil, "\(name)")
            _ = table.insert(Object(index), name.0, name.1, name.2)
        }
        for (index, name) in names.enumerated() {
            #expect(self.name(table.find(name.0, name.1, name.2)) == index)
            #expect(self.name(table.find(name.0, name.1, name.2.reversed())) == index)
            // The same strings, made otherwise.
            func copy(_ string: String) -> String {
                var copy = String()
                copy.reserveCapacity(200)
                copy += string
                return copy
            }
            #expect(
                self.name(table.find(name.0, copy(name.1), name.2.map { (copy($0.0), copy($0.1)) })) == index)
        }
        #expect(table.find(0, "x", [("a", "1"), ("b", "2")]) == nil)
        #expect(table.find(0, "x", [("a", "1"), ("b", "1"), ("b", "1")]) == nil)
        #expect(table.find(0, "x", [("b", "1"), ("b", "1")]) == nil)
        #expect(table.find(2, "x", []) == nil)
    }

    @Test("grows, and goes on when most was taken out", arguments: [1, 2])
    func model(seed: UInt64) {
        let table = HandleTable()
        var generator = SeededGenerator(seed: seed)
        var places: [Int: HandleTable.Place] = [:]
        for _ in 0..<20_000 {
            let number = Int.random(in: 0..<3_000, using: &generator)
            let dimensions = [("number", "\(number)"), ("half", "\(number / 2)")]
            #expect(name(table.find(0, "x", dimensions)) == (places[number] == nil ? nil : number))
            if let place = places.removeValue(forKey: number) {
                table.remove(place)
            } else if Bool.random(using: &generator) {
                places[number] = table.insert(Object(number), 0, "x", dimensions)
            }
        }
        for number in 0..<3_000 {
            let found = name(table.find(0, "x", [("half", "\(number / 2)"), ("number", "\(number)")]))
            #expect(found == (places[number] == nil ? nil : number))
        }
    }

    @Test("lets go of what is taken out, and at its end of everything")
    func frees() {
        let ended = Atomic<Int>(0)
        do {
            let table = HandleTable()
            func insert(_ label: String) -> HandleTable.Place {
                table.insert(Object(0) { ended.add(1, ordering: .relaxed) }, 0, label, [])
            }
            let first = insert("a")
            _ = insert("b")
            table.remove(first)
            for _ in 0..<10 { table.reclaim() }
            let endedFirst = ended.load(ordering: .relaxed)
            #expect(endedFirst == 1)
            #expect(table.find(0, "a", []) == nil)
        }
        let endedInAll = ended.load(ordering: .relaxed)
        #expect(endedInAll == 2)
    }

    @Test("readers find whole objects while others come and go", arguments: [1, 2])
    func threads(seed: UInt64) {
        let table = HandleTable()
        let lock = Lock()
        let ended = Atomic<Int>(0)
        let made = Atomic<Int>(0)
        let isWrong = Atomic<Bool>(false)
        let rounds = 5_000 * testScale
        let keys = 40
        // The last: taken out before the next is put in, so that there is one of each at most.
        nonisolated(unsafe) var places: [HandleTable.Place?] = Array(repeating: nil, count: keys)
        onThreads(6) { number in
            var generator = SeededGenerator(seed: seed &* 10 &+ UInt64(number))
            for _ in 0..<rounds {
                let key = Int.random(in: 0..<keys, using: &generator)
                let dimensions = [("key", "\(key)"), ("a longer key than words hold", "value \(key)")]
                if number < 4 {
                    guard let found = table.find(0, "label", dimensions) else { continue }
                    if name(found) != key { isWrong.store(true, ordering: .relaxed) }
                } else {
                    lock.withLock {
                        if let place = unsafe places[key] {
                            table.remove(place)
                            unsafe places[key] = nil
                        } else {
                            made.add(1, ordering: .relaxed)
                            let object = Object(key) { ended.add(1, ordering: .relaxed) }
                            unsafe places[key] = table.insert(object, 0, "label", dimensions)
                        }
                    }
                }
            }
        }
        let hasFoundOthers = isWrong.load(ordering: .relaxed)
        #expect(!hasFoundOthers)
        for _ in 0..<10 { table.reclaim() }
        let held = unsafe places.count { $0 != nil }
        let living = made.load(ordering: .relaxed) - ended.load(ordering: .relaxed)
        #expect(living == held)
    }
}
