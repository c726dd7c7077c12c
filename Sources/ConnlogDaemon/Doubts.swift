import ConnlogConfig
import ConnlogPipeline

/// What is right by the rules and still may not be what was meant, with the way out.
enum Doubts {
    static func of(_ configuration: Configuration, _ registry: Registry) -> [String] {
        configuration.sections.flatMap {
            openDoors($0) + sharedAddresses($0) + relativePaths($0, registry) + ofSource($0, registry)
        }
    }

    private static func ofSource(_ section: Section, _ registry: Registry) -> [String] {
        section.kind == "source" ? registry.source(section.type)?.doubts(section) ?? [] : []
    }

    /// Tokens, and who connected to what, in the clear on a network.
    private static func openDoors(_ section: Section) -> [String] {
        guard section.kind == "server", section.has("listen"), section.optionalString("tls_cert") == nil else {
            return []
        }
        let (host, port) = section.address("listen")
        if host == "localhost" || host == "::1" || host.hasPrefix("127.") { return [] }
        return [
            "\(section.heading) listen: tokens and connections go to \(host.contains(":") ? "[\(host)]" : host):\(port) in the "
                + "clear; set tls_cert and tls_key, or listen on 127.0.0.1 behind a proxy that speaks TLS"
        ]
    }

    /// Where every program of the machine can say who it is.
    private static func sharedAddresses(_ section: Section) -> [String] {
        // Whoever believes what comes from an address, and asks for no secret.
        guard section.kind == "access", section.isSet("from"), !section.isSet("secret") else { return [] }
        let shared = section.optionalList("from").filter { $0.hasPrefix("127.") || $0 == "::1" || $0.hasPrefix("::1/") }
        return shared.map {
            "\(section.heading) from: every program and user of this machine can connect from \($0) and say there who "
                + "it is; set secret, and have the proxy send it as Connlog-Proxy-Secret"
        }
    }

    /// Files that are others when connlog is started elsewhere.
    private static func relativePaths(_ section: Section, _ registry: Registry) -> [String] {
        let patterns = section.kind == "source" ? registry.source(section.type)?.paths(section) ?? [] : []
        let files = section.pathKeys.compactMap { key in section.optionalString(key).map { (key, $0) } }
        return (patterns.map { ("path", $0) } + files).compactMap { key, path in
            if path.hasPrefix("/") || path == "-" || path.isEmpty { return nil }
            return
                "\(section.heading) \(key): '\(path)' begins where connlog is started; write a path that begins with '/'"
        }
    }
}
