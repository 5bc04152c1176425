import Testing
import WeirExporterKit
import WeirExporterSupport

@Suite("Labels")
struct LabelTests {
    @Test(
        "a key becomes a legal name",
        arguments: [
            ("http.method", "http_method"), ("a", "a"), ("A-b c", "A_b_c"), ("1st", "key_1st"),
            ("__name__", "key__name__"),
            ("_a", "_a"), ("é", "_"), ("数字", "key__"), ("le", "exported_le"), ("", "key"), ("a:b", "a_b"),
        ])
    func names(key: String, name: String) {
        var labeller = Labeller(reserved: ["le"])
        #expect(labeller.name(of: key) == name)
        #expect(labeller.name(of: key) == name)
    }

    @Test("labels are in order, and empty ones are left out")
    func order() {
        var labeller = Labeller()
        let labels = labeller.labels(
            [("z", "1"), ("a.b", "2"), ("empty", ""), ("m", "3")].map(DeliveredTag.init))
        #expect(labels == [Label("a_b", "2"), Label("m", "3"), Label("z", "1")])
    }

    @Test("keys that become one name share its label, in their order")
    func shared() {
        var labeller = Labeller()
        let labels = labeller.labels([("b", "x"), ("a_b", "2"), ("a.b", "1")].map(DeliveredTag.init))
        #expect(labels == [Label("a_b", "1;2"), Label("b", "x")])
    }

    @Test("what a quoted text must not contain is escaped", arguments: [Escaping.quoted, .plain])
    func escaping(escaping: Escaping) {
        var bytes: [UInt8] = []
        escaping.append("a\\b\"c\nd é🐟", to: &bytes)
        let quotation = escaping == .quoted ? #"\""# : "\""
        #expect(String(decoding: bytes, as: UTF8.self) == #"a\\b"# + quotation + #"c\nd é🐟"#)
    }

    @Test("the resource is a target, its name a job and its instance one")
    func target() {
        let attributes = [
            ("service.name", "shop"), ("service.namespace", "europe"), ("service.instance.id", "7"), ("host.name", "h"),
            ("job", "own"),
        ].map(DeliveredTag.init)
        let target = Target(resource: attributes)
        #expect(target.job == .some("europe/shop"))
        #expect(target.instance == .some("7"))
        #expect(
            target.labels.map(\.name)
                == ["host_name", "job", "service_instance_id", "service_name", "service_namespace"])
        #expect(target.otherLabels == [Label("exported_job", "own"), Label("host_name", "h")])
        let nameless = Target(resource: [DeliveredTag(key: "host.name", value: "h")])
        #expect(nameless.job == nil)
        #expect(nameless.instance == nil)
    }
}
