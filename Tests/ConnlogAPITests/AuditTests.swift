#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogAPI

/// Whoever asks is told of: what, over which range, how many rows, and whether all of it went out.
@Suite struct AuditTests {
    /// What was told.
    private final class Told: Sendable {
        private let events = Mutex<[AuditEvent]>([])
        func add(_ event: AuditEvent) { events.withLock { $0.append(event) } }
        var all: [AuditEvent] { events.withLock { $0 } }
    }

    private static let events = (0..<40).map { number in
        ToldEvent(id: ToldEvent.uuid(number + 1), time: Int64(number), connection: ToldEvent.uuid(1000 + number))
    }

    private static func withTold(
        _ events: [ToldEvent] = events, access: AccessList = AccessList(isOpen: true),
        _ body: (TestServer, Told) async throws -> Void
    ) async throws {
        let told = Told()
        try await withServer(events, access: access) { server async throws in
            server.state.update { $0.audit = { told.add($0) } }
            try await body(server, told)
        }
    }

    private static let path = "/api/v2/connectionlog"
    private static let day = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"

    @Test func `each question is told once, with its filter, range and rows`() async throws {
        let questions: [(path: String, action: AuditEvent.Action, rows: Int?)] = [
            ("?limit=7&q=type:ssh", .list, 7), ("?connlog=true&limit=100&q=type:ssh", .list, 40),
            ("/export?format=csv&q=type:ssh", .export, 40), ("/export?limit=3&q=type:ssh", .export, 3),
            ("/export?format=package&q=type:ssh&\(Self.day)", .package, 40),
            ("/stats?q=type:ssh&\(Self.day)", .stats, 40),
            ("/people?q=type:ssh&\(Self.day)", .people, 0), ("/names", .names, nil),
            ("/\(ToldEvent.uuid(3))", .details, 1),
        ]
        for question in questions {
            try await Self.withTold { server, told async throws in
                let reply = try await server.get(Self.path + question.path, [("User-Agent", "audit-test")])
                #expect(reply.status == 200, "\(reply.text)")
                let event = try #require(told.all.first)
                #expect(told.all.count == 1, "\(question.path)")
                #expect(event.action == question.action && event.rows == question.rows, "\(event)")
                #expect(event.isComplete && event.who == "local" && event.role == "admin")
                #expect(event.address == "127.0.0.1")
                if question.path.contains("q=type:ssh") { #expect(event.filter == "type:ssh") }
                if question.path.contains(Self.day) {
                    let range = [event.from, event.to].map { $0.map { EventTime.text($0) } }
                    #expect(range == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], "\(question.path)")
                }
                if question.action == .export {
                    #expect(event.format == (question.path.contains("csv") ? "csv" : "jsonl"))
                }
            }
        }
    }

    @Test func `what was refused gave nothing away and is not told`() async throws {
        let token = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "t", role: .auditor, tokenHashes: [token.hash]))
        try await Self.withTold(access: AccessList([entry])) { server, told async throws in
            #expect(try await server.get(Self.path).status == 401)
            let key = [(name: "Coder-Session-Token", value: token.token)]
            #expect(try await server.get(Self.path + "?q=type:foo", key).status == 400)
            #expect(try await server.get(Self.path + "/audit", key).status == 403)
            #expect(try await server.get(Self.path + "/\(ToldEvent.uuid(99))", key).status == 404)
            #expect(told.all.isEmpty)
            #expect(try await server.get(Self.path + "?q=type:ssh", key).status == 200)
            #expect(told.all.map(\.who) == ["token:t"] && told.all.map(\.role) == ["auditor"])
        }
    }

    @Test func `an export that is broken off is told, and that it was`() async throws {
        var long = Self.events
        for index in long.indices { long[index].userAgent = String(repeating: "x", count: 200_000) }
        try await Self.withTold(long) { server, told async throws in
            await server.pieces(Self.path + "/export") { _ in true }
            try await eventuallySoon { !told.all.isEmpty }
            let event = try #require(told.all.first)
            #expect(told.all.count == 1 && !event.isComplete && event.action == .export)
        }
    }

    @Test func `who follows events is told when it begins, and how many they were`() async throws {
        try await Self.withTold { server, told async throws in
            await server.stream(Self.path + "/watch?last_event_id=0") { $0.contains(ToldEvent.uuid(40)) }
            try await eventuallySoon { told.all.count == 2 }
            #expect(told.all.map(\.action) == [.watch, .watch])
            #expect(told.all.map(\.rows) == [nil, 40])
            #expect(told.all.map(\.isComplete) == [false, true])
            #expect(Set(told.all.map(\.id)).count == 2)
        }
    }

    @Test func `admins of all organizations see who asked, page by page`() async throws {
        try await Self.withTold([]) { server, _ async throws in
            var batch = EventBatch()
            for number in 0..<5 {
                let event = AuditEvent(
                    .list, by: "token:\(number)", role: "auditor", filter: "\u{1b}[2J<b>", address: "::1",
                    at: Int64(number) * 1_000_000_000)
                batch.append(Array(event.line.utf8).span)
            }
            _ = try server.store.apply(batch, at: nil, arrival: 0)
            var (names, next) = ([String](), "")
            repeat {
                let reply = try await server.get("\(Self.path)/audit?limit=2\(next)").json
                let found = try #require(reply["audit"] as? [[String: Any]])
                names += found.compactMap { $0["who"] as? String }
                next = (reply["next"] as? String).map { "&before=\($0)" } ?? ""
            } while !next.isEmpty
            #expect(names == (0..<5).reversed().map { "token:\($0)" })
            let text = try await server.get("\(Self.path)/audit?format=text&from=1970-01-01T00:00:03Z").text
            #expect(text.split(separator: "\n").count == 2 && !text.contains("\u{1b}"))
            for wrong in [
                "limit=1001", "before=x", "before=-1", "format=xml", "from=x", "\(Self.day)&to=2020-01-01T00:00:00Z",
            ] {
                let status = try await server.get("\(Self.path)/audit?\(wrong)").status
                #expect(status == 400 || wrong.hasPrefix("from=2026"), "\(wrong)")
            }
        }
    }

    /// Waits, without a limit of its own, for what the server does after an answer.
    private func eventuallySoon(_ isTrue: () -> Bool) async throws {
        while !isTrue() { await Task.yield() }
    }
}
#endif
