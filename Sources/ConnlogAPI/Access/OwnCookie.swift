#if Server
import ConnlogCore
import Hummingbird

/// A cookie of connlog's own, which scripts cannot read.
struct OwnCookie: Sendable {
    let name: String
    private let attributes: String
    private let age: Duration

    /// Holds a session's id; other sites cannot make a browser send it.
    static func session(_ external: ExternalURL?, isTLS: Bool) -> OwnCookie {
        OwnCookie("connlog_session", sameSite: "Strict", age: Sessions.ageMax, external, isTLS: isTLS)
    }

    /// Ties a sign-in at an issuer to the browser that began it. Unlike a session's it is sent when the issuer sends the
    /// browser back, and lets nobody in.
    static func signIn(_ external: ExternalURL?, isTLS: Bool) -> OwnCookie {
        OwnCookie("connlog_signin", sameSite: "Lax", age: PendingSignIns.ageMax, external, isTLS: isTLS)
    }

    /// A server of its own behind TLS gets a name that browsers take from it alone; under a path the cookie is sent to
    /// that path alone.
    private init(_ word: String, sameSite: String, age: Duration, _ external: ExternalURL?, isTLS: Bool) {
        let isSecure = external?.isSecure ?? isTLS
        let path = external?.path ?? "/"
        name = isSecure && path == "/" ? "__Host-\(word)" : word
        attributes = "; Path=\(path); HttpOnly; SameSite=\(sameSite)" + (isSecure ? "; Secure" : "")
        self.age = age
    }

    func set(_ value: String) -> String { "\(name)=\(value)\(attributes); Max-Age=\(age.components.seconds)" }

    var cleared: String { "\(name)=\(attributes); Max-Age=0" }

    func value(_ request: Request) -> String? { OwnCookie.value(of: name, request) }

    /// The value of any cookie; `nil` where there is none, or an empty one.
    static func value(of name: String, _ request: Request) -> String? {
        for cookies in request.headers[values: .cookie] {
            for pair in cookies.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1).map(\.trimmingBlanks)
                if parts.count == 2, parts[0] == name, !parts[1].isEmpty { return parts[1] }
            }
        }
        return nil
    }
}
#endif
