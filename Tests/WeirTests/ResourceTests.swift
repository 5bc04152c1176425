import Testing
import WeirBatch

@testable import Weir

@Suite("Resource", .timeLimit(.minutes(1)))
struct ResourceTests {
    @Test("attributes that are too long are cut as tags are: every batch has them")
    func limits() {
        let long = String(repeating: "é", count: 50_000_000)
        let attributes = Resource.attributes([long: "a", long + "b": "c", "long": long, "short": "d"])
        let cut = attributes.filter { $0.key.hasSuffix("…") }
        #expect(cut.count == 1 && cut.allSatisfy { (254...255).contains($0.key.utf8.count) && $0.value == "a" })
        #expect(attributes.first { $0.key == "long" }?.value == String(repeating: "é", count: 510) + "…")
        #expect(attributes.first { $0.key == "short" }?.value == "d")
        #expect(attributes.map(\.key) == attributes.map(\.key).sorted())
    }
}
