#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore

/// A type of `[access]` section: its keys, and what is made of one. Nobody asks for a type by its name.
struct AccessKind: Sendable {
    /// What a section becomes in the list of who may ask.
    enum Member: Sendable {
        case entry(AccessList.Entry)
        case proxy(ProxySignIn)
        case coder(CoderSignIn)
        case issuer(OIDCSignIn)
    }

    /// What it needs beside its section.
    struct Context: Sendable {
        /// Names connlog to whom is asked.
        let version: String
        /// Gets what is wrong with the answers of others.
        let log: LogFunction
    }

    let schema: SectionSchema
    /// It asks others who people are, and is kept over a reload, with what it has been told, as long as its section is the
    /// same.
    var isKept = false
    let make: @Sendable (Section, Context) throws(Diagnostic) -> Member
}

extension AccessSection {
    static let kinds = [
        AccessKind(schema: token) { (section, _) throws(Diagnostic) in .entry(try entry(section)) },
        AccessKind(schema: coder, isKept: true) { (section, context) throws(Diagnostic) in
            .coder(try coder(section, version: context.version, log: context.log))
        },
        AccessKind(schema: proxy) { (section, _) throws(Diagnostic) in .proxy(try proxy(section)) },
        AccessKind(schema: oidc, isKept: true) { (section, context) throws(Diagnostic) in
            .issuer(try oidc(section, version: context.version, log: context.log))
        },
    ]
}

extension AccessList {
    mutating func add(_ member: AccessKind.Member) {
        switch member {
        case .entry(let entry): entries.append(entry)
        case .proxy(let proxy): proxies.append(proxy)
        case .coder(let coder): coders.append(coder)
        case .issuer(let issuer): issuers.append(issuer)
        }
    }
}
#endif
