// swift-tools-version: 6.2
import PackageDescription

// A web server outside of Weir's package, as a team would write it: its requests in Prometheus.
let package = Package(
    name: "example",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(name: "weir", path: "../.."),
    ],
    targets: [
        .executableTarget(
            name: "ExampleServer",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "PrometheusSink", package: "weir"),
                .product(name: "Weir", package: "weir"),
                .product(name: "WeirMetrics", package: "weir"),
                .product(name: "WeirServiceLifecycle", package: "weir"),
            ])
    ]
)
