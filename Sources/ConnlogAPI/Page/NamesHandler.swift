#if Server
import ConnlogCore
import ConnlogStore
import Hummingbird
import Synchronization

/// `GET /api/v2/connectionlog/names`: people and organizations that a directory knows, for menus and completion.
///
/// Whoever may see some organizations only gets the people who occur in their connections. Addresses are for admins.
struct NamesHandler {
    private static let countMax = 5000

    let asker: Asker
    let parts: APIParts
    let memory: KnownPeople

    private var caller: Caller { asker.caller }

    func respond() async throws -> Response {
        let known = try await people()
        let users = parts.names.users.filter { !$0.isDeleted && known?.contains($0.id) ?? true }
            .sorted { $0.username < $1.username }.prefix(NamesHandler.countMax)
        return .json([
            "users": .array(users.map(user)),
            "organizations": .array(
                parts.names.organizations.filter { caller.maySee($0.id) }.map {
                    ["id": .string($0.id), "name": .string($0.name), "display_name": .string($0.displayName)]
                }),
        ])
    }

    private func user(_ user: UserName) -> JSONValue {
        var object = Members()
        object.add("id", user.id)
        object.add("username", user.username)
        if caller.role.seesAddresses, !caller.isLimited { object.add("email", user.email) }
        return object.value
    }

    /// Ids of those in the caller's rows; `nil`: all rows are.
    private func people() async throws -> Set<String>? {
        guard let organizations = caller.organizations else { return nil }
        if organizations.isEmpty { return [] }
        guard let store = parts.store?.store else { return [] }
        if let ids = memory.ids(organizations) { return ids }
        let everything = caller.everything
        let stats = try await Question.ask(asker.client) {
            let all = StatsQuestion(
                range: .earliest..<Microseconds.latest, buckets: [], facets: [.person, .owner], limit: .max)
            return try await store.stats(everything, all)
        }
        let ids = Set(stats.facets.values.flatMap(\.values).map(\.value))
        memory.keep(ids, organizations)
        return ids
    }
}

/// Who occurs in the connections of which organizations; asked anew after some minutes.
final class KnownPeople: Sendable {
    private static let age = Duration.seconds(300)
    private static let countMax = 100

    private struct Found {
        let ids: Set<String>
        let time: ContinuousClock.Instant
    }

    private let found = Mutex<[[String]: Found]>([:])

    func ids(_ organizations: [String], now: ContinuousClock.Instant = .now) -> Set<String>? {
        found.withLock { $0[organizations].flatMap { now - $0.time < KnownPeople.age ? $0.ids : nil } }
    }

    func keep(_ ids: Set<String>, _ organizations: [String], now: ContinuousClock.Instant = .now) {
        found.withLock { found in
            if found.count >= KnownPeople.countMax { found.removeAll() }
            found[organizations] = Found(ids: ids, time: now)
        }
    }
}
#endif
