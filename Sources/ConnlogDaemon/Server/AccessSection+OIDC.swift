#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline

/// `[access "name"] type = oidc`: whom an OpenID Connect issuer vouches for.
extension AccessSection {
    static let oidc = SectionSchema(
        kind: "access", type: "oidc", isNamed: true, example: "sso",
        summary:
            "Whoever an OpenID Connect issuer vouches for: at the page by its sign-in, for programs by a token of the "
            + "issuer's as Authorization: Bearer.",
        keys: [
            Key(
                "issuer", .string, required: true, example: "https://sso.example.com/realms/main",
                help: "As its own description at /.well-known/openid-configuration has it, to the last slash."),
            Key(
                "client_id", .string, required: true, example: "connlog",
                help: "What the issuer calls connlog. There, the address to send people back to is external_url of "
                    + "[server] and login/oidc/callback after it."),
            Key(
                "client_secret", .secret, example: "${file:/run/secrets/oidc-secret}",
                help:
                    "What proves that connlog is that client; without it, for a public client, PKCE alone. A file is read "
                    + "again for each sign-in."),
            Key(
                "label", .string, example: "Company sign-in",
                help: "What the page's button says; by itself, the section's name."),
            Key("scopes", .list, default: "openid, profile, email", help: "What is asked for; openid has to be there."),
            Key(
                "user_claim", .string, default: "preferred_username",
                help: "The claim with the user's name; else email, else sub."),
            Key(
                "groups_claim", .string, default: "groups",
                help:
                    "The claim with the user's groups, such as groups or realm_access.roles. Without it in the ID token, "
                    + "the issuer's userinfo is asked."),
            Key(
                "audience", .list, example: "connlog-api",
                help: "Whom a program's token has to be for; by itself, client_id."),
            Key(
                "session_age", .duration(.seconds(60) ... .seconds(43_200)), default: "1h",
                help:
                    "How long a sign-in at the page is good. The issuer is not asked meanwhile, so a leaver stays that "
                    + "long unless revoked names it."),
        ] + groupKeys + [
            Key("timeout", .duration(.seconds(1) ... .seconds(20)), default: "10s", help: "For one answer.")
        ] + HTTPKeys.all)

    static func oidc(
        _ section: Section, version: String, log: @escaping LogFunction
    ) throws(Diagnostic) -> OIDCSignIn {
        let issuer = section.string("issuer")
        guard let url = ExternalURL(issuer), url.isSecure || LoopbackHost.isNamed(by: url.authority) else {
            throw section.error(
                "issuer", "is no https:// address such as https://sso.example.com; plain http is for a loopback address"
            )
        }
        var settings = OIDCSignIn.Settings(
            name: section.name ?? "", issuer: issuer, clientID: section.string("client_id"),
            secret: section.secretReference("client_secret"), roles: try groupRoles(section),
            http: try HTTPKeys.settings(section, version: version))
        settings.label = section.optionalString("label") ?? settings.name
        settings.scopes = section.list("scopes")
        guard settings.scopes.contains("openid") else {
            throw section.error("scopes", "lacks openid, without which an issuer does not say who somebody is")
        }
        settings.userClaim = section.string("user_claim")
        settings.groupsClaim = section.string("groups_claim")
        let audiences = section.optionalList("audience")
        if !audiences.isEmpty { settings.audiences = Set(audiences) }
        settings.sessionAge = section.duration("session_age")
        settings.timeout = section.duration("timeout")
        return OIDCSignIn(settings, log: log)
    }
}
#endif
