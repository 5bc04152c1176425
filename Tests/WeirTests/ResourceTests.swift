import Testing
import WeirBatch

@testable import Weir

@Suite("Resource", .timeLimit(.minutes(1)))
struct ResourceTests {
    @Test("attributes that are too long are cut as tags are: every batch has them")
    func limits() {
        let long = String(repeating: "é", count: 50_000_000)
        let attributes = Resource([long: "a", long + "b": "c", "long": long, "short": "d"]).attributes
        let cut = attributes.filter { $0.key.hasSuffix("…") }
        #expect(cut.count == 1 && cut.allSatisfy { (254...255).contains($0.key.utf8.count) && $0.value == "a" })
        #expect(attributes.first { $0.key == "long" }?.value == String(repeating: "é", count: 510) + "…")
        #expect(attributes.first { $0.key == "short" }?.value == "d")
        #expect(attributes.map(\.key) == attributes.map(\.key).sorted())
    }

    /// What a resource says by key.
    private func values(_ resource: Resource) -> [String: String] {
        Dictionary(uniqueKeysWithValues: resource.attributes.map { ($0.key, $0.value) })
    }

    @Test("every process has an id of its own, which stays")
    func instance() throws {
        let id = try #require(values(Resource([:]))["service.instance.id"])
        #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        #expect(values(Resource([:]))["service.instance.id"] == id)
        #expect(values(Resource(["service.instance.id": "7"]))["service.instance.id"] == "7")
        #expect(values(Resource([:]))["process.executable.name"]?.isEmpty == false)
    }

    @Test("the environment gives attributes, under those of the code")
    func environment() {
        let variables = [
            "OTEL_RESOURCE_ATTRIBUTES":
                "service.name=shop, service.instance.id=pod-7,deployment.environment.name=a%2Cb%3D%C3%A9 ,space=%20x%20,empty=,k8s.pod.name=x=y",
            "OTEL_SERVICE_NAME": "till",
        ]
        let resource = Resource(["k8s.pod.name": "mine"], environment: { variables[$0] })
        let found = values(resource)
        #expect(resource.problem == nil)
        #expect(found["service.name"] == "till" && found["service.instance.id"] == "pod-7")
        #expect(found["deployment.environment.name"] == "a,b=é" && found["empty"] == "" && found["space"] == " x ")
        #expect(found["k8s.pod.name"] == "mine")
        let unnamed = values(Resource([:], environment: { $0 == "OTEL_SERVICE_NAME" ? "" : nil }))
        #expect(unnamed["service.name"]?.hasPrefix("unknown_service:") == true)
    }

    @Test(
        "where one attribute of the environment is wrong, none holds, and the log says so",
        arguments: [
            "a=1,b", "a=1,=2", "a=%", "a=%4", "a=%zz", "a=%C3", "a=1,b=%+1",
        ])
    func wrongEnvironment(text: String) {
        let resource = Resource([:], environment: { $0 == "OTEL_RESOURCE_ATTRIBUTES" ? text : nil })
        #expect(resource.problem?.contains("OTEL_RESOURCE_ATTRIBUTES") == true)
        #expect(values(resource)["a"] == nil)
    }
}
