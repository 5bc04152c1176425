import Weir

// What is measured, and by what it can be told apart. Values; usually static.
let latency = Measure<Double>("http.server.duration", unit: .seconds, description: "Time to serve a request")
let size = Measure<Int64>("http.server.response.size", unit: .bytes)
let route: TagKey = "http.route"
let status: TagKey = "http.status_code"
let tenant: TagKey = "tenant"

// How measures become series.
try register(
    View("http/latency", of: latency, by: [route, status], as: .distribution()),
    View("http/requests", of: latency, by: [route, status, tenant], as: .count),
    View("http/bytes", of: size, by: [route], as: .sum))

// Where they go.
let exporting = try startExporting(every: .seconds(10), to: .file(directory: "weir-data"))

latency.record(0.012, [route: "/users", status: "200"])  // constant tags at the call
let path = "/users/\(7)"
latency.record(0.012, (route, path), (status, "200"))  // tags that are computed
record([latency.of(0.012), size.of(512)], [route: "/users", status: "200"])  // several measures at once
let users = Tags([route: "/users", status: "200"])
latency.record(0.012, users)  // tags built once
let hot = latency.bound(to: users)
hot.record(0.012)  // everything resolved once
withTags([tenant: "acme"]) { latency.record(0.012, users) }  // tags that follow the task

// Measure and view in one line.
let errors = Counter("http.server.errors", unit: "{error}", by: [route])
errors.add(1, users)
let queued = UpDownCounter("jobs.queued", unit: "{job}")
queued.add(3)
let temperature = Gauge("room.temperature", unit: "Cel")
temperature.set(21.5)
let memory = Gauge("process.memory.limit", unit: .bytes)
let observation = memory.observe { 1e9 }  // at each collection
let queries = Timer("db.client.operation.duration")
let answer = queries.time { 42 }

print(await exporting.shutdown(deadline: .seconds(5)))
