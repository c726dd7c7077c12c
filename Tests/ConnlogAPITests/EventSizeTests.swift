#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

/// Events of any size come out of every answer whole, alone and among small ones.
@Suite struct EventSizeTests {
    /// Where something begins anew: a piece that is written, a page of rows or events; and `max_line`, twice.
    private static let bounds = [64 << 10, 256 << 10]
    private static let sizes = [0, 4 << 10] + bounds.flatMap { [$0 - 1, $0, $0 + 1] } + [1 << 20, 2 << 20]

    /// What every format has to write otherwise, and what it does not.
    private static func text(_ count: Int) -> String {
        let part = "\"<\\\u{1b}\nplain text of somebody's browser"
        let (times, rest) = count.quotientAndRemainder(dividingBy: part.utf8.count)
        return String(repeating: part, count: times) + part.prefix(rest)
    }

    /// An event with a user agent of so many bytes.
    private static func event(_ number: Int, _ size: Int) -> ToldEvent {
        ToldEvent(
            id: ToldEvent.uuid(1 + number), time: Int64(number), type: "tunnel", code: 101, userAgent: text(size))
    }

    @Test(arguments: sizes) func `it is whole in the list, details, exports and the watch`(size: Int) async throws {
        let events = [200, size, 200, 300, 0].enumerated().map { Self.event($0, $1) }
        try await withServer(events) { server async throws in
            try await expectLists(of: events, server)
            for event in events {
                let reply = try await server.get("/api/v2/connectionlog/\(event.id ?? "")")
                let told = reply.json["events"] as? [[String: Any]]
                expect(told?.map { $0["line"] as? String } == [event.line], "details")
            }
            let exported = try await server.get("/api/v2/connectionlog/export")
            let objects = exported.body.split(separator: 10).map { Array($0) }
            expect(Self.agents(objects) == Self.agents(events), "JSON Lines")
            let table = try await server.get("/api/v2/connectionlog/export?format=csv").text
            let rows = table.components(separatedBy: "\r\n").dropFirst().dropLast()
            let cells = Self.agents(events).map { ",\(CSVText.cell($0)),,,\"1\"," }
            expect(rows.count == cells.count && zip(rows, cells).allSatisfy { $0.contains($1) }, "CSV")
            let lines = try await server.get("/api/v2/connectionlog/export?format=text").body.split(separator: 10)
            #expect(lines.count == events.count)
            let watched = await server.watch("/api/v2/connectionlog/watch?last_event_id=0", events: events.count)
            expect(Self.agents(watched) == Self.agents(events.reversed()), "the watch")
        }
    }

    private func expectLists(of events: [ToldEvent], _ server: TestServer) async throws {
        let list = try await server.get("/api/v2/connectionlog?limit=100")
        expect(list.rows.map { Self.agent($0) } == Self.agents(events), "the list")
        var (walked, after): ([String], String?) = ([], "")
        while let place = after {
            let cursor = place.isEmpty ? "" : "&after=\(place)"
            let page = try await server.get("/api/v2/connectionlog?connlog=true&limit=2\(cursor)")
            walked += page.rows.map { Self.agent($0) }
            after = page.json["next"] as? String
        }
        expect(walked == Self.agents(events), "pages of the list")
    }

    /// Not compared in the expectation, since what differs would be printed.
    private func expect(_ isSame: Bool, _ words: Comment, at place: SourceLocation = #_sourceLocation) {
        #expect(isSame, words, sourceLocation: place)
    }

    /// Of rows in the order of the list.
    private static func agents(_ events: [ToldEvent]) -> [String] { events.reversed().map { $0.userAgent ?? "" } }

    private static func agents(_ lines: [[UInt8]]) -> [String] {
        lines.map { agent((try? JSONSerialization.jsonObject(with: Data($0))) as? [String: Any] ?? [:]) }
    }

    private static func agent(_ row: [String: Any]) -> String {
        let web = row["web_info"] as? [String: Any] ?? row
        // An event says `null` of none, a row "".
        return web["user_agent"] is NSNull ? "" : web["user_agent"] as? String ?? "nothing"
    }

    @Test func `more long rows than one page holds come each once, in the order of the list`() async throws {
        let events = (0..<70).map { Self.event($0, [100, 9_000, 90_000, 300_000][$0 % 4]) }
        try await withServer(events) { server async throws in
            let list = try await server.get("/api/v2/connectionlog?limit=65")
            expect(list.rows.map { Self.agent($0) } == Array(Self.agents(events).prefix(65)), "the list")
            let exported = try await server.get("/api/v2/connectionlog/export?limit=69")
            let lines = exported.body.split(separator: 10).map { Array($0) }
            expect(Self.agents(lines) == Array(Self.agents(events).prefix(69)), "the export")
            let watched = await server.watch("/api/v2/connectionlog/watch?last_event_id=3", events: 67)
            expect(Self.agents(watched) == Self.agents(Array(events.dropFirst(3).reversed())), "the watch")
        }
    }

    @Test(arguments: [false, true])
    func `a connection with more events than one page holds is shown with all that may be seen`(limited: Bool)
        async throws
    {
        var events = (0..<40).map { number in
            ToldEvent(
                id: ToldEvent.uuid(1 + number), time: Int64(number), isDisconnect: number > 0,
                reason: Self.text([100, 30_000, 300_000][number % 3]), connection: ToldEvent.uuid(500))
        }
        events.insert(ToldEvent(time: 0, type: "tunnel"), at: 20)
        let token = TokenText.make()
        let entry = try #require(
            AccessList.Entry(
                name: "auditor", role: .auditor, tokenHashes: [token.hash],
                organizations: limited ? [ToldEvent.uuid(900)] : []))
        try await withServer(events, access: AccessList([entry])) { server async throws in
            let reply = try await server.get(
                "/api/v2/connectionlog/\(ToldEvent.uuid(1))", [("Coder-Session-Token", token.token)])
            let told = reply.json["events"] as? [[String: Any]] ?? []
            events.remove(at: 20)
            expect(told.map { $0["line"] as? String } == events.map(\.line), "lines")
            // Whoever may not see all may not know by their numbers how many there are.
            let numbers = told.compactMap { $0["number"] as? Int }
            #expect(limited ? Set(numbers).count == 40 : numbers == Array(1...20) + Array(22...41))
        }
    }
}

extension TestServer {
    /// The data of so many events of a watch.
    func watch(_ path: String, events count: Int) async -> [[UInt8]] {
        let lines = WatchedLines()
        await pieces(path) { piece in
            lines.take(piece)
            return lines.data.count >= count
        }
        return lines.data
    }
}

/// Takes a watch apart, and looks at each byte once.
private final class WatchedLines: Sendable {
    private let state = Mutex<(rest: [UInt8], data: [[UInt8]])>(([], []))

    var data: [[UInt8]] { state.withLock { $0.data } }

    func take(_ piece: [UInt8]) {
        state.withLock { state in
            var start = 0
            while let end = piece[start...].firstIndex(of: 10) {
                let line = state.rest + piece[start..<end]
                if line.starts(with: Array("data: ".utf8)) { state.data.append(Array(line.dropFirst(6))) }
                state.rest = []
                start = end + 1
            }
            state.rest += piece[start...]
        }
    }
}
#endif
