#if Server
import ConnlogCore
import ConnlogSystem
import Synchronization

/// An OpenID Connect issuer: where it is asked what, and the keys that it signs with.
///
/// Who may write its answers: whoever runs it, and whoever is between; so it is asked over TLS. An answer has 64 KiB at
/// most, redirects are not followed.
final class OIDCIssuer: Sendable {
    /// From its own description.
    struct Endpoints: Sendable {
        var authorization: String
        var token: String
        var keys: String
        var userInfo: String?
        /// The secret is taken in a header; else in the form.
        var takesBasic: Bool
    }

    /// So long a description and keys are taken for new.
    static let freshFor = Duration.seconds(600)
    /// Further keys are not looked at.
    static let keysMax = 64

    /// As tokens name it.
    let name: String
    private let web: IssuerWeb
    private let description: Fetched<Endpoints>
    private let keys: Fetched<[JSONWebKey]>

    init(
        _ name: String, http: HTTPSettings, timeout: Duration, clock: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.name = name
        let web = IssuerWeb(http, timeout)
        self.web = web
        let description = Fetched(clock: clock) { () async throws(IssuerTrouble) -> Endpoints in
            var base = name[...]
            while base.hasSuffix("/") { base.removeLast() }
            let found = try await web.get("\(base)/.well-known/openid-configuration")
            return try OIDCIssuer.endpoints(found, of: name)
        }
        self.description = description
        keys = Fetched(clock: clock) { () async throws(IssuerTrouble) -> [JSONWebKey] in
            let endpoints = try await description.value { _, age in age < OIDCIssuer.freshFor }
            guard let list = try await web.get(endpoints.keys)["keys"]?.array else {
                throw IssuerTrouble(description: "\(name) gives no keys at its jwks_uri")
            }
            return list.prefix(OIDCIssuer.keysMax).compactMap { JSONWebKey($0) }
        }
    }

    private static func endpoints(_ found: JSONValue, of name: String) throws(IssuerTrouble) -> Endpoints {
        guard let said = found["issuer"]?.string, said == name else {
            throw IssuerTrouble(
                description: "\(name) calls itself something else in its openid-configuration; write 'issuer' as it "
                    + "stands there, to the last slash")
        }
        func address(_ key: String) throws(IssuerTrouble) -> String {
            guard let text = found[key]?.string, isAddress(text, likeThatOf: name) else {
                throw IssuerTrouble(description: "\(name) names no \(key) that can be used: an https:// address")
            }
            return text
        }
        let methods = found["token_endpoint_auth_methods_supported"]?.array?.compactMap(\.string)
        return Endpoints(
            authorization: try address("authorization_endpoint"), token: try address("token_endpoint"),
            keys: try address("jwks_uri"),
            userInfo: found["userinfo_endpoint"] == nil ? nil : try address("userinfo_endpoint"),
            takesBasic: methods?.contains("client_secret_basic") ?? true)
    }

    /// An issuer that speaks TLS sends nobody where it is not spoken.
    private static func isAddress(_ text: String, likeThatOf name: String) -> Bool {
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x22 }), !text.contains("#") else {
            return false
        }
        return text.hasPrefix("https://") || text.hasPrefix("http://") && name.hasPrefix("http://")
    }

    func endpoints() async throws(IssuerTrouble) -> Endpoints {
        try await description.value { _, age in age < OIDCIssuer.freshFor }
    }

    /// How many keys it has that connlog can use.
    func keyCount() async throws(IssuerTrouble) -> Int {
        try await keys.value { _, age in age < OIDCIssuer.freshFor }.count
    }

    /// Whether one of its keys has signed a token. For a key that is not known the keys are fetched anew, once in a while.
    func hasSigned(_ token: JSONWebToken) async throws(IssuerTrouble) -> Bool {
        let known = try await keys.value { keys, age in
            age < OIDCIssuer.freshFor && (token.keyID == nil || keys.contains { $0.id == token.keyID })
        }
        if OIDCIssuer.verifies(known, token) { return true }
        // Without a name for its key a token may be signed with a new one.
        guard token.keyID == nil || known.contains(where: { $0.id == nil }) else { return false }
        let new = try await keys.value { _, age in age < .zero }
        return OIDCIssuer.verifies(new, token)
    }

    private static func verifies(_ keys: [JSONWebKey], _ token: JSONWebToken) -> Bool {
        keys.contains { key in
            (token.keyID == nil || key.id == nil || key.id == token.keyID) && key.verifies(token)
        }
    }

    /// What a code is worth.
    /// - Returns: the ID token, and the access token if there is one; `nil` when the issuer does not take the code.
    func redeem(
        code: String, verifier: String, redirect: String, client: (id: String, secret: String?)
    ) async throws(IssuerTrouble) -> (id: String, access: String?)? {
        let endpoints = try await endpoints()
        var form = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ]
        var headers: [(name: String, value: String)] = []
        if let secret = client.secret, endpoints.takesBasic {
            let pair = "\(FormText.escaped(client.id)):\(FormText.escaped(secret))"
            headers.append(("Authorization", "Basic \(Base64.encoded(pair.utf8))"))
        } else {
            form.append(("client_id", client.id))
            if let secret = client.secret { form.append(("client_secret", secret)) }
        }
        guard let answer = try await web.post(endpoints.token, form, headers) else { return nil }
        guard let token = answer["id_token"]?.string else {
            throw IssuerTrouble(description: "\(name) gives no ID token for a code; does 'scopes' hold openid?")
        }
        return (token, answer["access_token"]?.string)
    }

    /// What it says of a person whose access token this is; `nil` where it has no such place.
    func userInfo(access: String) async throws(IssuerTrouble) -> JSONValue? {
        guard let place = try await endpoints().userInfo else { return nil }
        return try await web.get(place, [("Authorization", "Bearer \(access)")])
    }
}

/// Asks an issuer over HTTP.
private final class IssuerWeb: Sendable {
    private let settings: HTTPSettings
    private let timeout: Duration
    private let session = Mutex<HTTPSession?>(nil)

    init(_ settings: HTTPSettings, _ timeout: Duration) {
        self.settings = settings
        self.timeout = timeout
    }

    /// Its thread is begun when somebody has to be asked.
    private var open: HTTPSession {
        session.withLock { session in
            if let session { return session }
            let new = HTTPSession(settings)
            session = new
            return new
        }
    }

    func get(_ url: String, _ headers: [(name: String, value: String)] = []) async throws(IssuerTrouble) -> JSONValue {
        let request = HTTPRequest(.get, url, headers: headers + [("Accept", "application/json")], timeout: timeout)
        let response = try await perform(request, url)
        guard response.status == 200 else { throw IssuerTrouble(description: "\(url) answers \(response.status)") }
        return try json(response, url)
    }

    /// - Returns: `nil` when what was sent is not taken.
    func post(
        _ url: String, _ form: [(String, String)], _ headers: [(name: String, value: String)]
    ) async throws(IssuerTrouble) -> JSONValue? {
        let body = form.map { "\($0.0)=\(FormText.escaped($0.1))" }.joined(separator: "&")
        let request = HTTPRequest(
            .post, url,
            headers: headers + [
                ("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"),
            ], body: ByteBuffer(Array(body.utf8)), timeout: timeout)
        let response = try await perform(request, url)
        if response.status == 200 { return try json(response, url) }
        let error = (try? JSONValue(reading: response.body))?["error"]?.string
        if response.status == 400, error == "invalid_grant" { return nil }
        if [400, 401].contains(response.status), error == "invalid_client" {
            throw IssuerTrouble(description: "\(url) does not take client_id and client_secret")
        }
        throw IssuerTrouble(description: "\(url) answers \(response.status)")
    }

    private func perform(_ request: consuming HTTPRequest, _ url: String) async throws(IssuerTrouble) -> HTTPResponse {
        switch await open.perform(request).outcome {
        case .success(let response): return response
        case .failure(let failure): throw IssuerTrouble(description: "\(url) does not answer: \(failure.text)")
        }
    }

    private func json(_ response: HTTPResponse, _ url: String) throws(IssuerTrouble) -> JSONValue {
        guard !response.bodyIsCut, let value = try? JSONValue(reading: response.body), case .object = value else {
            throw IssuerTrouble(description: "\(url) answers with what is no JSON object of up to 64 KiB")
        }
        return value
    }
}

/// Values in a URL's query and in a form.
enum FormText {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
#endif
