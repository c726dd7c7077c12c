#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogStore

/// What is counted in one look at the rows is what a plain count gives.
@Suite struct StatsTests {
    private static let seeds = Array(0..<16) + TestSeeds.more
    private static let second: Int64 = 1_000_000

    /// Events over some days, so that many connections begin before a range and end in it or after it.
    private static func events(_ random: inout SeededGenerator) -> [ToldEvent] {
        World.events(300, &random).map { event in
            var event = event
            event.time = event.time * 3600 + Int64.random(in: 0..<3600, using: &random)
            return event
        }.sorted { $0.time < $1.time }
    }

    private static let web = ["workspace_app", "port_forwarding", "tunnel"]

    private static func isWeb(_ row: PlainRows.Row) -> Bool { web.contains(row.first.method ?? row.first.type) }

    @Test(arguments: seeds)
    func `counts, buckets, lengths, facets and what was open at once are those of a plain count`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed)
        let events = Self.events(&random)
        let plain = PlainRows(events)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: [20, 90, 1000].randomElement(using: &random) ?? 20)
        try store.apply(events)
        for _ in 0..<15 {
            let start = (ToldEvent.start + Int64.random(in: -50_000..<500_000, using: &random)) * Self.second
            let length = Int64.random(in: 1..<400_000, using: &random)
            let range = Microseconds(start)..<Microseconds(start + length * Self.second)
            let step = max(60, length / Int64.random(in: 1..<20, using: &random))
            let starts = stride(from: start, to: range.upperBound.count, by: Int(step * Self.second)).map {
                Microseconds($0)
            }
            let text = World.query(&random)
            let limits = [nil, [World.organizations[0]]].randomElement(using: &random) ?? nil
            let query = RowQuery(
                try FilterQuery(text, dialect: .connlog, now: 0), names: World.names, caller: World.users[0],
                organizations: limits)
            let question = StatsQuestion(
                range: range, buckets: starts, facets: Set(Facet.allCases), limit: 1000, bounds: .none)
            let stats = try await store.stats(query, question)
            let all = plain.matching(query)
            let rows = all.filter { range.contains(Microseconds($0.connect)) }
            let words = Comment(rawValue: "seed \(seed): \(text), \(range)")
            #expect(stats.count == rows.count, words)
            let perBucket = starts.map { start in
                rows.count { (start.count..<start.count + step * Self.second).contains($0.connect) }
            }
            #expect(stats.buckets.map { $0.types.values.reduce(0, +) } == perBucket.filter { $0 > 0 }, words)
            #expect(stats.buckets.map(\.start) == zip(starts, perBucket).filter { $0.1 > 0 }.map(\.0), words)
            let lengths = rows.compactMap { row in row.disconnect.map { $0 - row.connect } }.filter { $0 > 0 }
            #expect(stats.lengths.reduce(0, +) == lengths.count, words)
            #expect(stats.concurrent.map(\.count) == peaks(all.filter { !Self.isWeb($0) }, starts, step, range), words)
            try expect(stats.facets, rows, words)
        }
    }

    /// The most connections in one second of each bucket, second by second.
    private func peaks(
        _ rows: [PlainRows.Row], _ starts: [Microseconds], _ step: Int64, _ range: Range<Microseconds>
    ) -> [Int] {
        let first = range.lowerBound.count / Self.second
        let seconds = Int((range.upperBound.count - range.lowerBound.count) / Self.second)
        var counts = [Int](repeating: 0, count: seconds)
        for row in rows {
            let from = max(row.connect / Self.second - first, 0)
            let through = min((row.disconnect.map { $0 / Self.second - first } ?? Int64(seconds)), Int64(seconds) - 1)
            if from <= through { for second in from...through { counts[Int(second)] += 1 } }
        }
        return starts.indices.map { bucket in
            counts[bucket * Int(step)..<min(seconds, (bucket + 1) * Int(step))].max() ?? 0
        }
    }

    private func expect(
        _ facets: [Facet: ConnectionStore.FacetCounts], _ rows: [PlainRows.Row], _ words: Comment
    ) throws {
        let texts: [(Facet, (PlainRows.Row) -> String?)] = [
            (.user, { $0.first.user }), (.owner, { $0.first.owner }), (.workspace, { $0.first.workspace }),
            (.ip, { $0.first.ip }), (.organization, { $0.first.organization }), (.outcome, outcome),
        ]
        for (facet, text) in texts {
            let counts = try #require(facets[facet])
            let expected = Dictionary(grouping: rows.compactMap(text), by: \.self).mapValues(\.count)
            let found = Dictionary(counts.values.map { ($0.value, $0.count) }, uniquingKeysWith: +)
            #expect(found == expected, "\(words) \(facet)")
            #expect(counts.values.map(\.count) == counts.values.map(\.count).sorted(by: >))
            #expect(
                counts.without == rows.count { text($0) == nil } && counts.distinct == expected.count && counts.isExact)
        }
    }

    private func outcome(_ row: PlainRows.Row) -> String? {
        if Self.isWeb(row) { return [200: "ok", 403: "refused", 502: "failed"][row.code ?? 0] }
        if row.disconnect == nil { return "open" }
        return row.code ?? 0 == 0 ? "ok" : "exit"
    }

    @Test(arguments: seeds)
    func `a workspace is shown by the newest name that a connection tells, in whatever order they came`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed)
        let times = Array(0..<60).shuffled(using: &random)
        let events = times.enumerated().map { number, time in
            var event = ToldEvent(
                id: ToldEvent.uuid(number), time: Int64(time),
                type: ["tunnel", "ssh"].randomElement(using: &random) ?? "ssh")
            if event.type == "ssh" { event.connection = ToldEvent.uuid(5000 + number) }
            event.workspace = World.workspaces[time % 3]
            event.workspaceName = time % 5 == 0 ? "" : "name\(time)"
            return event
        }
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: [4, 17, 1000].randomElement(using: &random) ?? 4)
        try store.apply(events)
        let range = Microseconds.earliest..<Microseconds.latest
        let stats = try await store.stats(
            RowQuery(), StatsQuestion(range: range, buckets: [range.lowerBound], facets: [.workspace], limit: 9))
        let names = (0..<3).map { kind in
            "name\(times.filter { $0 % 3 == kind && $0 % 5 != 0 }.max() ?? 0)"
        }
        let values = stats.facets[.workspace]?.values ?? []
        #expect(
            Dictionary(values.map { ($0.value, $0.name) }, uniquingKeysWith: { $1 })
                == Dictionary(zip(World.workspaces, names), uniquingKeysWith: { $1 }), "seed \(seed)")
    }

    @Test(arguments: 1...12)
    func `of more values than are kept the rarest go, and the answer says that some are missing`(
        valuesMax: Int
    ) async throws {
        // Six addresses: the first six times, the last once.
        let ips = (0..<6).flatMap { number in Array(repeating: "10.0.0.\(number)", count: 6 - number) }
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 100)
        try store.apply(
            ips.enumerated().map { number, ip in
                var event = ToldEvent(id: ToldEvent.uuid(number), time: Int64(number), type: "tunnel", code: 101)
                event.ip = ip
                return event
            })
        let range = Microseconds.earliest..<Microseconds.latest
        let question = StatsQuestion(range: range, buckets: [range.lowerBound], facets: [.ip], limit: 100)
        let stats = try await store.read { reader in
            let tally = StatsTally(question, valuesMax: valuesMax)
            for plan in try reader.plans(RowQuery()) { try tally.add(plan, reader.database) }
            return tally.stats
        }
        let counts = try #require(stats.facets[.ip])
        let kept = valuesMax >= 6 ? 6 : valuesMax / 2
        #expect(counts.isExact == (valuesMax >= 6) && counts.distinct == kept)
        #expect(counts.values.map(\.value) == (0..<kept).map { "10.0.0.\($0)" })
        #expect(counts.values.map(\.count) == (0..<kept).map { 6 - $0 })
    }

    @Test func `a session from long before the range is open in it, until its end and no longer`() async throws {
        let day: Int64 = 86_400
        let key = ToldEvent.uuid(50)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 2)
        try store.apply([
            ToldEvent(id: ToldEvent.uuid(1), time: 0, connection: key),
            ToldEvent(id: ToldEvent.uuid(2), time: 100, type: "tunnel"),
            ToldEvent(id: ToldEvent.uuid(3), time: 200, type: "tunnel"),
            ToldEvent(id: ToldEvent.uuid(4), time: 30 * day + 90, isDisconnect: true, connection: key),
        ])
        let begin = Microseconds((ToldEvent.start + 30 * day) * Self.second)
        let starts = (0..<4).map { begin.advanced(by: $0 * 60 * Self.second) }
        let question = StatsQuestion(
            range: begin..<begin.advanced(by: 240 * Self.second), buckets: starts, limit: 1)
        let stats = try await store.stats(RowQuery(), question)
        #expect(stats.count == 0 && stats.concurrent.map(\.count) == [1, 1, 0, 0])
    }

    @Test(arguments: [1, 12 * 86_400, 13 * 86_400, 700 * 86_400, 800 * 86_400, 30_000 * 86_400] as [Int64])
    func `whatever the range, what was open at once takes bounded memory and is right`(seconds: Int64) async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply((0..<5).map { ToldEvent(id: ToldEvent.uuid($0), time: 0, connection: ToldEvent.uuid(50 + $0)) })
        let begin = Microseconds(ToldEvent.start * Self.second)
        let question = StatsQuestion(
            range: begin..<begin.advanced(by: seconds * Self.second), buckets: [begin], limit: 1)
        let stats = try await store.stats(RowQuery(), question)
        #expect(stats.concurrent.map(\.count) == [5])
        #expect(stats.concurrentSeconds == (seconds <= 1_048_576 ? 1 : seconds <= 62_914_560 ? 60 : 3600))
    }
}
#endif
