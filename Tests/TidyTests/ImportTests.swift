import Testing

/// Imports run downwards only: the table of the architecture, target by target.
@Suite struct ImportTests {
    /// What each target may import.
    private static let allowed: [String: Set<String>] = [
        "ConnlogSystem": ["CConnlog", "CCurl", "CISAL", "COpenSSL", "Glibc"],
        "ConnlogCore": ["CConnlog", "ConnlogSystem"],
        "ConnlogConfig": ["ConnlogSystem"],
        "ConnlogQueue": ["ConnlogSystem"],
        "ConnlogDelivery": ["ConnlogCore", "ConnlogQueue", "ConnlogSystem"],
        "ConnlogPipeline": ["ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogQueue", "ConnlogSystem"],
        "ConnlogCoder": ["ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem"],
        "ConnlogSources": ["ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem"],
        "ConnlogSinks": ["ConnlogConfig", "ConnlogCore", "ConnlogPipeline", "ConnlogSystem"],
        // The library's face.
        "ConnlogLibrary": [
            "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue", "ConnlogSinks",
            "ConnlogSources", "ConnlogSystem",
        ],
        "ConnlogTesting": ["ConnlogCore", "ConnlogSystem"],
        "ConnlogTools": [
            "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue",
            "ConnlogSinks",
            "ConnlogSources", "ConnlogSystem",
        ],
        "ConnlogDaemon": [
            "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogDelivery", "ConnlogPipeline", "ConnlogQueue",
            "ConnlogSinks",
            "ConnlogSources", "ConnlogAPI", "ConnlogStore", "ConnlogSystem", "ConnlogTools", "Logging",
            "ServiceLifecycle",
            "UnixSignals",
        ],
        "ConnlogStore": ["ConnlogConfig", "ConnlogCore", "ConnlogSystem", "GRDB", "GRDBSQLite"],
        "ConnlogAPI": [
            "ConnlogCoder", "ConnlogConfig", "ConnlogCore", "ConnlogStore", "ConnlogSystem", "Crypto", "CryptoExtras",
            "HTTPTypes",
            "Hummingbird",
            "HummingbirdCore", "HummingbirdTLS", "Logging", "NIOCore", "NIOHTTP1", "NIOSSL", "ServiceLifecycle",
        ],
        "connlog": [
            "ArgumentParser", "ConnlogConfig", "ConnlogCore", "ConnlogDaemon", "ConnlogPipeline", "ConnlogSystem",
            "ConnlogTools", "Logging", "ServiceLifecycle", "UnixSignals",
        ],
    ]

    @Test func `every target imports only what lies below it`() throws {
        let imports = try Repository.findings("^ *(@[a-z_]+(\\([^)]*\\))? )?([a-z]+ )?import ", in: ["Sources/*.swift"])
        try #require(imports.count > 20)
        for found in imports {
            let target = String(found.path.split(separator: "/")[1])
            let words = found.line.split(separator: " ").drop { $0 != "import" }.dropFirst()
            // `import struct Module.Name` names a kind first.
            let module = words.last?.split(separator: ".").first.map(String.init) ?? ""
            let allowed = try #require(Self.allowed[target], "\(found) is in a target that the table does not know")
            // The kernels are ConnlogSystem's kind of code in another place: see there.
            let isKernel = found.path.hasPrefix("Sources/ConnlogCore/Decode/Kernels/") && module == "Glibc"
            let isCoder = found.path == "Sources/ConnlogDaemon/Server/ServerMessage.swift" && module == "Foundation"
            #expect(isKernel || isCoder || allowed.union(["Synchronization"]).contains(module), "\(found)")
        }
    }
}
