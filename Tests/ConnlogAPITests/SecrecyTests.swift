#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogAPI

/// Whoever may see one organization is told nothing of the others: no name, no address, no id, and no count, be it by a
/// number that rises with theirs. Over all routes there are, as the router's own table has them: a new one is asked too.
@Suite struct SecrecyTests {
    private static let own = ToldEvent.uuid(901)
    private static let other = ToldEvent.uuid(900)
    private static let token = TokenText.make()

    /// What is planted in the other organization.
    private static let secrets = [
        "bobsecret", "carolsecret", "secret-b.example", "orgb", "B SECRET", "workspace-secret", "agent-secret",
        "198.51.100", "2001:db8:5ec", "slug-secret", "agent/secret", "reason-secret", ToldEvent.uuid(0xb01),
        ToldEvent.uuid(0xb02), ToldEvent.uuid(0xb03), ToldEvent.uuid(0xb05), ToldEvent.uuid(0xb800), other,
        "5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5e",
    ]

    private static let people = ListedNames(
        users: [
            UserName(id: ToldEvent.uuid(100), username: "alice", email: "alice@orga.example"),
            UserName(id: ToldEvent.uuid(0xb01), username: "bobsecret", email: "bob@secret-b.example"),
            UserName(id: ToldEvent.uuid(0xb02), username: "carolsecret", email: "carol@secret-b.example"),
        ],
        organizations: [
            OrganizationName(id: own, name: "orga"), OrganizationName(id: other, name: "orgb", displayName: "B SECRET"),
        ])

    /// Begins, ends, a refused tunnel and an app.
    private static var mine: [ToldEvent] {
        var events = [
            ToldEvent(id: ToldEvent.uuid(1), time: 10, connection: ToldEvent.uuid(50)),
            ToldEvent(id: ToldEvent.uuid(2), time: 900, isDisconnect: true, code: 0, connection: ToldEvent.uuid(50)),
            ToldEvent(id: ToldEvent.uuid(3), time: 20, type: "tunnel", code: 101),
            ToldEvent(id: ToldEvent.uuid(4), time: 30, connection: ToldEvent.uuid(51)),
        ]
        events[2].user = ToldEvent.uuid(100)
        for index in events.indices { events[index].organization = own }
        return events
    }

    /// So many of each kind, on a workspace of the same name and at the same times, by people whom only they know.
    private static func theirs(_ count: Int) -> [ToldEvent] {
        (0..<count).flatMap { number in
            var begin = ToldEvent(
                id: ToldEvent.uuid(0xb100 + number), time: Int64(10 + number),
                connection: ToldEvent.uuid(0xb800 + number))
            begin.clientSession = "5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5e"
            var end = begin
            (end.id, end.isDisconnect, end.time) = (ToldEvent.uuid(0xc100 + number), true, begin.time + 100)
            end.reason = "reason-secret"
            var web = ToldEvent(
                id: number == 0 ? ToldEvent.uuid(0xb05) : ToldEvent.uuid(0xd100 + number), time: Int64(20 + number),
                type: "workspace_app", code: 403, userAgent: "agent/secret")
            (web.user, web.slug) = (ToldEvent.uuid(0xb02), "slug-secret")
            return [begin, end, web].map { event in
                var event = event
                (event.organization, event.owner) = (other, ToldEvent.uuid(0xb01))
                (event.workspace, event.agent) = (ToldEvent.uuid(0xb03), "agent-secret")
                event.workspaceName = number.isMultiple(of: 2) ? "workspace-secret" : "dev"
                event.ip = number.isMultiple(of: 2) ? "198.51.100.\(number % 250)" : "2001:db8:5ec::\(number)"
                return event
            }
        }
    }

    private static let day = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"

    /// What each route is asked with; those that do not know a parameter pass over it.
    private static let questions = [
        "", "?\(day)", "?connlog=true&limit=2", "?connlog=true&count=exact&q=dev", "?format=csv&\(day)",
        "?format=text&\(day)", "?format=package&\(day)", "?interval=3600&zone=UTC&\(day)",
        "?facets=outcome,type,person,owner,workspace,ip,organization,client&limit=50&\(day)",
        "?connlog=true&q=username:bobsecre", "?connlog=true&q=workspace_owner:bob", "?connlog=true&q=organization:org",
        "?connlog=true&q=-workspace:dev", "?connlog=true&q=ip:198.51.0.0/16", "?connlog=true&q=code:403",
        "?connlog=true&q=person:carol", "?connlog=true&q=workspace:workspace-secre", "?connlog=true&q=slug-secr",
        "?connlog=true&q=status:ongoing", "?connlog=true&q=during:2026-01-01..2026-01-02", "?q=type:ssh",
    ]

    private static func path(_ route: Route) -> String {
        route.rawValue.replacing("{id}", with: ToldEvent.uuid(1)).replacing("{name}", with: "app.js")
    }

    /// Without what differs from store to store and from moment to moment: sealed numbers, and the time of the question.
    private static func steady(_ text: String) -> String {
        text.replacing(/"(cursor|next)":"[^"]*"/) { "\"\($0.output.1)\":\"\"" }
            .replacing(/"number":\d+/, with: "\"number\":0")
            .replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1")
            .replacing(/"20\d\d-[^"]*Z"/) { $0.output.hasPrefix("\"2026-01-0") ? String($0.output) : "\"now\"" }
    }

    /// All answers, by question.
    private func answers(_ events: [[ToldEvent]], role: Role) async throws -> [String: String] {
        let entry = try #require(
            AccessList.Entry(name: "x", role: role, tokenHashes: [Self.token.hash], organizations: [Self.own]))
        let key: [(name: String, value: String)] = [("Coder-Session-Token", Self.token.token)]
        var answers: [String: String] = [:]
        try await withServer(access: AccessList([entry]), names: Self.people, intake: LimitedIntake()) {
            server async throws in
            for part in events { _ = try server.store.apply(ToldEvent.batch(part), at: nil, arrival: 0) }
            server.state.update { $0.overview = { Self.overview(events.reduce(0) { $0 + $1.count }) } }
            for route in Route.allCases where route != .watch {
                let path = Self.path(route)
                if "\(route.methods[0])" == "POST" {
                    answers["POST \(path)"] = try await server.post(path, [], key).text
                    continue
                }
                for question in Self.questions {
                    let reply = try await server.get(path + question, key)
                    // What the overview here tells is stuck.
                    #expect(reply.status < 500 || route == .ready, "\(path)\(question)")
                    answers[path + question] = "\(reply.status) \(reply.text)"
                }
            }
            let theirs = try await server.get("\(Route.list.rawValue)/\(ToldEvent.uuid(0xb05))", key)
            answers["one of theirs"] = "\(theirs.status) \(theirs.text)"
            for format in ["", "&format=text"] { answers["watch\(format)"] = await watch(server, format, key) }
        }
        return answers
    }

    /// Everything from the beginning, up to the newest event, which is the caller's own.
    private func watch(
        _ server: TestServer, _ format: String, _ key: [(name: String, value: String)]
    ) async -> String {
        let seen = Mutex("")
        await server.stream("\(Route.watch.rawValue)?last_event_id=0\(format)", key) { text in
            seen.withLock { $0 = text }
            return text.components(separatedBy: "event: connection").count == Self.mine.count + 1
                && text.hasSuffix("\n\n")
        }
        return seen.withLock { $0 }.replacing(/(?m)^id: \d+$/, with: "id: 0")
    }

    /// What connlog says of itself, with figures that count everybody's events and an error that names somebody's.
    private static func overview(_ events: Int) -> Overview {
        var overview = Overview()
        overview.version = "1"
        overview.queue.figures = [Figure(.counter, "events", "Events.", events)]
        var source = Overview.SourcePart()
        (source.name, source.figures) = ("coderd", [Figure(.counter, "events", "Events.", events)])
        source.stuck = "\(events) events wait since 198.51.100.9 came"
        overview.sources = [source]
        var sink = Overview.SinkPart()
        (sink.name, sink.state, sink.lastError) = ("siem", "working", "198.51.100.9 refused workspace-secret")
        sink.figures = [Figure(.counter, "delivered_events", key: "delivered", "Events.", events)]
        overview.sinks = [sink]
        overview.stuck = ["sink siem does not get on: \(events) events wait"]
        return overview
    }

    @Test(arguments: [Role.auditor, .admin, .ingest])
    func `no answer of any route holds anything of another organization, or changes with it`(role: Role) async throws {
        let alone = try await answers([Self.mine], role: role)
        let worlds = [[Self.theirs(1), Self.mine], [Self.mine, Self.theirs(1)], [Self.theirs(37), Self.mine]]
        for world in worlds {
            // The watch ends with an event of the caller's own.
            let found = try await answers(world, role: role)
            #expect(Set(found.keys) == Set(alone.keys) && found.count > Route.allCases.count)
            for (question, answer) in found {
                // What the caller has written is not told.
                let told = Self.secrets.filter { answer.contains($0) && !question.contains($0) }
                // The page and the description of the API are the same for everybody.
                #expect(told.isEmpty, "\(question) tells \(told)")
                let before = Self.steady(alone[question] ?? "")
                #expect(
                    Self.steady(answer) == before,
                    "\(question): \(Self.steady(answer).prefix(600)), not \(before.prefix(600))")
            }
        }
    }

    @Test func `the same questions tell somebody who may see all`() async throws {
        let entry = try #require(AccessList.Entry(name: "x", role: .auditor, tokenHashes: [Self.token.hash]))
        try await withServer(
            Self.theirs(2) + Self.mine, access: AccessList([entry]), names: Self.people, intake: LimitedIntake()
        ) { server async throws in
            var told = Set<String>()
            for question in Self.questions {
                for route in [Route.list, .export, .stats, .names, .organizations] {
                    let reply = try await server.get(
                        Self.path(route) + question, [("Coder-Session-Token", Self.token.token)])
                    told.formUnion(Self.secrets.filter { reply.text.contains($0) })
                }
            }
            // What was planted is there to be told: the test above can fail.
            let unseen = Set(Self.secrets).subtracting(told)
            #expect(unseen.isEmpty, "\(unseen)")
        }
    }

    @Test func `places in a list are sealed, and lead where they led`() async throws {
        let entry = try #require(
            AccessList.Entry(name: "x", role: .auditor, tokenHashes: [Self.token.hash], organizations: [Self.own]))
        let key: [(name: String, value: String)] = [("Coder-Session-Token", Self.token.token)]
        try await withServer(
            Self.theirs(5) + Self.mine, access: AccessList([entry]), names: Self.people
        ) { server async throws in
            let all = try await server.get("\(Route.list.rawValue)?connlog=true", key).ids
            var (found, cursor) = ([String](), "")
            while true {
                let page = try await server.get("\(Route.list.rawValue)?connlog=true&limit=1&after=\(cursor)", key)
                found += page.ids
                let own = page.rows.first?["connlog"] as? [String: Any]
                guard let next = page.json["next"] as? String else { break }
                #expect(own?["cursor"] as? String == next)
                // The row is no number that counts.
                #expect(next.split(separator: ".").last?.count ?? 0 > 6, "\(next)")
                cursor = next
            }
            #expect(found == all && all.count == 3)
        }
    }

    @Test func `a watch goes on behind a sealed number`() async throws {
        let entry = try #require(
            AccessList.Entry(name: "x", role: .auditor, tokenHashes: [Self.token.hash], organizations: [Self.own]))
        let key: [(name: String, value: String)] = [("Coder-Session-Token", Self.token.token)]
        try await withServer(
            Self.theirs(2) + Self.mine, access: AccessList([entry]), names: Self.people
        ) { server async throws in
            let first = Mutex("")
            await server.stream("\(Route.watch.rawValue)?last_event_id=0", key) { text in
                first.withLock { $0 = text }
                return text.contains(ToldEvent.uuid(4))
            }
            let ids = first.withLock { $0 }.matches(of: /(?m)^id: (\d+)$/).map { String($0.output.1) }
            #expect(ids.count == 4 && Set(ids).count == 4)
            await server.stream("\(Route.watch.rawValue)", key + [("Last-Event-ID", ids[1])]) { text in
                #expect(!text.contains(ToldEvent.uuid(1)) && !text.contains("restart"))
                return text.contains(ToldEvent.uuid(3)) && text.contains(ToldEvent.uuid(4))
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `a sealed number is opened as what it was`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let seal = NumberSeal((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let limit: Int64 = 1 << 52
        var numbers: [Int64] = [0, 1, 2, 3, limit - 1]
        numbers += (0..<50).map { _ in Int64.random(in: 1..<limit, using: &generator) }
        for number in numbers {
            let sealed = seal.seal(number)
            #expect(seal.open(sealed) == number && (sealed == 0) == (number == 0), "seed \(seed), \(number)")
            #expect((0..<limit).contains(sealed), "seed \(seed), \(number)")
        }
        #expect(Set(numbers.map(seal.seal)).count == Set(numbers).count)
        for odd in [limit, .max, -1, .min] { #expect(seal.seal(odd) == odd && seal.open(odd) == odd) }
        #expect(NumberSeal([1]).seal(1) != NumberSeal([2]).seal(1))
    }
}
#endif
