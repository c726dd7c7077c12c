#if Server
import ConnlogCore
import Crypto
import CryptoExtras
import Foundation
import Synchronization

@testable import ConnlogAPI

/// A real key of an issuer's.
struct SigningKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
    }

    let id: String
    private let material: Material

    private static let made = Mutex<[String: SigningKey]>([:])

    /// The same for the same name: making one takes a while.
    static func rsa(_ id: String) throws -> SigningKey {
        if let key = made.withLock({ $0[id] }) { return key }
        let key = SigningKey(id: id, material: .rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048)))
        return made.withLock { made in
            let kept = made[id] ?? key
            made[id] = kept
            return kept
        }
    }

    static func p256(_ id: String) -> SigningKey { SigningKey(id: id, material: .p256(P256.Signing.PrivateKey())) }

    var algorithm: String { if case .rsa = material { "RS256" } else { "ES256" } }

    var jwk: JSONValue {
        switch material {
        case .rsa(let key):
            guard let parts = try? key.publicKey.getKeyPrimitives() else { return .null }
            return [
                "kty": "RSA", "use": "sig", "alg": "RS256", "kid": .string(id),
                "n": .string(Base64URL.encoded(parts.modulus)), "e": .string(Base64URL.encoded(parts.publicExponent)),
            ]
        case .p256(let key):
            let raw = key.publicKey.rawRepresentation
            return [
                "kty": "EC", "crv": "P-256", "kid": .string(id), "x": .string(Base64URL.encoded(raw.prefix(32))),
                "y": .string(Base64URL.encoded(raw.dropFirst(32))),
            ]
        }
    }

    /// The public key as it stands in files: what a confused verifier would take for the secret of HS256.
    var pem: String {
        switch material {
        case .rsa(let key): key.publicKey.pemRepresentation
        case .p256(let key): key.publicKey.pemRepresentation
        }
    }

    /// - Parameter header: members in the place of, or beside, the right ones.
    func token(_ claims: JSONValue, header: [String: JSONValue] = [:]) throws -> String {
        var members: [String: JSONValue] = ["alg": .string(algorithm), "typ": "JWT", "kid": .string(id)]
        members.merge(header) { $1 }
        let head = JSONValue.object(members.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: $0.value) })
        let signed = Base64URL.encoded(head.line.utf8) + "." + Base64URL.encoded(claims.line.utf8)
        let digest = SHA256.hash(data: Array(signed.utf8))
        switch material {
        case .rsa(let key):
            let signature = try key.signature(for: digest, padding: .insecurePKCS1v1_5)
            return signed + "." + Base64URL.encoded(signature.rawRepresentation)
        case .p256(let key): return signed + "." + Base64URL.encoded(try key.signature(for: digest).rawRepresentation)
        }
    }

    /// One that nobody has signed, or that a text has, as HS256 does.
    static func forged(_ claims: JSONValue, algorithm: String, kid: String, secret: String?) -> String {
        let head: JSONValue = ["alg": .string(algorithm), "kid": .string(kid)]
        let signed = Base64URL.encoded(head.line.utf8) + "." + Base64URL.encoded(claims.line.utf8)
        guard let secret else { return signed + "." }
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)
        return signed + "." + Base64URL.encoded(Array(code))
    }
}
#endif
