// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because libFuzzer takes flags that a package with dependants may not have. `run.sh` builds it.
let package = Package(
    name: "connlog-fuzz",
    dependencies: [.package(name: "connlog", path: "../..")],
    targets: [
        .executableTarget(
            name: "connlog-fuzz",
            dependencies: [.product(name: "Connlog", package: "connlog")],
            path: ".",
            exclude: ["Corpus", "Suite/Replay", "run.sh"],
            sources: ["Driver", "Suite/Targets"],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableExperimentalFeature("Lifetimes"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
