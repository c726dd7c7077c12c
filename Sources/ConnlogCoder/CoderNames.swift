package import ConnlogCore
import ConnlogSystem
import Synchronization

/// `[directory] type = coder_api`: who the ids are, from Coder's own API, kept in a `NamesFile`.
///
///     all users and organizations    at the start, and each `interval`
///     users that are new             each minute
///     an id that nobody knew         when it has been asked for: once an hour each, ten in a minute at most
///
/// A name that is known once stays known: a user that is gone from the list is marked as deleted under the last name. That
/// is not done to many at once: a token that has lost its role sees fewer users, and they are not gone.
package final class CoderNames: Sendable {
    package struct Settings: Sendable {
        package let name: String
        package let api: CoderAPI
        package let file: NamesFile
        package let interval: Duration

        package init(name: String, api: CoderAPI, file: NamesFile, interval: Duration) {
            self.name = name
            self.api = api
            self.file = file
            self.interval = interval
        }
    }

    private struct State {
        var users: [String: UserName] = [:]
        var organizations: [String: OrganizationName] = [:]
        /// When the newest known user was made, as Coder writes it.
        var newest: String?
        /// An older Coder does not know how to ask for new ones.
        var cannotPoll = false
        /// When an id was last asked for, by the clock that nobody sets.
        var asked: [String: Duration] = [:]
        /// What was last told to be wrong.
        var trouble: CoderTrouble?
        var hasTold = false
        /// How many were missing at once, and were left as they are.
        var missing = 0
    }

    static let pageSize = 500
    /// A list that goes on for longer is none of a real Coder.
    static let usersMax = 2_000_000
    static let askAgainAfter = Duration.seconds(3600)
    static let asksAtOnce = 10
    private static let pollInterval = Duration.seconds(60)

    private let settings: Settings
    private let misses: @Sendable () -> [String]
    private let pause: @Sendable (Duration) async -> Void
    private let log: LogFunction
    private let state: Mutex<State>

    /// - Parameters:
    ///   - misses: ids that were asked for and that nobody knows, since it was called last.
    ///   - pause: waits, or returns early when the task is cancelled.
    package init(
        _ settings: Settings, misses: @escaping @Sendable () -> [String] = { [] },
        pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) },
        log: @escaping LogFunction
    ) {
        self.settings = settings
        self.misses = misses
        self.pause = pause
        self.log = log
        var state = State()
        let kept = settings.file.read()
        for user in kept.users { state.users[user.id] = user }
        for organization in kept.organizations { state.organizations[organization.id] = organization }
        self.state = Mutex(state)
    }

    private var uptime: Duration { .nanoseconds(SystemWallTime().uptime()) }

    /// Asks until the task is cancelled. Trouble is told once, tried again at growing pauses, and costs no name.
    package func run() async {
        var failures = 0
        var due = uptime
        while !Task.isCancelled {
            do throws(CoderTrouble) {
                if uptime >= due {
                    try await readAll()
                    due = uptime + settings.interval
                } else {
                    try await readNew()
                }
                try await ask(for: misses(), at: uptime)
                isWell()
                failures = 0
                await pause(min(CoderNames.pollInterval, max(.seconds(1), due - uptime)))
            } catch {
                tell(error)
                failures += 1
                let wait = Duration.seconds(10) * (1 << min(failures, 6))
                if case .busy(let asked) = error.kind {
                    await pause(asked)
                } else {
                    await pause(min(wait, .seconds(600)))
                }
            }
        }
    }

    // MARK: - All of them

    /// Everybody that the token may see.
    func readAll() async throws(CoderTrouble) {
        let answer = try await get("organizations", "organizations")
        guard let organizations = CoderPeople.organizations(answer) else { throw strange("organizations") }
        var (seen, newest) = try await readPages()
        let listed = seen.count
        if listed <= 1 { seen.merge(try await readMembers(organizations)) { first, _ in first } }
        let isAlone = listed < seen.count
        let kept = state.withLock { state -> Int in
            state.newest = newest ?? state.newest
            for organization in organizations { state.organizations[organization.id] = organization }
            return CoderNames.merge(seen, into: &state.users, mayDelete: listed > 1)
        }
        if kept > 0, state.withLock({ $0.missing }) != kept {
            log(
                .warning,
                "directory \(settings.name): \(settings.api.base) lists \(seen.count) users and \(kept) that were there "
                    + "are missing, so their names stay as they are; does the token's user still have the role auditor?"
            )
        }
        state.withLock { $0.missing = kept }
        try store()
        tellFirst(isAlone: isAlone)
    }

    /// Page by page, each beginning after the last user of the one before.
    private func readPages() async throws(CoderTrouble) -> (seen: [String: UserName], newest: String?) {
        var seen: [String: UserName] = [:]
        var newest: String?
        var last: String?
        var total = 0
        while true {
            let after = last.map { "&after_id=\($0)" } ?? ""
            let answer = try await get("users?limit=\(CoderNames.pageSize)\(after)", "users")
            guard let page = CoderPeople.page(answer) else { throw strange("users") }
            if last == nil { total = page.count }
            guard let end = page.users.last else { break }
            let before = seen.count
            for user in page.users { seen[user.id] = user }
            if let made = page.newest { newest = max(newest ?? made, made) }
            // The same ones again and again would go on for ever.
            guard seen.count > before, seen.count <= CoderNames.usersMax else { throw strange("pages of users") }
            last = end.id
            if page.users.count < CoderNames.pageSize, seen.count >= total { break }
        }
        return (seen, newest)
    }

    /// Whom an auditor of some organizations sees, who may see no list of users.
    private func readMembers(_ organizations: [OrganizationName]) async throws(CoderTrouble) -> [String: UserName] {
        var seen: [String: UserName] = [:]
        for organization in organizations {
            do throws(CoderTrouble) {
                let answer = try await get("organizations/\(organization.id)/members", "members")
                for user in CoderPeople.members(answer) ?? [] { seen[user.id] = user }
            } catch {
                guard error.kind == .forbidden || error.kind == .notFound else { throw error }
            }
        }
        return seen
    }

    /// - Returns: how many were left as they are though they are missing, since they are too many to be gone.
    static func merge(_ seen: [String: UserName], into users: inout [String: UserName], mayDelete: Bool) -> Int {
        let gone = users.values.filter { !$0.isDeleted && seen[$0.id] == nil && $0.id != CoderPeople.prebuilds.id }
        users.merge(seen) { $1 }
        users[CoderPeople.prebuilds.id] = CoderPeople.prebuilds
        guard mayDelete else { return 0 }
        guard gone.count <= max(10, seen.count / 4) else { return gone.count }
        for user in gone { users[user.id]?.isDeleted = true }
        return 0
    }

    // MARK: - Some of them

    /// Those that were made since.
    func readNew() async throws(CoderTrouble) {
        guard let newest = state.withLock({ $0.cannotPoll ? nil : $0.newest }) else { return }
        let time = String(newest.unicodeScalars.filter { CoderNames.isOfTime($0) })
        let page: CoderPeople.Page
        do throws(CoderTrouble) {
            let answer = try await get(
                "users?limit=\(CoderNames.pageSize)&q=created_after:%22\(time.replacing("+", with: "%2B"))%22", "users")
            guard let found = CoderPeople.page(answer) else { throw strange("users") }
            page = found
        } catch {
            guard error.kind == .refused else { throw error }
            return state.withLock { $0.cannotPoll = true }
        }
        try take(page.users, newest: page.newest)
    }

    private static func isOfTime(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.numericType != nil || "TZ:+-.".unicodeScalars.contains(scalar))
    }

    /// Those of these ids that Coder knows, deleted ones among them.
    func ask(for ids: [String], at now: Duration) async throws(CoderTrouble) {
        let due = state.withLock { state -> [String] in
            state.asked = state.asked.filter { now - $0.value < CoderNames.askAgainAfter }
            let new = Set(ids.compactMap(UUIDText.normalized)).filter {
                state.users[$0] == nil && state.asked[$0] == nil
            }
            let due = new.sorted().prefix(CoderNames.asksAtOnce)
            for id in due { state.asked[id] = now }
            return Array(due)
        }
        var found: [UserName] = []
        for id in due {
            do throws(CoderTrouble) {
                let answer = try await get("users/\(id)", "this user")
                // A list without it: it is not among those that are there.
                guard var user = CoderPeople.user(answer, id: "id"), user.id == id else { continue }
                user.isDeleted = true
                found.append(user)
            } catch {
                guard [.notFound, .refused, .forbidden].contains(error.kind) else { throw error }
            }
        }
        try take(found, newest: nil)
    }

    private func take(_ users: [UserName], newest: String?) throws(CoderTrouble) {
        let isNew = state.withLock { state in
            if let newest { state.newest = max(state.newest ?? newest, newest) }
            let new = users.filter { state.users[$0.id] != $0 }
            for user in new { state.users[user.id] = user }
            return !new.isEmpty
        }
        if isNew { try store() }
    }

    // MARK: - Asking and telling

    /// Waits as long as Coder asks for, and asks again.
    private func get(_ path: String, _ what: String) async throws(CoderTrouble) -> JSONValue {
        for _ in 0..<5 {
            do throws(CoderTrouble) {
                return try await settings.api.get(path, what)
            } catch {
                guard case .busy(let wait) = error.kind, wait <= .seconds(120), !Task.isCancelled else { throw error }
                await pause(wait)
            }
        }
        return try await settings.api.get(path, what)
    }

    private func strange(_ what: String) -> CoderTrouble {
        CoderTrouble(.strange, "\(settings.api.base) answers the question for \(what) with something else")
    }

    private func store() throws(CoderTrouble) {
        let (users, organizations) = state.withLock { ($0.users.values, $0.organizations.values) }
        do throws(SystemError) {
            try settings.file.write(users)
            try settings.file.write(organizations)
        } catch {
            throw CoderTrouble(.away, "the names cannot be kept: \(error)")
        }
    }

    private func tellFirst(isAlone: Bool) {
        let (isFirst, users, organizations) = state.withLock { state in
            defer { state.hasTold = true }
            return (!state.hasTold, state.users.count, state.organizations.count)
        }
        guard isFirst else { return }
        let words = "\(Quantity.count(users, "user")) and \(Quantity.count(organizations, "organization"))"
        log(.info, "directory \(settings.name): \(words) from \(settings.api.base)")
        if isAlone {
            log(
                .warning,
                "directory \(settings.name): the token's user sees nobody in the list of users, so names are those of "
                    + "members of its organizations only; give it the role auditor to see all")
        }
    }

    private func isWell() {
        let before = state.withLock { state in
            defer { state.trouble = nil }
            return state.trouble
        }
        if before != nil { log(.info, "directory \(settings.name): \(settings.api.base) answers again") }
    }

    private func tell(_ trouble: CoderTrouble) {
        let isNew = state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble?.kind != trouble.kind
        }
        guard isNew else { return }
        let names = state.withLock { $0.users.isEmpty } ? "there are no names yet" : "the names from before stay"
        log(.warning, "directory \(settings.name): \(trouble); \(names), and events go on")
    }
}
