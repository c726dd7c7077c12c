#if Server
package import ConnlogCoder
package import ConnlogCore
import Synchronization

/// `[access] type = coder`: whoever holds a session token of a Coder, by that Coder's word.
///
///     token ──▶ SHA-256 ──▶ said within the last minute? ──▶ that
///                                │ no
///                                ▼
///                      being asked already? ──▶ wait for that answer
///                                │ no
///                                ▼
///                      good when Coder last said something, or few unknown ones lately? ──▶ ask Coder, keep the answer
///
/// So Coder is asked once a minute at most for each token, and whoever makes tokens up makes connlog ask it a bounded
/// number of times. What Coder does not answer lets nobody in: whoever was let in within the last minute stays for the
/// rest of it. Tokens are kept in memory, by whoever has signed in with one; what is kept of answers is their SHA-256.
package final class CoderSignIn: Sendable {
    package struct Settings: Sendable {
        /// Of the section.
        package var name: String
        /// Where that Coder is; what one has said counts nothing at another.
        package var url: String
        /// What a role of Coder's is here: `auditor` or `admin`.
        package var roles: [String: Role]
        /// User names, e-mail addresses or ids, in lower case.
        package var revoked: Set<String>
        /// Coder's own cookie counts as a token.
        package var takesCookie: Bool

        package init(
            name: String, url: String = "", roles: [String: Role] = CoderSignIn.usualRoles, revoked: Set<String> = [],
            takesCookie: Bool = false
        ) {
            self.name = name
            self.url = url
            self.roles = roles
            self.revoked = revoked
            self.takesCookie = takesCookie
        }
    }

    package static let usualRoles: [String: Role] = [
        "owner": .auditor, "auditor": .auditor, "organization-admin": .auditor, "organization-auditor": .auditor,
    ]

    /// How long what Coder has said is good, from when it was asked.
    static let freshFor = Duration.seconds(60)
    /// How long it is not asked again after it gave no answer.
    static let troubleFor = Duration.seconds(5)
    static let unknownMax = 120

    package struct Limits: Sendable {
        /// So many tokens are remembered, those that are being asked for among them.
        var kept = 4096
        /// Tokens of which nothing is known that are asked for in a minute, and at once.
        var unknown = CoderSignIn.unknownMax
        var flights = 32

        package init() {}
    }

    private struct Kept {
        var verdict: Verdict?
        var asked: ContinuousClock.Instant
        var freshFor = CoderSignIn.freshFor
        var flight: Flight<Verdict>?
        /// What is asked for counts among the unknown ones.
        var isLimited = false
        /// It was good when Coder last said something.
        var isKnown = false
        /// Its scope, which never changes, has been looked at.
        var isWhole = false

        func isFresh(_ now: ContinuousClock.Instant) -> Bool { now - asked < freshFor }
    }

    private struct State {
        var kept: [[UInt8]: Kept] = [:]
        var unknown: AskLimit
        var pace = TroublePace()
    }

    package let settings: Settings
    private let makeAPI: @Sendable () -> CoderAPI
    private let api = Mutex<CoderAPI?>(nil)
    private let limits: Limits
    private let state: Mutex<State>
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let start: ContinuousClock.Instant
    private let log: LogFunction

    /// - Parameter api: called when somebody has to be asked for, not before.
    package init(
        _ settings: Settings, limits: Limits = Limits(),
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, log: @escaping LogFunction,
        api: @escaping @Sendable () -> CoderAPI
    ) {
        self.settings = settings
        self.limits = limits
        state = Mutex(State(unknown: AskLimit(inMinute: limits.unknown, atOnce: limits.flights)))
        self.clock = clock
        self.log = log
        makeAPI = api
        start = clock()
    }

    package var name: String { settings.name }
    package var way: SignInWay { SignInWay(name: settings.name, realm: settings.url) }

    /// Whether a text may be one of Coder's tokens: `<10 characters>-<22 characters>`, with some room for change. What is
    /// for somebody else is not shown to Coder.
    static func mayBe(_ token: String) -> Bool {
        guard token.utf8.count <= 128, !token.hasPrefix("connlog_") else { return false }
        let parts = token.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count >= 8 && parts[1].count >= 16
            && parts.allSatisfy { part in
                part.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                }
            }
    }

    // MARK: - Asking

    private enum Step {
        case said(Verdict)
        case wait(Flight<Verdict>)
    }

    /// Whose token it is, by what Coder has said within the last minute. Whoever is cancelled waits no longer.
    /// - Parameter mayAsk: whether Coder may be asked for a token of which nothing is known, not even that it was none;
    ///   called when it would be.
    func verdict(_ token: String, mayAsk: @autoclosure () -> Bool) async -> Verdict {
        let hash = TokenText.hash(of: token)
        switch step(token, hash, mayAsk) {
        case .said(let verdict): return verdict
        case .wait(let flight): return await flight.value() ?? .unavailable("Nobody waits for it any more.")
        }
    }

    /// How many tokens are remembered, and how many of them are being asked for.
    var remembered: (kept: Int, flights: Int) {
        state.withLock { state in (state.kept.count, state.kept.count { $0.value.flight != nil }) }
    }

    /// How long the last answer is good yet; `nil`: there is none.
    func patience(_ token: String) -> Duration? {
        let now = clock()
        return state.withLock { $0.kept[TokenText.hash(of: token)] }.map { max(.zero, $0.freshFor - (now - $0.asked)) }
    }

    private func step(_ token: String, _ hash: [UInt8], _ mayAsk: () -> Bool) -> Step {
        let now = clock()
        return state.withLock { state in
            var kept = state.kept[hash] ?? Kept(asked: now)
            if let flight = kept.flight { return .wait(flight) }
            if let verdict = kept.verdict, kept.isFresh(now) { return .said(verdict) }
            // A token that was none a minute ago is asked for again, which is no further try.
            if !kept.isKnown, kept.verdict != .unknown, !mayAsk() { return .said(.tooMany) }
            if state.kept[hash] == nil, !CoderSignIn.makeRoom(&state, limits.kept) { return .said(.tooMany) }
            if !kept.isKnown, !state.unknown.begin(now) { return .said(.tooMany) }
            let (flight, isWhole) = (Flight<Verdict>(), kept.isWhole)
            kept.isLimited = !kept.isKnown
            kept.asked = now
            kept.flight = flight
            state.kept[hash] = kept
            Task { flight.land(await self.ask(token, hash, isWhole: isWhole)) }
            return .wait(flight)
        }
    }

    /// What was not good goes first, then who was; of either, what was asked for longest ago. Nobody who is known has to be
    /// made room for by what others make up, as long as there is any of that.
    /// - Returns: `false` if all that is remembered is being asked for.
    private static func makeRoom(_ state: inout State, _ most: Int) -> Bool {
        while state.kept.count >= most {
            let oldest = state.kept.lazy.filter { $0.value.flight == nil }.min { one, other in
                (one.value.isKnown ? 1 : 0, one.value.asked) < (other.value.isKnown ? 1 : 0, other.value.asked)
            }
            guard let oldest else { return false }
            state.kept[oldest.key] = nil
        }
        return true
    }

    private func ask(_ token: String, _ hash: [UInt8], isWhole: Bool) async -> Verdict {
        var (verdict, isWhole) = (Verdict.unknown, isWhole)
        var trouble: CoderTrouble?
        do throws(CoderTrouble) {
            let person = try await coder.person(token: token) { [settings] in $0.bestRole(settings.roles) != nil }
            verdict = judge(person)
            if case .person = verdict, !isWhole {
                isWhole = !(try await coder.isNarrow(token: token))
                if !isWhole {
                    verdict = .refused("This token is good for less than its user may do. Use one of the whole scope.")
                }
            }
        } catch {
            if error.isOfSuspended {
                verdict = .refused("Coder says that this user is not active.")
            } else if error.kind != .token {
                trouble = error
                verdict = .unavailable("Coder does not say now who this is.")
            }
        }
        keep(verdict, hash, isWhole: isWhole, trouble)
        return verdict
    }

    private func keep(_ verdict: Verdict, _ hash: [UInt8], isWhole: Bool, _ trouble: CoderTrouble?) {
        let now = clock()
        let words = state.withLock { state in
            if state.kept[hash]?.isLimited == true { state.unknown.end() }
            state.kept[hash]?.isLimited = false
            state.kept[hash]?.flight = nil
            state.kept[hash]?.verdict = verdict
            state.kept[hash]?.isWhole = isWhole
            if let trouble {
                state.kept[hash]?.asked = now
                state.kept[hash]?.freshFor = CoderSignIn.pause(trouble)
            } else {
                state.kept[hash]?.freshFor = CoderSignIn.freshFor
                if case .person = verdict {
                    state.kept[hash]?.isKnown = true
                } else {
                    state.kept[hash]?.isKnown = false
                }
            }
            return state.pace.words(trouble?.description, now: start.duration(to: now))
        }
        if let words { log(trouble == nil ? .info : .warning, "access \(name): \(words)") }
    }

    private static func pause(_ trouble: CoderTrouble) -> Duration {
        if case .busy(let pause) = trouble.kind { return min(freshFor, max(troubleFor, pause)) }
        return troubleFor
    }

    private var coder: CoderAPI {
        api.withLock { api in
            if let api { return api }
            let made = makeAPI()
            api = made
            return made
        }
    }

    /// Whether Coder answers at all, for `connlog check --connect`.
    package func trial() async -> [TrialFinding] {
        do throws(CoderTrouble) {
            // Whoever it is that asks.
            let build = try await coder.get("buildinfo", "version", as: "")
            return [.good("\(coder.base) is Coder \(build["version"]?.string ?? "of an unknown version")")]
        } catch {
            return [.failed("\(error)")]
        }
    }

    // MARK: - Judging

    private func judge(_ person: CoderPerson) -> Verdict {
        guard VouchedName.isName(person.username) else {
            return .refused("Coder names this user in a way that connlog does not show.")
        }
        if VouchedName.isListed([person.username, person.email, person.id], in: settings.revoked) {
            return .refused("This user is shut out here: 'revoked' names it.")
        }
        guard ["active", "dormant"].contains(person.status) else {
            return .refused("Coder says that this user is not active.")
        }
        if let role = person.bestRole(settings.roles) {
            return .person(entry(person, role))
        }
        let (role, organizations) = person.rolesOfOrganizations(settings.roles)
        guard let role else {
            return .refused("No role that this user has in Coder lets in here.")
        }
        return .person(entry(person, role, organizations))
    }

    private func entry(_ person: CoderPerson, _ role: Role, _ organizations: [String] = []) -> AccessList.Entry {
        AccessList.Entry(
            person: person.username, role, organizations: organizations, user: person.id, knownAs: [person.email])
    }
}

extension CoderPerson {
    /// Roles of the deployment that no organization's own role is taken for, whoever may name such.
    private static let ofDeployment: Set<String> = ["owner", "auditor", "user-admin", "template-admin", "member"]

    /// What the roles of the whole deployment are here; `nil`: nothing.
    fileprivate func bestRole(_ known: [String: Role]) -> Role? {
        let found = roles.compactMap { known[$0] }
        return found.contains(.admin) ? .admin : found.first
    }

    /// What the roles in organizations are here, and in which: the least of them in all, so that a right in one is none
    /// in another.
    fileprivate func rolesOfOrganizations(_ known: [String: Role]) -> (role: Role?, organizations: [String]) {
        var found: [String: Role] = [:]
        for (organization, roles) in rolesInOrganizations {
            let those = roles.filter { !CoderPerson.ofDeployment.contains($0) }.compactMap { known[$0] }
            if let role = those.contains(.admin) ? Role.admin : those.first { found[organization] = role }
        }
        guard !found.isEmpty else { return (nil, []) }
        return (found.values.allSatisfy { $0 == .admin } ? .admin : .auditor, found.keys.sorted())
    }
}
#endif
