import Testing
import WeirExporterSupport

@Suite("Base 64")
struct Base64Tests {
    @Test(
        "base 64 is as everybody's",
        arguments: [("", ""), ("u:p", "dTpw"), ("user:pw", "dXNlcjpwdw=="), ("ab", "YWI=")])
    func base64(text: String, expected: String) {
        #expect(String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self) == expected)
    }
}
