#if Server
import ConnlogAPI
import ConnlogConfig

/// `[server]`: where questions are asked and events handed in.
enum ServerSection {
    static let schema = SectionSchema(
        kind: "server", isNamed: false,
        summary: "HTTP: Coder's API for connection logs and ours on top of it, ingest, metrics, health.",
        keys: [
            Key(
                "listen", .address, default: "127.0.0.1:8484",
                help: "Where connections are taken. Without an [access] section only this machine is served, whatever "
                    + "stands here."),
            Key(
                "tls_cert", .path, example: "/etc/connlog/server.pem",
                help: "A PEM file with the certificate and those between it and its root; with it, only TLS is spoken. "
                    + "SIGHUP reads it again."),
            Key("tls_key", .path, example: "/etc/connlog/server.key", help: "Its private key, in PEM."),
            Key(
                "max_connections", .integer(1...100_000), default: "1024",
                help: "With so many open, further ones wait to be taken."),
            Key(
                "max_body", .size(1024...4_294_967_296), default: "64MiB",
                help: "The most that one ingest request may hold, unpacked."),
            Key(
                "timeout", .duration(.seconds(1)...(.seconds(3600))), default: "30s",
                help: "How long a question may take, and how long a connection may do nothing."),
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
        options.timeout = section.duration("timeout")
        return options
    }
}

/// `[access "name"]`: who may ask.
enum AccessSection {
    static let schema = SectionSchema(
        kind: "access", isNamed: true,
        summary: "Somebody who may use the server, known by a token: see 'connlog token create'.",
        keys: [
            Key(
                "role", .choice(Role.allCases.map(\.rawValue)), required: true, example: "auditor",
                help: "auditor reads connections and connlog's state, ingest hands in events, admin does both."),
            Key(
                "token_sha256", .list, required: true,
                example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                help: "The SHA-256 of the token, as 'connlog token create' prints it; two while one replaces the other."
            ),
            Key(
                "organizations", .list, example: "engineering",
                help: "The only organizations whose connections are shown, by name or id; without it, all."),
            Key(
                "user", .string, example: "jane",
                help: "Whom 'me' means in a filter: a user name of a [directory], or a user's id."),
        ])

    static func entry(_ section: Section) throws(Diagnostic) -> AccessList.Entry {
        let entry = AccessList.Entry(
            name: section.name ?? "", role: Role(rawValue: section.string("role")) ?? .auditor,
            tokenHashes: section.list("token_sha256"), organizations: section.optionalList("organizations"),
            user: section.optionalString("user"))
        guard let entry else {
            throw section.error(
                "token_sha256", "is not the 64 hex digits of a SHA-256; 'connlog token create' prints them")
        }
        return entry
    }
}
#endif
