package import WeirExporterKit

/// Who measures, in Prometheus's words.
///
/// Weir's measures have no instrumentation scope, so there are no `otel_scope_*` labels.
package struct Target: Hashable, Sendable {
    /// The family that tells of the resource, without the `_info` of its sample.
    package static let family = "target"
    package static let sample = "target_info"

    /// `service.namespace/service.name`; nil where the resource has no name. A scraping server has a `job` of its own.
    package let job: String?
    /// `service.instance.id`.
    package let instance: String?
    /// All of the resource: what a scrape tells.
    package let labels: [Label]
    /// What `job` and `instance` do not tell already: for who sends those two with each series.
    package let otherLabels: [Label]

    package init(resource attributes: [DeliveredTag]) {
        func value(_ key: String) -> String? {
            attributes.first { $0.key == key && !$0.value.isEmpty }?.value
        }
        let namespace = value("service.namespace")
        job = value("service.name").map { name in namespace.map { $0 + "/" + name } ?? name }
        instance = value("service.instance.id")
        var labeller = Labeller()
        labels = labeller.labels(attributes)
        let told: Set = ["service.name", "service.namespace", "service.instance.id"]
        labeller = Labeller(reserved: ["job", "instance"])
        otherLabels = labeller.labels(attributes.filter { !told.contains($0.key) })
    }
}
