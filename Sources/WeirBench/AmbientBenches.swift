internal import Instrumentation
internal import WeirRecording
internal import WeirTracing

/// Tags that follow the task: built before, and one key more in the task or in its context.
///
/// Last of all that records: once tags follow tasks, every measurement looks whether a view wants them.
enum AmbientBenches {
    static let names = ["counter.tags.ambient", "counter.tags.context"]

    private static let measure = Measure<Int64>("bench.ambient")
    private static let tenant: TagKey = "tenant"
    private static let keys: [TagKey] = ["method", "route", "status"]

    static func run(only: String, rounds: Int, _ report: Report) throws {
        guard names.contains(where: { $0.hasPrefix(only) }) else { return }
        try register(View("bench.ambient", of: measure, by: keys + [tenant], as: .sum))
        let (measure, tenant) = (measure, tenant)
        let tags = Tags(zip(keys, ["GET", "/users", "200"]))
        let ambient = Bench(name: names[0]) { count in
            withTags([tenant: "acme"]) {
                for _ in 0..<count { measure.record(1, tags) }
            }
        }
        RecordingBenches.measure([ambient].filter { $0.name.hasPrefix(only) }, rounds: rounds, report)
        // From here on tags ride on contexts.
        let context = ServiceContext.topLevel.tagged([tenant: "acme"])
        let carried = Bench(name: names[1]) { count in
            ServiceContext.withValue(context) {
                for _ in 0..<count { measure.record(1, tags) }
            }
        }
        RecordingBenches.measure([carried].filter { $0.name.hasPrefix(only) }, rounds: rounds, report)
    }
}
