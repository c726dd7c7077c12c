// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "connlog",
    products: [
        .executable(name: "connlog", targets: ["connlog"]),
        .library(
            name: "Connlog",
            targets: ["ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSinks", "ConnlogSources"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "connlog",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDaemon", "ConnlogSystem",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "ConnlogDaemon",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSinks", "ConnlogSources",
                "ConnlogSystem",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "ConnlogSources", dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogSystem"],
            swiftSettings: strict),
        .target(
            name: "ConnlogSinks", dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogSystem"],
            swiftSettings: strict),
        .target(
            name: "ConnlogDelivery", dependencies: ["ConnlogCore", "ConnlogQueue", "ConnlogSystem"],
            swiftSettings: strict),
        .target(name: "ConnlogQueue", dependencies: ["ConnlogSystem"], swiftSettings: strict),
        .target(name: "ConnlogConfig", dependencies: ["ConnlogSystem"], swiftSettings: strict),
        .target(name: "ConnlogCore", dependencies: ["CConnlog", "ConnlogSystem"], swiftSettings: strict),
        .target(name: "ConnlogSystem", dependencies: ["CConnlog", "CCurl", "CISAL"], swiftSettings: strict),
        .target(name: "CConnlog", dependencies: ["COpenSSL"]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        .target(
            name: "ConnlogTestSupport", dependencies: ["COpenSSL", "ConnlogCore", "ConnlogQueue", "ConnlogSystem"],
            path: "Tests/ConnlogTestSupport", swiftSettings: strict),
        .testTarget(
            name: "ConnlogSystemTests", dependencies: ["CConnlog", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogConfigTests", dependencies: ["ConnlogConfig", "ConnlogTestSupport"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogCoreTests", dependencies: ["ConnlogCore", "ConnlogSystem", "ConnlogTestSupport"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogQueueTests", dependencies: ["ConnlogQueue", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogSourcesTests",
            dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogSources", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogSinksTests",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSinks", "ConnlogSystem",
                "ConnlogTestSupport",
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogDeliveryTests",
            dependencies: ["ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogDaemonTests",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDaemon", "ConnlogDelivery", "ConnlogQueue", "ConnlogSinks",
                "ConnlogSources", "ConnlogSystem", "ConnlogTestSupport",
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ProcessTests", dependencies: ["connlog", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogQueue", "ConnlogSinks", "ConnlogSources", "ConnlogSystem",
            ],
            path: "Tests/Fuzz/Suite", swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["ConnlogTestSupport"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
