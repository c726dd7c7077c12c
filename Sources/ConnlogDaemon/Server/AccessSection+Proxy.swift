#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore

/// `[access "name"] type = proxy`: whom an authenticating proxy brings.
extension AccessSection {
    static let proxy = SectionSchema(
        kind: "access", type: "proxy", isNamed: true, example: "proxy",
        summary:
            "Whoever an authenticating proxy before connlog says in headers. The proxy has to take these headers away from "
            + "what others send.",
        keys: [
            Key(
                "from", .list, required: true, example: "10.0.0.7",
                help:
                    "The proxy's addresses, at the other end of the connection itself. Whoever else can connect from there "
                    + "can say who it is too: on an address that other programs share, such as 127.0.0.1, set secret."),
            Key(
                "user_header", .string, default: "Remote-User",
                help: "The header that holds the user's name; a request where it stands twice is refused."),
            Key(
                "groups_header", .string, example: "Remote-Groups",
                help:
                    "The header that holds the user's groups, separated by commas. The proxy has to set it always, or take "
                    + "it away."),
            Key(
                "secret", .secret, example: "${file:/run/secrets/connlog-proxy}",
                help: "The proxy has to send this as Connlog-Proxy-Secret; what does not is nobody's word."),
        ] + groupKeys)

    /// What groups that others tell are here.
    static let groupKeys = [
        Key(
            "role", .choice(Role.allCases.map(\.rawValue)), example: "auditor",
            help: "What everybody is whom the other knows; without it, groups decide."),
        Key("auditors", .list, example: "security", help: "Groups whose members are auditors."),
        Key("admins", .list, example: "connlog-admins", help: "Groups whose members are admins."),
        Key(
            "organizations", .list, example: "engineering",
            help: "The only organizations whose connections these people see, by name or id; without it, all."),
        revoked,
    ]

    static func groupRoles(_ section: Section) throws(Diagnostic) -> GroupRoles {
        let role = section.optionalString("role").flatMap { Role(rawValue: $0) }
        let (auditors, admins) = (Set(section.optionalList("auditors")), Set(section.optionalList("admins")))
        if role == nil, auditors.isEmpty, admins.isEmpty {
            throw section.error(
                "role",
                "is missing, and so are auditors and admins, so nobody would be let in; add a line such as "
                    + "'auditors = security', or 'role = auditor' for everybody whom the other knows")
        }
        let organizations = section.optionalList("organizations")
        if role == .metrics, !organizations.isEmpty {
            throw section.error("organizations", "does not go with the role 'metrics': its figures count all of them")
        }
        return GroupRoles(
            everyone: role, auditors: auditors, admins: admins, organizations: organizations,
            revoked: names(section, "revoked"))
    }

    static func proxy(_ section: Section) throws(Diagnostic) -> ProxySignIn {
        var from: [AddressBlock] = []
        for text in section.list("from") {
            guard let block = AddressBlock(text) else {
                throw section.error("from", "'\(text)' is no address such as 10.0.0.7 or 10.0.0.0/8")
            }
            if text.hasSuffix("/0") {
                throw section.error("from", "'\(text)' is everybody; name the proxy's addresses")
            }
            from.append(block)
        }
        let (user, groups) = (section.string("user_header"), section.optionalString("groups_header"))
        guard ProxySignIn.header(user) != nil else {
            throw section.error("user_header", "is no header that can hold a name")
        }
        if let groups, ProxySignIn.header(groups) == nil || groups.lowercased() == user.lowercased() {
            throw section.error("groups_header", "is no header that can hold groups")
        }
        let roles = try groupRoles(section)
        if groups == nil, !roles.auditors.isEmpty || !roles.admins.isEmpty {
            let key = roles.auditors.isEmpty ? "admins" : "auditors"
            throw section.error(key, "needs a groups_header that says who is in them")
        }
        var secret: String?
        if let reference = section.secretReference("secret") {
            do throws(SecretError) { secret = try reference.read() } catch { throw section.error("secret", "\(error)") }
        }
        let proxy = ProxySignIn(
            name: section.name ?? "", from: from, userHeader: user, groupsHeader: groups, secret: secret, roles: roles)
        guard let proxy else { throw section.error("user_header", "is no header that can hold a name") }
        return proxy
    }
}
#endif
