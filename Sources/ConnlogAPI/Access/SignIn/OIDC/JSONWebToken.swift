#if Server
import ConnlogCore
import Crypto
import CryptoExtras

/// A signed JSON Web Token (RFC 7519) in its compact form, taken apart and not yet believed.
///
/// Who may write one: anybody. Nothing of it counts before a key of the issuer's has verified it.
struct JSONWebToken: Sendable {
    /// Longer ones are not looked at.
    static let bytesMax = 16 << 10

    let algorithm: String
    /// Which of the issuer's keys it says it was signed with.
    let keyID: String?
    let claims: JSONValue
    fileprivate let signed: [UInt8]
    fileprivate let signature: [UInt8]

    /// Whether a text has the form of one: three parts between points.
    static func mayBe(_ text: String) -> Bool {
        text.utf8.count <= bytesMax && text.utf8.count { $0 == UInt8(ascii: ".") } == 2
    }

    /// `nil` for what is none: a part that is no base64url or no object, a name that stands there twice, or a header that
    /// says that it has to be understood in a way that connlog does not know.
    init?(_ text: String) {
        guard JSONWebToken.mayBe(text) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let head = Base64URL.decoded(parts[0]), let body = Base64URL.decoded(parts[1]),
            let signature = Base64URL.decoded(parts[2]),
            let header = JSONWebToken.object(head), let claims = JSONWebToken.object(body),
            let algorithm = header["alg"]?.string, header["crit"] == nil
        else { return nil }
        self.algorithm = algorithm
        keyID = header["kid"]?.string
        self.claims = claims
        self.signature = signature
        signed = Array(text.utf8.prefix(parts[0].count + 1 + parts[1].count))
    }

    private static func object(_ bytes: [UInt8]) -> JSONValue? {
        guard let value = try? JSONValue(reading: bytes), case .object(let members) = value,
            Set(members.map(\.key)).count == members.count
        else { return nil }
        return value
    }
}

/// A key that an issuer signs with (RFC 7517). What it is decides how it is used, never what a token says of itself.
struct JSONWebKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
    }

    /// How tokens may be signed.
    static let algorithms = ["RS256", "ES256"]

    let id: String?
    let algorithm: String
    private let material: Material

    /// `nil` for one that connlog does not use: another kind, one for encryption, an RSA key of less than 2048 bits.
    init?(_ json: JSONValue) {
        guard json["use"]?.string ?? "sig" == "sig" else { return nil }
        switch json["kty"]?.string {
        case "RSA":
            guard let modulus = JSONWebKey.bytes(json["n"]), let exponent = JSONWebKey.bytes(json["e"]),
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
            else { return nil }
            (algorithm, material) = ("RS256", .rsa(key))
        case "EC" where json["crv"]?.string == "P-256":
            guard let x = JSONWebKey.bytes(json["x"]), let y = JSONWebKey.bytes(json["y"]), x.count == 32,
                y.count == 32,
                let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
            else { return nil }
            (algorithm, material) = ("ES256", .p256(key))
        default: return nil
        }
        guard json["alg"]?.string ?? algorithm == algorithm else { return nil }
        id = json["kid"]?.string
    }

    private static func bytes(_ value: JSONValue?) -> [UInt8]? {
        value?.string.flatMap { Base64URL.decoded($0.utf8) }
    }

    func verifies(_ token: JSONWebToken) -> Bool {
        guard token.algorithm == algorithm else { return false }
        switch material {
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: token.signature), for: SHA256.hash(data: token.signed),
                padding: .insecurePKCS1v1_5)
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: token.signature) else {
                return false
            }
            return key.isValidSignature(signature, for: SHA256.hash(data: token.signed))
        }
    }
}
#endif
