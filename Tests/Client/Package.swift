// swift-tools-version: 6.2
import PackageDescription

let strictest: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

// Applications outside of Weir's package, with the strictest settings: what the README shows must compile here, and every
// exporter must be there to link; and swift-metrics and swift-service-lifecycle find what they expect.
let package = Package(
    name: "client",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "weir", path: "../.."),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "Client",
            dependencies: [.product(name: "Weir", package: "weir")],
            swiftSettings: strictest),
        .executableTarget(
            name: "Exporters",
            dependencies: [
                "Weir", "GraphiteSink", "NatsSink", "OtlpHttpSink", "PrometheusSink", "RemoteWriteSink", "S3Sink",
                "StatsdSink",
            ].map { .product(name: $0, package: "weir") },
            swiftSettings: strictest),
        .executableTarget(
            name: "Services",
            dependencies: [
                .product(name: "Weir", package: "weir"), .product(name: "WeirMetrics", package: "weir"),
                .product(name: "WeirServiceLifecycle", package: "weir"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strictest),
        .executableTarget(
            name: "Traced",
            dependencies: [
                .product(name: "Weir", package: "weir"), .product(name: "WeirTracing", package: "weir"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strictest),
    ]
)
