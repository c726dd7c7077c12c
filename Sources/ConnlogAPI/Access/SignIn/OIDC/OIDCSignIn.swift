#if Server
package import ConnlogConfig
package import ConnlogCore
package import ConnlogSystem
import Synchronization

/// `[access] type = oidc`: whoever an OpenID Connect issuer says it is, at the page by its code flow with PKCE, for
/// programs by a token of the issuer's in a header.
package final class OIDCSignIn: Sendable {
    package struct Settings: Sendable {
        /// Of the section.
        package var name: String
        /// What the page calls it.
        package var label: String
        /// As tokens name it.
        package var issuer: String
        package var clientID: String
        package var secret: SecretReference?
        package var scopes = ["openid", "profile", "email"]
        package var userClaim = "preferred_username"
        /// A claim, or a path to one with points between.
        package var groupsClaim = "groups"
        /// Whom a program's token has to be for.
        package var audiences: Set<String>
        /// How long a sign-in at the page is good.
        package var sessionAge = Duration.seconds(3600)
        package var roles: GroupRoles
        package var http: HTTPSettings
        package var timeout = Duration.seconds(10)

        package init(
            name: String, issuer: String, clientID: String, secret: SecretReference? = nil, roles: GroupRoles,
            http: HTTPSettings
        ) {
            self.name = name
            label = name
            self.issuer = issuer
            self.clientID = clientID
            self.secret = secret
            audiences = [clientID]
            self.roles = roles
            self.http = http
        }
    }

    /// Somebody of whom the issuer has said so much.
    struct Person: Sendable, Equatable {
        var name: String
        var subject: String
        var email: String?
        var groups: [String]
        /// Until when that is good, by a clock that nobody sets.
        var until: ContinuousClock.Instant
        /// What else it is known by, as far as the issuer says.
        var otherNames: [String] = []
    }

    package let settings: Settings
    private let issuer: OIDCIssuer
    private let pending: PendingSignIns
    /// Codes that the issuer is asked for.
    private let codes: Mutex<AskLimit>
    /// In a minute but for those that were good, and at once.
    static let codesMax = 120
    static let codesAtOnceMax = 32
    /// Seconds since 1970.
    private let time: @Sendable () -> Int64
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let start: ContinuousClock.Instant
    private let pace = Mutex(TroublePace())
    private let log: LogFunction

    /// - Parameters:
    ///   - clock: that nobody sets.
    ///   - time: seconds since 1970.
    package init(
        _ settings: Settings, clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        time: @escaping @Sendable () -> Int64 = { SystemWallTime().now() / 1_000_000_000 }, log: @escaping LogFunction
    ) {
        self.settings = settings
        self.time = time
        self.clock = clock
        self.log = log
        start = clock()
        issuer = OIDCIssuer(settings.issuer, http: settings.http, timeout: settings.timeout, clock: clock)
        pending = PendingSignIns(clock: clock)
        codes = Mutex(AskLimit(inMinute: OIDCSignIn.codesMax, atOnce: OIDCSignIn.codesAtOnceMax))
    }

    package var name: String { settings.name }
    package var way: SignInWay {
        SignInWay(name: settings.name, realm: "\(settings.issuer) \(settings.clientID)")
    }

    /// Whether the issuer answers as it should, for `connlog check --connect`.
    package func trial() async -> [TrialFinding] {
        do throws(IssuerTrouble) {
            let count = try await issuer.keyCount()
            if count > 0 {
                return [
                    .good("\(settings.issuer) describes itself, and has \(Quantity.count(count, "key")) to sign with")
                ]
            }
            return [.failed("\(settings.issuer) has no key for RS256 or ES256; let it sign ID tokens with one of them")]
        } catch {
            return [.failed("\(error)")]
        }
    }

    // MARK: - Programs

    /// Who shows a token of the issuer's; `nil` for a token that says it is another's.
    func person(ofToken token: String) async -> Outcome? {
        guard JSONWebToken.mayBe(token) else { return nil }
        guard let token = JSONWebToken(token) else { return .invalid("This is no token that connlog can read.") }
        guard token.claims["iss"]?.string == settings.issuer else { return nil }
        return await outcome(token, TokenRules(issuer: settings.issuer, audiences: settings.audiences), info: nil)
    }

    enum Outcome: Sendable, Equatable {
        case person(Person)
        case invalid(String)
        case unavailable
        /// The issuer is asked for too many already.
        case tooMany
    }

    /// - Parameter info: more claims of the same person, asked for when the token has no groups.
    private func outcome(
        _ token: JSONWebToken, _ rules: TokenRules, info: (@Sendable () async throws(IssuerTrouble) -> JSONValue?)?
    ) async -> Outcome {
        guard JSONWebKey.algorithms.contains(token.algorithm) else {
            return .invalid("The token is signed in a way that is not taken; RS256 and ES256 are.")
        }
        do throws(IssuerTrouble) {
            guard try await issuer.hasSigned(token) else {
                return .invalid("None of the issuer's keys has signed the token.")
            }
            let end: Int64
            do throws(TokenRules.Fault) { end = try rules.check(token.claims, now: time()) } catch {
                return .invalid(error.text)
            }
            var more: JSONValue?
            if let info, groups(token.claims) == nil { more = try await info() }
            // What is said of somebody else does not count.
            if let found = more, found["sub"]?.string != token.claims["sub"]?.string { more = nil }
            tell(nil)
            return .person(person(token.claims, more, end))
        } catch {
            tell(error)
            return .unavailable
        }
    }

    private func person(_ claims: JSONValue, _ more: JSONValue?, _ end: Int64) -> Person {
        func text(_ claim: String) -> String? {
            let found = claims[claim]?.string ?? more?[claim]?.string
            return found?.isEmpty == true ? nil : found
        }
        let subject = text("sub") ?? ""
        let email = text("email")
        return Person(
            name: text(settings.userClaim) ?? email ?? subject, subject: subject, email: email,
            groups: groups(claims) ?? more.flatMap(groups) ?? [],
            until: clock() + .seconds(end + TokenRules.leeway - time()),
            otherNames: OIDCSignIn.nameClaims.compactMap(text))
    }

    /// Where issuers write what somebody is called, or a program; a token for a program often lacks `user_claim`.
    private static let nameClaims = [
        "preferred_username", "username", "user_name", "upn", "unique_name", "login", "oid", "client_id", "azp",
    ]

    /// What the groups' claim holds: texts, or one; `nil` where there is none.
    private func groups(_ claims: JSONValue) -> [String]? {
        var found = claims[settings.groupsClaim]
        if found == nil {
            found = claims
            for part in settings.groupsClaim.split(separator: ".") { found = found?[String(part)] }
        }
        return found?.string.map { [$0] } ?? found?.array.map { $0.prefix(GroupRoles.groupsMax).compactMap(\.string) }
    }

    private func tell(_ trouble: IssuerTrouble?) {
        if trouble?.isAbandoned == true { return }
        let words = pace.withLock { $0.words(trouble?.description, now: start.duration(to: clock())) }
        if let words { log(trouble == nil ? .info : .warning, "access \(name): \(words)") }
    }

    /// Who that is here, and what to keep of it to ask again.
    func verdict(_ outcome: Outcome) -> (Verdict, Person?) {
        switch outcome {
        case .person(let person): (verdict(person), person)
        case .invalid(let why): (.invalid(why), nil)
        case .unavailable: (.unavailable("The issuer does not say now whether this token is good."), nil)
        case .tooMany: (.tooMany, nil)
        }
    }

    /// Who that is here, now.
    func verdict(_ person: Person) -> Verdict {
        guard clock() < person.until else { return .unknown }
        let others = [person.subject] + (person.email.map { [$0] } ?? []) + person.otherNames
        return settings.roles.verdict(person.name, others, person.groups)
    }

    /// How long what was said is good yet.
    func patience(_ person: Person) -> Duration { max(.zero, person.until - clock()) }

    /// The same person as long as a sign-in at the page lasts, and no longer than what it was let in by.
    func onPage(_ person: Person) -> Person {
        var person = person
        person.until = min(person.until, clock() + settings.sessionAge)
        return person
    }

    // MARK: - The page

    /// Where a browser has to go, and what it has to bring back in a cookie.
    func begin(redirect: String, address: String) async -> (location: String, browser: String)? {
        let endpoints: OIDCIssuer.Endpoints
        do throws(IssuerTrouble) {
            endpoints = try await issuer.endpoints()
            tell(nil)
        } catch {
            tell(error)
            return nil
        }
        let sign = PendingSignIns.SignIn(redirect: redirect, address: address)
        let state = pending.add(sign)
        let query = [
            ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", redirect),
            ("scope", settings.scopes.joined(separator: " ")), ("state", state), ("nonce", sign.nonce),
            ("code_challenge", Base64URL.encoded(TokenText.hash(of: sign.verifier))), ("code_challenge_method", "S256"),
        ].map { "\($0.0)=\(FormText.escaped($0.1))" }.joined(separator: "&")
        let mark = endpoints.authorization.contains("?") ? "&" : "?"
        return (endpoints.authorization + mark + query, sign.browser)
    }

    /// Whether a state is one that this has given out, and nobody has come back with yet.
    func knows(state: String) -> Bool { pending.knows(state) }

    /// The issuer has sent somebody back without a code: that sign-in is over.
    func end(state: String) { _ = pending.take(state) }

    /// Who has come back from the issuer.
    /// - Parameters:
    ///   - browser: what its cookie holds.
    ///   - said: who says to be the issuer, if it says so (RFC 9207).
    func finish(state: String, code: String, browser: String, said: String?) async -> Outcome {
        guard let sign = pending.take(state) else { return .invalid(OIDCSignIn.unknownState) }
        guard AccessList.areEqual(Array(sign.browser.utf8), Array(browser.utf8)) else {
            return .invalid("This sign-in was begun in another browser. Begin it again in this one.")
        }
        if let said, said != settings.issuer {
            return .invalid("The answer is of another issuer than the one that was asked.")
        }
        let now = clock()
        guard codes.withLock({ $0.begin(now) }) else { return .tooMany }
        let outcome = await redeem(sign, code)
        var isGood = false
        if case .person = outcome { isGood = true }
        codes.withLock { $0.end(isForgotten: isGood) }
        return outcome
    }

    private func redeem(_ sign: PendingSignIns.SignIn, _ code: String) async -> Outcome {
        do throws(IssuerTrouble) {
            let secret: String?
            do throws(SecretError) { secret = try settings.secret?.read() } catch {
                throw IssuerTrouble(description: "client_secret: \(error)")
            }
            let tokens = try await issuer.redeem(
                code: code, verifier: sign.verifier, redirect: sign.redirect, client: (settings.clientID, secret))
            guard let tokens else { return .invalid("The issuer does not take its own code any more. Sign in again.") }
            guard let token = JSONWebToken(tokens.id) else {
                throw IssuerTrouble(description: "\(settings.issuer) gives an ID token that is none")
            }
            let rules = TokenRules(
                issuer: settings.issuer, audiences: [settings.clientID], nonce: sign.nonce, party: settings.clientID)
            let (issuer, access) = (issuer, tokens.access)
            var found = await outcome(token, rules) { () async throws(IssuerTrouble) -> JSONValue? in
                guard let access else { return nil }
                return try await issuer.userInfo(access: access)
            }
            if case .person(var person) = found {
                // The sign-in is connlog's from here on, and lasts as long as the configuration says.
                person.until = clock() + settings.sessionAge
                found = .person(person)
            }
            return found
        } catch {
            tell(error)
            return .unavailable
        }
    }

    static let unknownState =
        "This sign-in is not known: it was begun more than ten minutes ago, is over already, or connlog has started anew. "
        + "Begin it again."
}

/// Sign-ins that were begun and have not come back, each good once and for ten minutes.
final class PendingSignIns: Sendable {
    struct SignIn: Sendable {
        let redirect: String
        let address: String
        let nonce = TokenText.random()
        /// 64 characters, of the 43 to 128 that RFC 7636 wants.
        let verifier = TokenText.random()
        /// Only the browser that began it has this.
        let browser = TokenText.random()
        fileprivate(set) var began = ContinuousClock.now

        init(redirect: String, address: String) {
            self.redirect = redirect
            self.address = address
        }
    }

    static let ageMax = Duration.seconds(600)
    static let countMax = 4096
    /// More from one address push out its own oldest.
    static let countOfAddressMax = 256

    private let pending = Mutex<[String: SignIn]>([:])
    private let clock: @Sendable () -> ContinuousClock.Instant

    init(clock: @escaping @Sendable () -> ContinuousClock.Instant) { self.clock = clock }

    /// Its state, to come back with.
    func add(_ new: SignIn) -> String {
        let (now, state) = (clock(), TokenText.random())
        var new = new
        new.began = now
        pending.withLock { pending in
            pending = pending.filter { now - $0.value.began < PendingSignIns.ageMax }
            PendingSignIns.makeRoom(&pending, PendingSignIns.countOfAddressMax) { $0.address == new.address }
            PendingSignIns.makeRoom(&pending, PendingSignIns.countMax) { _ in true }
            pending[state] = new
        }
        return state
    }

    private static func makeRoom(_ pending: inout [String: SignIn], _ most: Int, _ counts: (SignIn) -> Bool) {
        let those = pending.filter { counts($0.value) }
        guard those.count >= most, let oldest = those.min(by: { $0.value.began < $1.value.began }) else { return }
        pending[oldest.key] = nil
    }

    func knows(_ state: String) -> Bool { pending.withLock { $0[state] != nil } }

    /// Gives one away, for good.
    func take(_ state: String) -> SignIn? {
        let now = clock()
        return pending.withLock { $0.removeValue(forKey: state) }
            .flatMap { now - $0.began < PendingSignIns.ageMax ? $0 : nil }
    }
}
#endif
