// swift-tools-version: 6.2
import PackageDescription

// Two programs that embed connlog. In a repository of its own, the dependency is
//
//     .package(url: "https://github.com/.../connlog", from: "0.1.0", traits: [])
//
// and without traits neither the store nor the server is built.
let package = Package(
    name: "custom-sink",
    dependencies: [.package(name: "connlog", path: "../..", traits: [])],
    targets: [
        .executableTarget(
            name: "custom-sink", dependencies: ["PrintSink", .product(name: "Connlog", package: "connlog")]),
        .executableTarget(
            name: "embedded-forwarder", dependencies: [.product(name: "Connlog", package: "connlog")]),
        .target(name: "PrintSink", dependencies: [.product(name: "Connlog", package: "connlog")]),
        .testTarget(
            name: "PrintSinkTests",
            dependencies: [
                "PrintSink", .product(name: "Connlog", package: "connlog"),
                .product(name: "ConnlogTesting", package: "connlog"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
