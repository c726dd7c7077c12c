import ConnlogCoder
import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogTools

/// Coder's table beside our store (case A6).
@Suite(.timeLimit(.minutes(10))) struct ReconciliationTests {
    private static let now = 1_764_504_000_000_000  // 2025-11-30T12:00:00Z, in microseconds

    private struct Clock: WallTime {
        func now() -> Nanoseconds { Int64(ReconciliationTests.now) * 1000 }
    }

    private static func id(_ number: Int, _ kind: Int = 0) -> String {
        let digits = String(number)
        return "0000000\(kind)-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// A row as both APIs have it.
    /// - Parameter ago: microseconds before now.
    private static func row(
        _ id: String, ago: Int, lasts: Int? = nil, connection: Int?, code: Int = 0, agent: String = "main"
    ) -> [String: Any] {
        let connect = now - ago
        func text(_ time: Int) -> String { TableTime(microseconds: Int64(time)).text }
        var row: [String: Any] = [
            "id": id, "connect_time": text(connect), "organization": ["id": Self.id(1, 9)],
            "workspace_id": Self.id(2, 9), "workspace_name": "dev", "agent_name": agent, "type": "ssh",
        ]
        guard let connection else {
            row["web_info"] = ["user_agent": "", "user": NSNull(), "slug_or_port": "x", "status_code": code]
            return row
        }
        var agent: [String: Any] = ["connection_id": Self.id(connection, 1)]
        if let lasts {
            agent["disconnect_time"] = text(connect + lasts)
            agent["exit_code"] = code
        }
        row["ssh_info"] = agent
        return row
    }

    private static func time(_ row: [String: Any]) -> TableTime {
        TableTime(row["connect_time"] as? String ?? "") ?? .first
    }

    /// Rows of a list that match what connlog asks, newest first.
    private static func found(_ rows: [[String: Any]], _ query: String) -> [[String: Any]] {
        let terms = query.matches(of: #/([a-z_]+):"?([^" ]+)"?/#).map { (String($0.1), String($0.2)) }
        return rows.filter { row in
            terms.allSatisfy { key, value in
                switch key {
                case "connected_after": time(row) >= TableTime(value) ?? .last
                case "connected_before": time(row) <= TableTime(value) ?? .first
                case "connection_id": (row["ssh_info"] as? [String: Any])?["connection_id"] as? String == value
                default: false
                }
            }
        }.sorted { time($0) > time($1) }
    }

    private static func json(_ value: Any) -> String {
        String(decoding: (try? JSONSerialization.data(withJSONObject: value)) ?? Data(), as: UTF8.self)
    }

    private static func outcome(
        table: [[String: Any]], store: [[String: Any]], from: Int = 86_400_000_000, to: Int = 0,
        limits: Reconciliation.Limits = .init()
    ) async throws -> ReconcileOutcome {
        let (table, store) = (json(table), json(store))
        let server = try HTTPServer { request in
            let rows = (try? JSONSerialization.jsonObject(with: Data(table.utf8))) as? [[String: Any]] ?? []
            let items = URLComponents(string: "http://x\(request.target)")?.queryItems ?? []
            let value = { (name: String) in items.first { $0.name == name }?.value ?? "" }
            let found = found(rows, value("q"))
            let page = Array(found.dropFirst(Int(value("offset")) ?? 0).prefix(min(7, Int(value("limit")) ?? 0)))
            return .reply(status: 200, body: json(["connection_logs": page, "count": found.count]))
        }
        defer { server.stop() }
        let api = CoderAPI(
            url: server.url, token: SecretReference(literal: "t"), http: HTTPSettings(userAgent: "connlog/test"))
        let reconciliation = Reconciliation(
            api, name: "[source \"table\"]", server: "sock", clock: Clock(), limits: limits
        ) {
            query, limit, take in
            let rows = (try? JSONSerialization.jsonObject(with: Data(store.utf8))) as? [[String: Any]] ?? []
            let found = found(rows, query)
            let text = found.prefix(limit == 0 ? .max : limit).map { json($0) + "\n" }.joined()
            // In pieces that end anywhere.
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: 100) {
                take(Array(bytes[start..<min(start + 100, bytes.count)]))
            }
        }
        return try await reconciliation.run(from: Int64(now - from) * 1000, to: Int64(now - to) * 1000)
    }

    /// Rows that both have, from before the range to its end.
    private static var both: [[String: Any]] {
        (0..<20).map { row(id($0), ago: 90_000_000_000 - $0 * 4_400_000_000, lasts: 1000, connection: $0) }
    }

    @Test func `five rows that the log lacks are reported; disconnects of other ids, and purged rows, are not`()
        async throws
    {
        let missing = (100..<105).map {
            Self.row(Self.id($0), ago: 80_000_000_000 - $0, connection: $0 % 2 == 0 ? $0 : nil)
        }
        // Both within one batch: the row has the disconnect's id, the store the connect's.
        let here = (200..<203).map { Self.row(Self.id($0, 3), ago: 70_000_000_000 - $0, lasts: 7, connection: $0) }
        let there = (200..<203).map { Self.row(Self.id($0, 4), ago: 70_000_000_001 - $0, lasts: 8, connection: $0) }
        let purged = (300..<302).map { Self.row(Self.id($0), ago: 200_000_000_000 + $0, lasts: 7, connection: $0) }
        let outcome = try await Self.outcome(
            table: Self.both + missing + here, store: Self.both + there + purged, from: 300_000_000_000)
        #expect(outcome.findings.map(\.kind) == Array(repeating: .missingInStore, count: 5))
        #expect(outcome.findings.compactMap { $0.table?.id.text }.sorted() == (100..<105).map { Self.id($0) })
        #expect(outcome.reasons.contains { $0.contains("Coder's table has nothing older") }, "\(outcome.reasons)")
        #expect(outcome.reasons.contains { $0.contains("15 minutes") }, "\(outcome.reasons)")
        #expect(
            !outcome.isEqual && outcome.text.contains("5 missing in the store, 0 missing in the table, 0 different"))
        #expect(outcome.json["missing_in_store"] == .integer(5))
    }

    @Test func `the same rows are the same, to the microsecond, and an empty table is no proof`() async throws {
        let equal = try await Self.outcome(table: Self.both, store: Self.both)
        #expect(equal.isEqual && equal.equal == equal.tableRows && equal.equal > 15, "\(equal)")
        let nothing = try await Self.outcome(table: [], store: Self.both)
        #expect(!nothing.isEqual && nothing.used == nil && nothing.text.contains("compared   nothing"))
        #expect(try await Self.outcome(table: Self.both, store: []).used == nil)
        #expect(try await Self.outcome(table: [], store: []).isEqual)
    }

    @Test func `what the store alone has is reported, and what is younger than 15 minutes is not compared`()
        async throws
    {
        let late = [Self.row(Self.id(500), ago: 899_000_000, connection: 500)]
        #expect(try await Self.outcome(table: Self.both + late, store: Self.both).isEqual)
        let old = [
            Self.row(Self.id(501), ago: 901_000_000, connection: 501),
            Self.row(Self.id(502), ago: 50_000_000_000, connection: nil),
        ]
        let outcome = try await Self.outcome(table: Self.both, store: Self.both + old)
        #expect(outcome.findings.map(\.kind) == [.missingInTable, .missingInTable])
    }

    @Test(
        arguments: [
            (1000, 0, 1001, 0, []), (1000, 0, 1002, 0, ["disconnect_time"]), (1000, 0, 1000, 1, ["exit_code"]),
            (nil, 0, nil, 0, []), (nil, 0, 1000, 0, ["disconnect_time"]), (1000, 0, nil, 0, ["disconnect_time"]),
        ] as [(Int?, Int, Int?, Int, [String])])
    func `ends that differ are told with both`(
        table: Int?, tableCode: Int, store: Int?, storeCode: Int, fields: [String]
    ) async throws {
        let one = Self.row(Self.id(600), ago: 50_000_000_000, lasts: table, connection: 600, code: tableCode)
        let other = Self.row(Self.id(600), ago: 50_000_000_000, lasts: store, connection: 600, code: storeCode)
        let outcome = try await Self.outcome(table: Self.both + [one], store: Self.both + [other])
        #expect(outcome.findings.flatMap { $0.differences.map(\.field) } == fields, "\(outcome.text)")
        #expect(outcome.isEqual == fields.isEmpty)
    }

    @Test func `a connect that is missing in the store is a finding, also hours before its disconnect`() async throws {
        let one = Self.row(Self.id(700), ago: 50_000_000_000, lasts: 20_000_000_000, connection: 700)
        let other = Self.row(Self.id(701), ago: 30_000_000_000, lasts: 0, connection: 700)
        let outcome = try await Self.outcome(
            table: Self.both + [one], store: Self.both + [other], from: 86_400_000_000, to: 40_000_000_000)
        #expect(outcome.findings.map { $0.differences.map(\.field) } == [["connect_time"]], "\(outcome.text)")
    }

    @Test(arguments: [2, 3, 4]) func `rows beyond those that are looked up are unsure, and no proof of anything`(
        size: Int
    ) async throws {
        var limits = Reconciliation.Limits()
        limits.lookUps = 3
        // They are there, under times that were not read.
        let here = (0..<size).map { Self.row(Self.id(800 + $0), ago: 50_000_000_000 - $0, connection: 800 + $0) }
        let there = (0..<size).map { Self.row(Self.id(800 + $0), ago: 80_000_000_000 - $0, connection: 800 + $0) }
        let web = [Self.row(Self.id(900), ago: 50_000_000_000, connection: nil)]
        for isOfTable in [true, false] {
            let outcome = try await Self.outcome(
                table: Self.both + (isOfTable ? here + web : there),
                store: Self.both + (isOfTable ? there : here + web), from: 60_000_000_000, limits: limits)
            let unsure = max(0, size - 3)
            #expect(outcome.count(.unsure) == unsure, "\(outcome.text)")
            #expect(outcome.count(isOfTable ? .missingInStore : .missingInTable) == 1, "\(outcome.text)")
            #expect(outcome.findings.count == 1 + unsure && !outcome.isEqual)
            #expect(outcome.json["unsure"] == .integer(Int64(unsure)))
            #expect(outcome.text.contains("\(unsure) unsure") == (unsure > 0), "\(outcome.text)")
            #expect(outcome.reasons.contains { $0.contains("3 on each side are asked for") } == (unsure > 0))
        }
        let alone = try await Self.outcome(
            table: Self.both + here, store: Self.both + there, from: 60_000_000_000, limits: limits)
        #expect(alone.isEqual == (size <= 3))
    }

    @Test(arguments: [-1, 0, 1]) func `so many rows are held, and one more is a mistake of who asks`(over: Int)
        async throws
    {
        var limits = Reconciliation.Limits()
        limits.rows = Self.both.count - over
        for isLarge in [true, false] {
            let more = isLarge ? Self.both : Array(Self.both.prefix(5))
            let less = isLarge ? Array(Self.both.prefix(5)) : Self.both
            let run = { try await Self.outcome(table: more, store: less, from: 100_000_000_000, limits: limits) }
            if over <= 0 {
                _ = try await run()
            } else {
                let error = await #expect(throws: ToolError.self) { _ = try await run() }
                #expect(error?.status == .usage && error?.description.contains("give a shorter one") == true)
            }
        }
        #expect(Reconciliation.Limits().rows == 1_000_000 && Reconciliation.Limits().lookUps == 200)
    }

    @Test func `without a section of type coder_api both kinds are named`() throws {
        let error = #expect(throws: ToolError.self) {
            _ = try Reconciliation.section([], named: nil, in: "connlog.ini")
        }
        #expect(error?.status == .usage)
        #expect(error?.description.contains("[source \"...\"] nor [directory \"...\"] with type = coder_api") == true)
    }
}
