import Testing
import WeirBatch

@Suite("Strings that are equal by their bytes")
struct ExactStringTests {
    @Test("the same bytes are equal, the same characters in other bytes are not")
    func equality() {
        #expect(ExactString("caf\u{E9}") == ExactString("caf\u{E9}"))
        #expect("caf\u{E9}" == "cafe\u{301}")
        #expect(ExactString("caf\u{E9}") != ExactString("cafe\u{301}"))
        #expect(Set([ExactString("\u{E9}"), ExactString("e\u{301}"), ExactString("\u{E9}")]).count == 2)
    }
}
