#if Server
import ConnlogCore

/// What a verified token has to say to be believed.
struct TokenRules: Sendable {
    /// How far the clocks of connlog and the issuer may differ.
    static let leeway: Int64 = 60

    let issuer: String
    /// One of them has to be meant.
    let audiences: Set<String>
    /// Of the sign-in that it answers; `nil` where it answers none.
    var nonce: String?
    /// Who has to be the one that it was made for, where it is for several; `nil`: anybody.
    var party: String?

    /// Why one is not believed: a sentence for whoever shows it, with nothing of the token in it.
    struct Fault: Error, Equatable, Sendable {
        let text: String
    }

    /// - Parameter now: seconds since 1970.
    /// - Returns: when it ends, in seconds since 1970.
    func check(_ claims: JSONValue, now: Int64) throws(Fault) -> Int64 {
        guard claims["iss"]?.string == issuer else { throw Fault(text: "The token is another issuer's.") }
        let meant = claims["aud"]?.string.map { [$0] } ?? (claims["aud"]?.array ?? []).compactMap(\.string)
        guard meant.contains(where: audiences.contains) else {
            throw Fault(text: "The token is for somebody else: its audience is not this connlog's.")
        }
        if let party, meant.count > 1 || claims["azp"] != nil, claims["azp"]?.string != party {
            throw Fault(text: "The token was made for somebody else: its azp is not this connlog's client_id.")
        }
        guard let subject = claims["sub"]?.string, !subject.isEmpty else {
            throw Fault(text: "The token does not say whose it is: it has no sub.")
        }
        guard let end = TokenRules.seconds(claims["exp"]) else {
            throw Fault(text: "The token does not say when it ends: it has no exp.")
        }
        let late = now - end
        if late >= TokenRules.leeway {
            throw Fault(
                text: "The token ended \(late) s ago, and clocks may differ by \(TokenRules.leeway) s. "
                    + "Sign in again; if it is new, set the clocks of connlog's machine and the issuer's right.")
        }
        for name in ["nbf", "iat"] {
            guard let claim = claims[name] else { continue }
            guard let start = TokenRules.seconds(claim) else { throw Fault(text: "The token's \(name) is no time.") }
            if start - now > TokenRules.leeway {
                throw Fault(
                    text: "The token is from \(start - now) s in the future, and clocks may differ by "
                        + "\(TokenRules.leeway) s. Set the clocks of connlog's machine and the issuer's right.")
            }
        }
        if let nonce, claims["nonce"]?.string != nonce {
            throw Fault(text: "The token answers another sign-in than this browser's.")
        }
        return end
    }

    /// A time, whole or with a fraction; `nil` for one that is none, or lies beyond thousands of years.
    private static func seconds(_ value: JSONValue?) -> Int64? {
        let most: Int64 = 1 << 40
        switch value {
        case .integer(let number): return (-most...most).contains(number) ? number : nil
        case .raw(let text):
            guard let number = Double(text), number.magnitude < Double(most) else { return nil }
            return Int64(number)
        default: return nil
        }
    }
}
#endif
