#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore

/// `[server]`: where questions are asked and events handed in.
enum ServerSection {
    static let schema = SectionSchema(
        kind: "server", isNamed: false,
        summary: "HTTP: Coder's API for connection logs and ours on top of it, ingest, metrics, health.",
        keys: [
            Key(
                "listen", .address, default: "127.0.0.1:8484",
                help:
                    "Where connections are taken. Without an [access] section only connlog's own commands are answered, "
                    + "through the socket connlog.sock in data_dir."),
            Key(
                "open", .boolean, default: "false",
                help: "Serve whoever is on this machine without a token, as long as there is no [access] section: for "
                    + "trying connlog out, on a loopback address only. Every user of the machine may read and hand in "
                    + "everything then."),
            Key(
                "external_url", .string, example: "https://connlog.example.com/",
                help:
                    "Where browsers find the server when a proxy stands before it, with the path under which it lies. "
                    + "A host name of its own keeps the page apart from everything else there."),
            Key(
                "trusted_proxies", .list, example: "10.0.0.0/8",
                help:
                    "Addresses of proxies whose X-Forwarded-For is taken: then the log, and limits for an address, are "
                    + "about who asked."),
            Key(
                "tls_cert", .path, example: "/etc/connlog/server.pem",
                help: "A PEM file with the certificate and those between it and its root; with it, only TLS is spoken. "
                    + "SIGHUP reads it again."),
            Key("tls_key", .path, example: "/etc/connlog/server.key", help: "Its private key, in PEM."),
            Key(
                "max_connections", .integer(1...100_000), default: "1024",
                help: "With so many open, further ones wait to be taken; fewer where the process may open fewer files."),
            Key(
                "max_connections_per_address", .integer(1...100_000), default: "256",
                help:
                    "With so many from one address, further ones from there are closed. Trusted proxies may have more."),
            Key(
                "max_questions", .integer(1...10_000), default: "64",
                help:
                    "Questions to the store at once; further ones are answered with 429. One token may have a quarter of "
                    + "them, one address half."),
            Key(
                "max_streams", .integer(1...10_000), default: "256",
                help: "Exports, live views and bodies handed in at once, shared out in the same way."),
            Key(
                "max_body", .size(1024...4_294_967_296), default: "64MiB",
                help: "The most that one ingest request may hold, unpacked."),
            Key(
                "timeout", .duration(.seconds(1)...(.seconds(3600))), default: "30s",
                help:
                    "How long a question may take, and how long a client may take nothing of an answer, send nothing of a "
                    + "body, or do nothing at all."),
        ])

    /// What it says, but for the certificate: `start` reads that.
    /// - Throws: what a schema cannot express.
    static func options(_ section: Section) throws(Diagnostic) -> APIServer.Options {
        switch (section.optionalString("tls_cert"), section.optionalString("tls_key")) {
        case (_?, nil): throw section.error("tls_cert", "needs a tls_key beside it")
        case (nil, _?): throw section.error("tls_key", "needs a tls_cert beside it")
        default: break
        }
        let (host, port) = section.address("listen")
        var options = APIServer.Options(host: host, port: port)
        options.bodyBytesMax = section.size("max_body")
        options.connectionsMax = section.integer("max_connections")
        options.connectionsOfAddressMax = section.integer("max_connections_per_address")
        options.questionsMax = section.integer("max_questions")
        options.streamsMax = section.integer("max_streams")
        options.timeout = section.duration("timeout")
        options.externalURL = try externalURL(section)
        options.trustedProxies = try trustedProxies(section)
        return options
    }

    private static func externalURL(_ section: Section) throws(Diagnostic) -> ExternalURL? {
        guard let text = section.optionalString("external_url") else { return nil }
        guard let url = ExternalURL(text) else {
            throw section.error("external_url", "is no URL such as https://connlog.example.com/")
        }
        return url
    }

    private static func trustedProxies(_ section: Section) throws(Diagnostic) -> TrustedProxies {
        var blocks: [AddressBlock] = []
        for text in section.optionalList("trusted_proxies") {
            guard let block = AddressBlock(text) else {
                throw section.error("trusted_proxies", "'\(text)' is no address such as 10.0.0.7 or 10.0.0.0/8")
            }
            blocks.append(block)
        }
        return TrustedProxies(blocks)
    }

    /// Who may ask, by the `[access]` sections and what `[server]` says.
    /// - Parameter section: `nil` without `[server]`.
    static func access(_ section: Section?, _ list: AccessList) throws(Diagnostic) -> AccessList {
        guard let section, section.boolean("open") else { return list }
        guard list.isEmpty else {
            throw section.error(
                "open", "means that nobody needs a token, and there are [access] sections; leave one out")
        }
        let (host, _) = section.address("listen")
        guard LoopbackHost.isOne(host) else {
            throw section.error(
                "open",
                "is for a loopback address only, and this listens at \(host); write an [access] section instead, "
                    + "or listen = 127.0.0.1:8484")
        }
        return AccessList(isOpen: true)
    }
}
#endif
