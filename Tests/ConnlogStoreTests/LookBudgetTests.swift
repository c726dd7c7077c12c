#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// A page that may look at some rows only gives what it has, says how far it has come, and the next goes on from there.
@Suite struct LookBudgetTests {
    private static let seeds = Array(0..<12) + TestSeeds.more

    /// All pages of a list, each with the same budget.
    /// - Returns: the rows in the order in which they came, and how many pages stopped before they were full.
    private func walk(
        _ store: ConnectionStore, _ query: RowQuery, _ budget: LookBudget, limit: Int, bytesMax: Int = .max,
        _ words: Comment
    ) async throws -> (rows: [ConnectionRow], stops: Int) {
        var (rows, stops, after): ([ConnectionRow], Int, RowPosition?) = ([], 0, nil)
        while true {
            let page = try await store.page(query, after: after, limit: limit, bytesMax: bytesMax, budget: budget)
            rows += page.rows
            if page.isLast {
                #expect(page.reached == nil, words)
                return (rows, stops)
            }
            if let reached = page.reached {
                stops += 1
                // It has come further, and past all it gives.
                #expect(after.map { reached < $0 } ?? true, words)
                #expect(page.rows.allSatisfy { $0.position >= reached }, words)
                #expect(page.rows.count < limit, words)
            }
            let next = try #require(page.reached ?? page.rows.last?.position, words)
            after = RowPosition(next.description)
            #expect(after == next, words)
        }
    }

    private func query(_ random: inout SeededGenerator) throws -> (String, RowQuery) {
        let seconds = ToldEvent.start + Int64.random(in: -5..<160, using: &random)
        let time = EventTime.text(seconds * 1_000_000_000)
        let end = EventTime.text((seconds + Int64.random(in: 0..<90, using: &random)) * 1_000_000_000)
        let more = [
            "during:\(time)..", "during:\(time)..\(end)", "hour:00-12", "new:ip connected_after:\(time)",
            "status:open,lost", "person:u0", "person:u*", "",
        ]
        let text = World.query(&random) + " " + (more.randomElement(using: &random) ?? "")
        let filter = try FilterQuery(text, dialect: .connlog, now: 0)
        return (text, RowQuery(filter, names: World.names, caller: World.users[0], bounds: .none))
    }

    @Test(arguments: seeds)
    func `pages of any budget put together are the whole list, each row once and in order`(seed: UInt64) async throws {
        var random = SeededGenerator(seed)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: [5, 40, 1000].randomElement(using: &random) ?? 5)
        var rest = World.events(300, &random)[...]
        // Late ones too, so that partitions overlap in time.
        if Bool.random(using: &random) { rest = rest.shuffled(using: &random)[...] }
        while !rest.isEmpty {
            try store.apply(rest.prefix(30))
            rest = rest.dropFirst(30)
        }
        for _ in 0..<25 {
            let (text, query) = try query(&random)
            let steps = [0, 1, 2, 7, 64, 1000].randomElement(using: &random) ?? 0
            let limit = Int.random(in: 1...60, using: &random)
            let bytes = [1, 2000, Int.max].randomElement(using: &random) ?? 1
            let words = Comment(rawValue: "seed \(seed), \(steps) rows looked at, \(limit), \(bytes) bytes: \(text)")
            let whole = try await store.rows(query, limit: 1000)
            let walked = try await walk(store, query, .rows(steps), limit: limit, bytesMax: bytes, words)
            #expect(walked.rows == whole, words)
        }
    }

    @Test func `no time at all comes to the end too`() async throws {
        var random = SeededGenerator(1)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 40)
        try store.apply(World.events(300, &random))
        for text in ["", "code:403", "code:999", "killed"] {
            let query = RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: World.names)
            let whole = try await store.rows(query, limit: 1000)
            let words = Comment(rawValue: text)
            for least in [Duration.zero, .milliseconds(1)] {
                let budget = LookBudget.time(until: .now, atLeast: least)
                #expect(try await walk(store, query, budget, limit: 50, words).rows == whole, words)
            }
        }
    }

    // MARK: - Edges

    /// Tunnels of one class, one each second, the oldest `marked` of them with another code.
    private func tunnels(_ count: Int, marked: Int, partitionRows: Int64) throws -> (StoreFolder, ConnectionStore) {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: partitionRows)
        try store.apply(
            (0..<count).map {
                ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel", code: $0 < marked ? 403 : 101)
            })
        return (folder, store)
    }

    private func refused() throws -> RowQuery {
        RowQuery(try FilterQuery("code:403", dialect: .connlog, now: 0), names: NoNames())
    }

    @Test(arguments: [Int64(20), 1000])
    func `a page looks at as many rows as its budget has, and says which was the last`(partitionRows: Int64)
        async throws
    {
        let (folder, store) = try tunnels(100, marked: 1, partitionRows: partitionRows)
        let all = try await store.everything().map(\.position)
        for steps in [1, 19, 20, 21, 63, 64, 65, 99] {
            let page = try await store.page(refused(), limit: 10, bytesMax: .max, budget: .rows(steps))
            let reached = try #require(page.reached)
            let looked = try #require(all.firstIndex(of: reached)) + 1
            // A partition that was opened has at least one row looked at.
            #expect(page.rows.isEmpty && !page.isLast && looked == steps, "\(steps) of \(partitionRows): \(looked)")
        }
        for steps in [101, 1000] {
            let page = try await store.page(refused(), limit: 10, bytesMax: .max, budget: .rows(steps))
            #expect(page.reached == nil && page.isLast && page.rows.map(\.position) == [all[99]])
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `a full page is full, whatever is left of its budget`() async throws {
        let (folder, store) = try tunnels(100, marked: 100, partitionRows: 1000)
        for limit in [9, 10] {
            let page = try await store.page(refused(), limit: limit, bytesMax: .max, budget: .rows(10))
            #expect(page.rows.count == limit && page.reached == nil && !page.isLast)
        }
        let cut = try await store.page(refused(), limit: 11, bytesMax: .max, budget: .rows(10))
        #expect(cut.rows.count == 10 && cut.reached == cut.rows.last?.position)
        withExtendedLifetime(folder) {}
    }

    @Test func `where all that match are the oldest, they are found at last`() async throws {
        let (folder, store) = try tunnels(300, marked: 15, partitionRows: 20)
        let walked = try await walk(store, refused(), .rows(30), limit: 10, "the oldest")
        #expect(walked.rows.compactMap(\.id) == (0..<15).reversed().map { ToldEvent.uuid($0) })
        #expect(walked.stops >= 9)
        let nothing = RowQuery(try FilterQuery("code:999", dialect: .connlog, now: 0), names: NoNames())
        let empty = try await walk(store, nothing, .rows(30), limit: 10, "nothing")
        #expect(empty.rows.isEmpty && empty.stops >= 9)
        withExtendedLifetime(folder) {}
    }

    @Test func `an offset is passed over as a whole`() async throws {
        let (folder, store) = try tunnels(100, marked: 30, partitionRows: 20)
        let page = try await store.page(refused(), offset: 25, limit: 10, bytesMax: .max, budget: .rows(1))
        #expect(page.rows.count == 5 && page.isLast && page.reached == nil)
        withExtendedLifetime(folder) {}
    }

    @Test func `how far one has come names no row that one may not see`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 20)
        try store.apply(
            (0..<200).map {
                var event = ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel", code: 101)
                event.organization = World.organizations[$0 % 10 == 0 ? 0 : 1]
                return event
            })
        let limits = [World.organizations[0]]
        let filter = try FilterQuery("code:403", dialect: .connlog, now: 0)
        let query = RowQuery(filter, names: World.names, organizations: limits)
        let all = RowQuery(try FilterQuery("", dialect: .connlog, now: 0), names: World.names, organizations: limits)
        let seen = Set(try await store.rows(all, limit: 100).map(\.position))
        var after: RowPosition?
        repeat {
            let page = try await store.page(query, after: after, limit: 10, bytesMax: .max, budget: .rows(3))
            after = page.reached
            #expect(after.map(seen.contains) ?? true)
        } while after != nil
    }

    // MARK: - Counts

    @Test func `a count whose time is over says that it is not exact`() async throws {
        let (folder, store) = try tunnels(100, marked: 30, partitionRows: 20)
        let query = try refused()
        #expect(try await store.count(query, cap: 10, until: .now) == RowCount(rows: 0, isExact: false))
        for (cap, count) in [(29, RowCount(rows: 30, isExact: false)), (30, RowCount(rows: 30, isExact: true))] {
            #expect(try await store.count(query, cap: cap, until: .now + StoreFolder.hangGuard) == count)
        }
        withExtendedLifetime(folder) {}
    }
}
#endif
