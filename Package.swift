// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// An exporter: `Plugins/<name>/Sink` holds its logic, `Plugins/<name>/Entry` its one C symbol.
///
/// - Parameter dependencies: What the sink's protocol needs.
func exporter(_ name: String, sink: String, dependencies: [Target.Dependency] = []) -> [Target] {
    [
        .target(
            name: sink, dependencies: ["WeirExporterKit"] + dependencies, path: "Plugins/\(name)/Sink",
            swiftSettings: swiftSettings),
        .target(
            name: name, dependencies: ["CWeirPlugin", "WeirExporterKit", .target(name: sink)],
            path: "Plugins/\(name)/Entry", swiftSettings: swiftSettings),
    ]
}

/// A suite mirrors a target and sees `package` declarations of what it names.
func tests(_ name: String, of dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["WeirTestSupport"], resources: resources,
        swiftSettings: swiftSettings)
}

let package = Package(
    name: "weir",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "WeirRecording", targets: ["WeirRecording"]),
        .library(name: "Weir", targets: ["Weir"]),
        .library(name: "WeirConfiguration", targets: ["WeirConfiguration"]),
        .library(name: "WeirExporterKit", targets: ["WeirExporterKit"]),
        .library(name: "WeirSystemMetrics", targets: ["WeirSystemMetrics"]),
        .library(name: "WeirMetrics", targets: ["WeirMetrics"]),
        .library(name: "WeirServiceLifecycle", targets: ["WeirServiceLifecycle"]),
        .library(name: "WeirTracing", targets: ["WeirTracing"]),
        .library(name: "FileExporter", type: .dynamic, targets: ["FileExporter"]),
        .library(name: "OtlpHttpExporter", type: .dynamic, targets: ["OtlpHttpExporter"]),
        .library(name: "OtlpHttpSink", targets: ["OtlpHttpSink"]),
        .library(name: "S3Exporter", type: .dynamic, targets: ["S3Exporter"]),
        .library(name: "S3Sink", targets: ["S3Sink"]),
        .library(name: "NatsExporter", type: .dynamic, targets: ["NatsExporter"]),
        .library(name: "NatsSink", targets: ["NatsSink"]),
        .library(name: "RemoteWriteExporter", type: .dynamic, targets: ["RemoteWriteExporter"]),
        .library(name: "RemoteWriteSink", targets: ["RemoteWriteSink"]),
        .library(name: "StatsdExporter", type: .dynamic, targets: ["StatsdExporter"]),
        .library(name: "StatsdSink", targets: ["StatsdSink"]),
        .library(name: "GraphiteExporter", type: .dynamic, targets: ["GraphiteExporter"]),
        .library(name: "GraphiteSink", targets: ["GraphiteSink"]),
        .library(name: "PrometheusExporter", type: .dynamic, targets: ["PrometheusExporter"]),
        .library(name: "PrometheusSink", targets: ["PrometheusSink"]),
        .executable(name: "weir", targets: ["WeirTool"]),
        .executable(name: "weir-plugin-host", targets: ["WeirPluginHost"]),
        .executable(name: "weir-bench", targets: ["WeirBench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C, each with named importers.
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(
            name: "CProtobufC", pkgConfig: "libprotobuf-c",
            providers: [.apt(["libprotobuf-c-dev"]), .brew(["protobuf-c"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"]), .brew(["isa-l"])]),
        .systemLibrary(
            name: "CNATS", pkgConfig: "libnats", providers: [.apt(["libnats-dev"]), .brew(["cnats"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"]), .brew(["snappy"])]),
        .target(name: "CWeirBatch", dependencies: ["CProtobufC"]),
        .target(name: "CWeirPlugin"),
        .target(name: "CWeirCPU"),

        // From a measurement to a batch at a sink.
        .target(name: "WeirSystem", swiftSettings: swiftSettings),
        .target(name: "WeirRecording", dependencies: ["CWeirCPU", "WeirSystem"], swiftSettings: swiftSettings),
        .target(
            name: "WeirBatch", dependencies: ["CWeirBatch", "CProtobufC", "CZstd", "CISAL", "WeirSystem"],
            swiftSettings: swiftSettings),
        .target(
            name: "WeirExport",
            dependencies: [
                "WeirRecording", "WeirBatch", "WeirSystem", "CWeirPlugin",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings),
        .target(name: "WeirExporterKit", dependencies: ["CWeirPlugin", "WeirSystem"], swiftSettings: swiftSettings),
        .target(
            name: "WeirExporterSupport", dependencies: ["CZlib", "WeirExporterKit", "WeirSystem"],
            swiftSettings: swiftSettings),
        .target(
            name: "WeirHTTPClient", dependencies: ["CCurl", "WeirExporterKit", "WeirExporterSupport"],
            swiftSettings: swiftSettings),
        .target(
            name: "StdoutSink", dependencies: ["WeirBatch", "WeirDump", "WeirExporterKit", "WeirSystem"],
            path: "Plugins/StdoutExporter/Sink", swiftSettings: swiftSettings),
        .target(
            name: "Weir",
            dependencies: [
                "WeirRecording", "WeirBatch", "WeirExport", "WeirExporterKit", "WeirSystem", "FileSink", "StdoutSink",
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "WeirConfiguration",
            dependencies: [
                "Weir", "WeirExport", "WeirRecording", "WeirSystem", .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swiftSettings),

        .target(
            name: "WeirSystemMetrics", dependencies: ["WeirRecording", "WeirSystem"], swiftSettings: swiftSettings),
        .target(
            name: "WeirTracing",
            dependencies: [
                "WeirRecording", .product(name: "Instrumentation", package: "swift-distributed-tracing"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "WeirMetrics",
            dependencies: [
                "WeirRecording", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "WeirServiceLifecycle",
            dependencies: [
                "Weir", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swiftSettings),

        // Programs.
        .target(
            name: "WeirDump", dependencies: ["WeirBatch", "WeirExporterKit", "WeirExporterSupport", "WeirSystem"],
            swiftSettings: swiftSettings),
        .target(
            name: "WeirCommands",
            dependencies: [
                "Weir", "WeirBatch", "WeirConfiguration", "WeirDump", "WeirExport", "WeirExporterKit",
                "WeirExporterSupport", "WeirRecording", "WeirSystem", "WeirSystemMetrics",
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "WeirTool",
            dependencies: [
                "Weir", "WeirCommands", "WeirConfiguration", "WeirDump", "WeirExport", "WeirRecording",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "WeirPluginHost", dependencies: ["WeirExport", "WeirSystem"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "WeirBench",
            dependencies: [
                "CWeirCPU", "WeirRecording", "WeirBatch", "WeirDump", "WeirExport", "WeirExporterKit", "Weir",
                "OtlpHttpSink", "PrometheusSink", "WeirExporterSupport", "WeirMetrics", "WeirTracing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Instrumentation", package: "swift-distributed-tracing"),
            ],
            swiftSettings: swiftSettings),

        // Tests.
        .target(
            name: "WeirTestSupport", dependencies: ["WeirBatch", .product(name: "Logging", package: "swift-log")],
            path: "Tests/WeirTestSupport", swiftSettings: swiftSettings),
        .target(name: "CRecordingProbe", path: "Tests/CRecordingProbe"),
        .executableTarget(
            name: "WeirRecordingProbe", dependencies: ["WeirRecording", "CWeirCPU", "CRecordingProbe"],
            path: "Tests/WeirRecordingProbe", swiftSettings: swiftSettings),
        .executableTarget(
            name: "WeirPluginProbe",
            dependencies: ["WeirExport", "WeirBatch", .product(name: "Logging", package: "swift-log")],
            path: "Tests/WeirPluginProbe", swiftSettings: swiftSettings),
        .executableTarget(
            name: "WeirExitProbe", dependencies: ["Weir", "WeirRecording"], path: "Tests/WeirExitProbe",
            swiftSettings: swiftSettings),
        tests("WeirTestSupportTests", of: []),
        tests("WeirRecordingTests", of: ["WeirRecording", "CWeirCPU", "WeirRecordingProbe"]),
        tests("WeirBatchTests", of: ["WeirBatch"], resources: [.copy("Fixtures")]),
        tests("WeirExportTests", of: ["CWeirCPU", "WeirExport", "WeirExporterKit", "WeirRecording", "WeirBatch"]),
        tests("FileSinkTests", of: ["FileSink", "WeirExporterKit", "WeirBatch"]),
        tests("WeirHTTPClientTests", of: ["WeirHTTPClient", "WeirExporterKit", "WeirExporterSupport"]),
        tests(
            "RemoteWriteSinkTests",
            of: [
                "RemoteWriteSink", "Weir", "WeirBatch", "WeirConfiguration", "WeirExport", "WeirExporterKit",
                "WeirExporterSupport",
            ]),
        tests(
            "OtlpHttpSinkTests",
            of: [
                "OtlpHttpSink", "Weir", "WeirBatch", "WeirConfiguration", "WeirExport", "WeirExporterKit",
                "WeirExporterSupport",
                "WeirHTTPClient",
            ],
            resources: [.copy("Fixtures")]),
        tests(
            "S3SinkTests",
            of: [
                "S3Sink", "Weir", "WeirConfiguration", "WeirExport", "WeirExporterKit", "WeirBatch", "WeirHTTPClient",
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.copy("Fixtures")]),
        tests(
            "TextSinkTests",
            of: [
                "StatsdSink", "GraphiteSink", "WeirExporterSupport", "Weir", "WeirConfiguration", "WeirExport",
                "WeirExporterKit", "WeirBatch", .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "StdoutSinkTests",
            of: ["StdoutSink", "Weir", "WeirConfiguration", "WeirDump", "WeirExporterKit", "WeirBatch"]),
        tests(
            "NatsSinkTests",
            of: [
                "NatsSink", "CNATS", "Weir", "WeirConfiguration", "WeirExport", "WeirExporterKit", "WeirBatch",
                "WeirPluginHost",
                .product(name: "Logging", package: "swift-log"),
            ], resources: [.copy("Fixtures")]),
        tests(
            "WeirExporterSupportTests",
            of: [
                "WeirExporterSupport", "WeirExporterKit", "WeirExport", "WeirBatch", "WeirDump",
                "PrometheusSink", "RemoteWriteSink", "OtlpHttpSink", "StatsdSink", "GraphiteSink",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "PrometheusSinkTests",
            of: ["PrometheusSink", "Weir", "WeirExport", "WeirExporterKit", "WeirRecording", "WeirConfiguration"]),
        tests("ExampleTests", of: []),
        tests("WeirTests", of: ["Weir", "WeirExitProbe", "WeirExport", "WeirExporterKit", "WeirBatch"]),
        tests(
            "WeirConfigurationTests",
            of: [
                "WeirConfiguration", "Weir", "WeirExport", "WeirRecording",
            ],
            resources: [.copy("Fixtures")]),
        tests("WeirSystemMetricsTests", of: ["WeirSystemMetrics", "WeirRecording", "WeirExport", "WeirBatch"]),
        tests(
            "WeirTracingTests",
            of: [
                "WeirTracing", "WeirRecording", "WeirExport", "WeirBatch",
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        tests(
            "WeirMetricsTests",
            of: [
                "WeirMetrics", "WeirRecording", "WeirExport", "WeirBatch",
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ]),
        tests(
            "WeirServiceLifecycleTests",
            of: [
                "WeirServiceLifecycle", "Weir", "WeirBatch", "WeirExporterKit",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]),
        tests("WeirDumpTests", of: ["WeirDump", "WeirBatch", "WeirExporterSupport"]),
        tests(
            "WeirCommandsTests",
            of: [
                "WeirCommands", "Weir", "WeirBatch", "WeirConfiguration", "WeirDump", "WeirExport",
                "WeirExporterSupport", "WeirRecording",
            ]),
        tests("CommandTests", of: ["WeirBatch", "WeirExport"], resources: [.copy("Fixtures")]),
        tests(
            "PluginTests",
            of: [
                "FileSink", "Weir", "WeirExport", "WeirExporterKit", "WeirBatch", "WeirPluginHost",
                "WeirPluginProbe",
                .product(name: "Logging", package: "swift-log"),
            ], resources: [.copy("Fixtures")]),
    ]
        + exporter("FileExporter", sink: "FileSink", dependencies: ["WeirSystem"])
        + exporter(
            "RemoteWriteExporter", sink: "RemoteWriteSink",
            dependencies: ["CSnappy", "WeirHTTPClient", "WeirExporterSupport"])
        + exporter(
            "OtlpHttpExporter", sink: "OtlpHttpSink",
            dependencies: ["WeirExporterSupport", "WeirHTTPClient"])
        + exporter(
            "PrometheusExporter", sink: "PrometheusSink",
            dependencies: [
                "WeirBatch", "WeirExporterSupport", "WeirSystem",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ])
        + exporter("StatsdExporter", sink: "StatsdSink", dependencies: ["WeirExporterSupport"])
        + exporter("GraphiteExporter", sink: "GraphiteSink", dependencies: ["WeirExporterSupport"])
        + exporter(
            "S3Exporter", sink: "S3Sink", dependencies: ["WeirExporterSupport", "WeirHTTPClient", "WeirSystem"])
        + exporter("NatsExporter", sink: "NatsSink", dependencies: ["CNATS", "WeirExporterSupport", "WeirSystem"])
)

// The sanitizers of CI check some modules, and need not build what is tested in others.
if let suites = Context.environment["WEIR_TESTS"]?.split(separator: " ").map(String.init) {
    package.targets.removeAll { $0.type == .test && !suites.contains($0.name) }
}
