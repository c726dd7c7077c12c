#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// The terms of our dialect mean in the store what they mean in a plain look at every row.
@Suite struct TermTests {
    private static let seeds = Array(0..<16) + TestSeeds.more
    private static let zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
    private static let second: Nanoseconds = 1_000_000_000

    /// Two events a day or so, over most of a year: clocks are set in it.
    private static func events(_ random: inout SeededGenerator) -> [ToldEvent] {
        World.events(300, &random).map { event in
            var event = event
            event.time = event.time * 2 * 86_400 / 3 + Int64.random(in: 0..<40_000, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0 { event.clientSession = session(Int(event.time) % 5) }
            if Int.random(in: 0..<5, using: &random) == 0 { event.ip = "10.9.\(event.time % 40).1" }
            return event
        }.sorted { $0.time < $1.time }
    }

    private static func session(_ number: Int) -> String { String(repeating: "0", count: 31) + String(number) }

    private static func time(_ random: inout SeededGenerator) -> Nanoseconds {
        (ToldEvent.start + Int64.random(in: -1_000_000..<9_000_000, using: &random)) * second
    }

    private static func term(_ random: inout SeededGenerator) -> String {
        func one(_ values: [String]) -> String { values.randomElement(using: &random) ?? "" }
        let (from, length) = (time(&random), Int64.random(in: 0..<4_000_000, using: &random) * second)
        let (begin, end) = (EventTime.text(from), EventTime.text(from + length))
        let hour = { (random: inout SeededGenerator) in String(Int.random(in: 0..<24, using: &random)) }
        switch Int.random(in: 0..<17, using: &random) {
        case 0: return "during:\(begin)..\(end)"
        case 1: return one(["during:\(begin)..", "during:..\(end)", "during:\(begin)"])
        case 2: return "during:" + one(["2026-02-03", "2026-02-03..2026-04-01", "-30d..-7d", "-9d", "..-5d"])
        case 3: return "status:" + one(["open", "unconfirmed", "lost", "start_unknown", "completed", "open,lost"])
        case 4: return "port:" + one(["8080", "8000-9000", "1-65535", "80", "22,8080"])
        case 5: return "hour:" + one(["08-18", "22-06", "0-24", "12", "08:30-17:15", "6-7,20-21"])
        case 6: return "hour:\(hour(&random)):30-\(hour(&random)):15"
        case 7: return "day:" + one(["sat,sun", "mon-fri", "fri-mon", "wednesday", "tue"])
        case 8: return "reason:" + one(["killed", "sig*", "*KILLED", "nothing", "x*y"])
        case 9: return "client_session_id:" + one([session(0), session(1), session(3) + "," + session(4), "none"])
        case 10: return "type:" + one(["ssh,vscode", "tunnel,workspace_app", "ssh,", "reconnecting_pty,jetbrains,ssh"])
        case 11:
            return "workspace:" + one(["u0/dev", "u1/*", "*/prod", "d*", "*e*", "dev,prod", "u2/a*,x*", "nobody/dev"])
        case 12: return one(["agent:m*", "agent:gpu,main", "app:c*", "app:cursor,other*", "app:*", "agent:*"])
        case 13:
            return one(["username:u*", "username:u0,u1", "workspace_owner:*1", "user_email:*@x.org", "organization:o*"])
        case 14: return one(["code:403,502", "code:0-1,200", "code:1", "duration:<1m", "duration:0s", "duration:<=9d"])
        case 15: return "connected_" + one(["after", "before"]) + ":" + begin
        default:
            return one([
                "ip:10.9.0.0/16,fd7a::/16", "event:connected,disconnected",
                "user_id:\(World.users[0]),\(World.users[2])",
            ])
        }
    }

    @Test(arguments: seeds)
    func `random terms over random histories agree with a plain look at every row, in any zone`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed)
        let events = Self.events(&random)
        var plain = PlainRows(events)
        let now = (ToldEvent.start + 9_000_000) * Self.second
        let arrival: Nanoseconds = Bool.random(using: &random) ? 0 : Self.time(&random)
        let lostAfter: Int64? = [nil, 3 * 86_400, 3600].randomElement(using: &random) ?? nil
        plain.clock = .init(
            now: now / 1000, lostAfter: lostAfter.map { $0 * 1_000_000 }, arrival: arrival == 0 ? nil : arrival / 1000)
        let bounds = StateBounds(
            now: Microseconds(nanoseconds: now), lostAfter: lostAfter.map { .seconds($0) })
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: [20, 90, 1000].randomElement(using: &random) ?? 20)
        try store.apply(events, arrival: arrival)
        for _ in 0..<80 {
            let zone = try Zone(named: Self.zones.randomElement(using: &random) ?? "UTC")
            let text = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                (Int.random(in: 0..<4, using: &random) == 0 ? "-" : "") + Self.term(&random)
            }.joined(separator: " ")
            let query = RowQuery(
                try FilterQuery(text, dialect: .connlog, now: now, zone: zone), names: World.names, bounds: bounds)
            let expected = plain.matching(query).compactMap(\.first.id).sorted()
            let found = try await store.rows(query, limit: 1000)
            let words = Comment(rawValue: "seed \(seed), \(zone.name): \(text)")
            #expect(found.compactMap(\.id).sorted() == expected, words)
            #expect(try await store.count(query, cap: 0) == expected.count, words)
            if let begin = query.begin {
                #expect(
                    plain.matching(query).allSatisfy { $0.connect >= begin.count || text.contains("during:") }, words)
            }
            if let end = query.end { #expect(plain.matching(query).allSatisfy { $0.connect <= end.count }, words) }
            if query.begin != nil {
                let counted = try await store.count(query, cap: 5, until: .now + StoreFolder.hangGuard)
                #expect(counted == RowCount(rows: expected.count, isExact: true), words)
            }
        }
    }

    @Test(arguments: seeds)
    func `an address is new where none of the rows one may see had it before the range, whatever else is asked`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed)
        let events = Self.events(&random)
        let plain = PlainRows(events)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: [20, 1000].randomElement(using: &random) ?? 20)
        try store.apply(events)
        for _ in 0..<30 {
            let begin = EventTime.text(Self.time(&random))
            let text =
                [
                    "new:ip connected_after:\(begin)", "-new:ip during:\(begin)..", "new:ip -connected_before:\(begin)",
                    "new:ip during:\(begin).. type:ssh,tunnel",
                ].randomElement(using: &random) ?? ""
            let limits = [nil, [World.organizations[0]]].randomElement(using: &random) ?? nil
            let query = RowQuery(
                try FilterQuery(text, dialect: .connlog, now: 0), names: World.names, organizations: limits)
            let found = try await store.rows(query, limit: 1000).compactMap(\.id).sorted()
            #expect(
                found == plain.matching(query).compactMap(\.first.id).sorted(), "seed \(seed), \(limits ?? []): \(text)"
            )
        }
    }

    @Test func `a connection of which only the end was seen has no length that is known, however short it looks`()
        async throws
    {
        let key = (0..<3).map { ToldEvent.uuid(50 + $0) }
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply([
            ToldEvent(id: ToldEvent.uuid(1), time: 100, isDisconnect: true, connection: key[0]),
            ToldEvent(id: ToldEvent.uuid(2), time: 100, connection: key[1]),
            ToldEvent(id: ToldEvent.uuid(3), time: 101, isDisconnect: true, connection: key[1]),
            ToldEvent(id: ToldEvent.uuid(4), time: 100, connection: key[2]),
        ])
        for (text, numbers) in [
            ("duration:<1m", [2]), ("duration:0s", []), ("duration:<=1s", [2]), ("duration:0s-1m", [2]),
            ("duration:>=1s", [2]), ("-duration:<1m", [1, 4]), ("duration:<1m type:tunnel", []),
            ("duration:<1m status:start_unknown", []), ("-duration:<1m status:start_unknown", [1]),
        ] as [(String, [Int])] {
            let query = RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: NoNames())
            let found = try await store.rows(query, limit: 9).compactMap(\.id).sorted()
            #expect(found == numbers.map { ToldEvent.uuid($0) }, Comment(rawValue: text))
        }
    }

    @Test func `an address in somebody's user agent was not seen, and without a beginning nothing is new`() async throws
    {
        var told = ToldEvent(id: ToldEvent.uuid(1), time: 1, type: "workspace_app", code: 200, userAgent: "10.7.7.7")
        told.ip = "10.0.0.1"
        var came = ToldEvent(id: ToldEvent.uuid(2), time: 100, type: "workspace_app", code: 200)
        came.ip = "10.7.7.7"
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply([told, came])
        let after = EventTime.text((ToldEvent.start + 50) * Self.second)
        let query = try FilterQuery("new:ip connected_after:\(after)", dialect: .connlog, now: 0)
        #expect(try await store.rows(RowQuery(query, names: NoNames()), limit: 9).map(\.id) == [came.id])
        let timeless = RowQuery(try FilterQuery("new:ip", dialect: .connlog, now: 0), names: NoNames())
        await #expect(throws: StoreProblem.self) { try await store.rows(timeless, limit: 9) }
    }
}
#endif
