#if Server
import ConnlogAPI
import ConnlogCoder
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline

/// `[access "name"]`: who may ask.
enum AccessSection {
    static let schemas = kinds.map(\.schema)

    static let token = SectionSchema(
        kind: "access", type: "token", isNamed: true, example: "jane", isUsualType: true,
        summary:
            "Somebody who may use the server, known by a token: see 'connlog token create'. This is the usual type.",
        keys: [
            Key(
                "role", .choice(Role.allCases.map(\.rawValue)), required: true, example: "auditor",
                help:
                    "auditor reads connections and connlog's state, ingest hands in events, metrics reads connlog's state and "
                    + "no connection, admin does all of it."),
            Key(
                "token_sha256", .list, required: true,
                example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                help: "The SHA-256 of the token, as 'connlog token create' prints it; two while one replaces the other."
            ),
            Key(
                "organizations", .list, example: "engineering",
                help:
                    "The only organizations whose connections are shown and whose events may be handed in, by name or id; "
                    + "without it, all."),
            Key(
                "user", .string, example: "jane",
                help: "Whom 'me' means in a filter: a user name of a [directory], or a user's id."),
        ])

    static let coder = SectionSchema(
        kind: "access", type: "coder", isNamed: true, example: "coder",
        summary:
            "Whoever holds a session token of a Coder, with the rights of the user's roles there. Coder is asked once a "
            + "minute at most for each token, and without its word nobody is let in.",
        keys: [
            CoderKeys.url,
            Key(
                "roles", .list,
                default: "owner=auditor, auditor=auditor, organization-admin=auditor, organization-auditor=auditor",
                help:
                    "What a role of Coder's is here, auditor or admin, separated by commas; one of an organization is good "
                    + "for that organization. Whoever has none of them is not let in."),
            Key(
                "cookie", .boolean, default: "false",
                help:
                    "Take Coder's own cookie, coder_session_token, for a token. Browsers send it here only where connlog "
                    + "has Coder's host, and then with whatever a page there makes them ask, and connlog sees it of "
                    + "everybody who comes: off unless connlog lies under a path of Coder's own host and you want that."
            ),
            revoked,
            CoderKeys.headers,
            Key("timeout", .duration(.seconds(1) ... .seconds(20)), default: "10s", help: "For one answer."),
        ] + HTTPKeys.all)

    static let revoked = Key(
        "revoked", .list, example: "mallory",
        help:
            "People who are let in by no way, whichever section names them here: neither by another section nor by a "
            + "token of connlog's own whose name or user it is. By user name, e-mail address or id, as far as whoever "
            + "vouches for them says it: a program's token often has an id only (sub). In force at SIGHUP."
    )

    static func entry(_ section: Section) throws(Diagnostic) -> AccessList.Entry {
        let entry = AccessList.Entry(
            name: section.name ?? "", role: Role(rawValue: section.string("role")) ?? .auditor,
            tokenHashes: section.list("token_sha256"), organizations: section.optionalList("organizations"),
            user: section.optionalString("user"))
        if entry?.role == .metrics, section.isSet("organizations") {
            throw section.error("organizations", "does not go with the role 'metrics': its figures count all of them")
        }
        guard let entry else {
            throw section.error(
                "token_sha256", "is not the 64 hex digits of a SHA-256; 'connlog token create' prints them")
        }
        return entry
    }

    /// - Parameter log: gets what is wrong with Coder's answers.
    static func coder(
        _ section: Section, version: String, log: @escaping LogFunction
    ) throws(Diagnostic) -> CoderSignIn {
        let settings = CoderSignIn.Settings(
            name: section.name ?? "", url: section.list("url").first ?? "", roles: try coderRoles(section),
            revoked: names(section, "revoked"),
            takesCookie: section.boolean("cookie"))
        return CoderSignIn(settings, log: log, api: try CoderKeys.maker(section, version: version))
    }

    private static func coderRoles(_ section: Section) throws(Diagnostic) -> [String: Role] {
        var roles: [String: Role] = [:]
        for text in section.list("roles") {
            let pair = text.split(separator: "=", omittingEmptySubsequences: false).map(\.trimmingBlanks)
            guard pair.count == 2, !pair[0].isEmpty, let role = Role(rawValue: pair[1]), role.mayRead else {
                throw section.error(
                    "roles", "'\(text)' is not a role of Coder's with auditor or admin, such as owner=admin")
            }
            roles[pair[0]] = role
        }
        return roles
    }

    /// A list of names to compare with, in lower case.
    static func names(_ section: Section, _ key: String) -> Set<String> {
        Set(section.optionalList(key).map { $0.lowercased() })
    }
}
#endif
