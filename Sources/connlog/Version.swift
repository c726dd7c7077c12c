import ConnlogSystem

/// Which connlog this is.
enum Version {
    /// The version that the User-Agent, the log and what is sent tell.
    static let text = "0.1.0"

    /// What `--version` prints: the version, the commit and the traits, a line each.
    static var long: String {
        let commit = BuiltFrom.commit ?? "unknown (no package)"
        return "connlog \(text)\ncommit: \(commit)\ntraits: \(traits)"
    }

    private static var traits: String {
        #if Server
        "Server"
        #else
        "none (a forwarder, without store, server and page)"
        #endif
    }
}
