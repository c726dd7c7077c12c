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

/// What only the store and the server need: `--disable-default-traits` builds the forwarder alone, in a minute or two.
let server: TargetDependencyCondition? = .when(traits: ["Server"])

/// What `config/static/build.sh` says of a package: the commit, and the symbol of the data that it leaves out.
let packaged: [CSetting] = ["CONNLOG_COMMIT", "CONNLOG_ICU_TABLE"].compactMap { name in
    Context.environment[name].map { .define(name, to: $0) }
}

let package = Package(
    name: "connlog",
    products: [
        .executable(name: "connlog", targets: ["connlog"]),
        .library(name: "Connlog", targets: ["Connlog"]),
        .library(name: "ConnlogTesting", targets: ["ConnlogTesting"]),
    ],
    traits: [
        .default(enabledTraits: ["Server"]),
        .trait(name: "Server", description: "The store, the REST API, the page: what answers questions."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "connlog",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDaemon", "ConnlogPipeline", "ConnlogSystem", "ConnlogTools",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        // In a folder whose name differs from the program's in more than the case of a letter.
        .target(
            name: "Connlog",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue", "ConnlogSinks",
                "ConnlogSources", "ConnlogSystem",
            ],
            path: "Sources/ConnlogLibrary", swiftSettings: strict),
        .target(
            name: "ConnlogDaemon",
            dependencies: [
                "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue",
                "ConnlogSinks",
                "ConnlogSources", "ConnlogSystem", "ConnlogTools",
                .target(name: "ConnlogAPI", condition: server), .target(name: "ConnlogStore", condition: server),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(name: "ConnlogTesting", dependencies: ["ConnlogCore", "ConnlogSystem"], swiftSettings: strict),
        .target(
            name: "ConnlogTools",
            dependencies: [
                "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue",
                "ConnlogSinks",
                "ConnlogSources", "ConnlogSystem",
            ],
            swiftSettings: strict),
        .target(
            name: "ConnlogAPI",
            dependencies: [
                "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogStore", "ConnlogSystem",
                .product(name: "Crypto", package: "swift-crypto", condition: server),
                .product(name: "CryptoExtras", package: "swift-crypto", condition: server),
                .product(name: "Hummingbird", package: "hummingbird", condition: server),
                .product(name: "HummingbirdTLS", package: "hummingbird", condition: server),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio", condition: server),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: server),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: server),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            // In the program itself, so that the page needs no files beside it.
            resources: [.embedInCode("Page/Files")], swiftSettings: strict),
        .target(
            name: "ConnlogStore",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogSystem",
                .product(name: "GRDB", package: "GRDB.swift", condition: server),
                .product(name: "GRDBSQLite", package: "GRDB.swift", condition: server),
            ],
            swiftSettings: strict),
        .target(
            name: "ConnlogCoder", dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem"],
            swiftSettings: strict),
        .target(
            name: "ConnlogSources", dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem"],
            swiftSettings: strict),
        .target(
            name: "ConnlogSinks", dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem"],
            swiftSettings: strict),
        .target(
            name: "ConnlogPipeline",
            dependencies: ["ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSystem"],
            swiftSettings: strict),
        .target(
            name: "ConnlogDelivery", dependencies: ["ConnlogCore", "ConnlogQueue", "ConnlogSystem"],
            swiftSettings: strict),
        .target(name: "ConnlogQueue", dependencies: ["ConnlogSystem"], swiftSettings: strict),
        .target(name: "ConnlogConfig", dependencies: ["ConnlogSystem"], swiftSettings: strict),
        .target(name: "ConnlogCore", dependencies: ["CConnlog", "ConnlogSystem"], swiftSettings: strict),
        .target(name: "ConnlogSystem", dependencies: ["CConnlog", "CCurl", "CISAL"], swiftSettings: strict),
        .target(name: "CConnlog", dependencies: ["CISAL", "COpenSSL"], cSettings: packaged),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        .executableTarget(
            name: "store-benchmark", dependencies: ["ConnlogCore", "ConnlogStore", "ConnlogSystem"],
            path: "Benchmarks/Store", swiftSettings: strict),

        .target(
            name: "ConnlogTestSupport",
            dependencies: ["COpenSSL", "ConnlogCore", "ConnlogQueue", "ConnlogSystem", "ConnlogTesting"],
            path: "Tests/ConnlogTestSupport", swiftSettings: strict),
        .testTarget(
            name: "ConnlogSystemTests", dependencies: ["CConnlog", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogConfigTests", dependencies: ["ConnlogConfig", "ConnlogTestSupport"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogCoreTests", dependencies: ["CConnlog", "ConnlogCore", "ConnlogSystem", "ConnlogTestSupport"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogQueueTests", dependencies: ["ConnlogQueue", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogSourcesTests",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSources", "ConnlogSystem",
                "ConnlogTestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogSinksTests",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue", "ConnlogSinks",
                "ConnlogSystem", "ConnlogTestSupport",
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogCoderTests",
            dependencies: [
                "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem",
                "ConnlogTestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogDeliveryTests",
            dependencies: ["ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSystem", "ConnlogTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogPipelineTests",
            dependencies: [
                "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue", "ConnlogSources",
                "ConnlogSystem", "ConnlogTestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ConnlogToolsTests",
            dependencies: [
                "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue",
                "ConnlogSinks", "ConnlogSystem", "ConnlogTestSupport", "ConnlogTools",
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogDaemonTests",
            dependencies: [
                "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogDaemon", "ConnlogPipeline", "ConnlogSystem",
                "ConnlogTestSupport", "ConnlogTools", .target(name: "ConnlogAPI", condition: server),
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogStoreTests",
            dependencies: [
                "ConnlogConfig", "ConnlogCore", "ConnlogStore", "ConnlogSystem", "ConnlogTestSupport",
                .product(name: "GRDB", package: "GRDB.swift", condition: server),
                .product(name: "GRDBSQLite", package: "GRDB.swift", condition: server),
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnlogAPITests",
            dependencies: [
                "ConnlogAPI", "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogStore", "ConnlogSystem",
                "ConnlogTestSupport",
                .product(name: "NIOCore", package: "swift-nio", condition: server),
                .product(name: "Crypto", package: "swift-crypto", condition: server),
                .product(name: "CryptoExtras", package: "swift-crypto", condition: server),
                .product(name: "NIOEmbedded", package: "swift-nio", condition: server),
            ],
            swiftSettings: strict),
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

// Only who makes the documentation needs the plugin: CONNLOG_DOCS=1 swift package generate-documentation --target Connlog
if Context.environment["CONNLOG_DOCS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"))
}
