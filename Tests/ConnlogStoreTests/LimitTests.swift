#if Server
import ConnlogCore
import ConnlogTestSupport
import GRDB
import Testing

@testable import ConnlogStore

/// A question has an end.
@Suite struct LimitTests {
    private static let endless = """
        WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number
        """

    private func ask(_ limit: Duration) async throws -> Int? {
        let folder = StoreFolder()
        let store = try ConnectionStore(folder.file, cacheBytes: 1 << 20, partitionRows: 7, questionLimit: limit)
        return try await store.read { try Int.fetchOne($0.database, sql: LimitTests.endless) }
    }

    @Test func `a question that takes too long is interrupted, and said to be too long`() async throws {
        let problem = await #expect(throws: StoreProblem.self) { try await ask(.milliseconds(20)) }
        #expect(problem?.kind == .tooLong)
    }

    @Test func `a question that nobody waits for any more is interrupted`() async throws {
        let task = Task { try await ask(StoreFolder.hangGuard) }
        task.cancel()
        let problem = await #expect(throws: StoreProblem.self) { try await task.value }
        #expect(problem?.kind == .cancelled)
    }

    @Test func `a question that is withdrawn while it is under way ends, and the next one is answered`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply([ToldEvent(time: 1)])
        // One more than there are connections to read by, so that each has to be good again.
        for _ in 0..<5 {
            let (begun, begin) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await store.read { reader in
                    begin.finish()
                    return try Int.fetchOne(reader.database, sql: LimitTests.endless)
                }
            }
            for await _ in begun {}
            task.cancel()
            let problem = await #expect(throws: StoreProblem.self) { try await task.value }
            #expect(problem?.kind == .cancelled)
            #expect(store.trouble == nil)
        }
        #expect(try await store.everything().count == 1)
    }

    @Test(arguments: [0, 1, 99, 100, 101, 102, 1000])
    func `a question may have a hundred conditions of any kind and no more`(count: Int) async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 5)
        var random = SeededGenerator(UInt64(count))
        let events = World.events(30, &random)
        try store.apply(events)
        let plain = PlainRows(events)
        let kinds = [
            "-dev", "-agent:x", "-ip:192.168.0.0/16", "-code:999", "-duration:>999h", "-event:disconnected",
            "-app:none_of_them", "-type:port_forwarding", "-status:completed", "-workspace:nothing",
            "-connection_id:\(ToldEvent.uuid(1))", "-owner_id:\(ToldEvent.uuid(1))", "-user_id:\(ToldEvent.uuid(1))",
            "connected_after:\"2001-01-01T00:00:00Z\"", "-workspace_id:\(ToldEvent.uuid(1))",
        ]
        for kind in kinds {
            let one = try FilterQuery(kind, dialect: .connlog, now: 0)
            let term = try #require(RowQuery(one, names: NoNames()).terms.first)
            try await expect(RowQuery(Array(repeating: term, count: count)), plain, store, "\(count) of \(kind)")
        }
        let mixed = try kinds.compactMap { kind in
            RowQuery(try FilterQuery(kind, dialect: .connlog, now: 0), names: NoNames()).terms.first
        }
        let terms = (0..<count).map { mixed[$0 % mixed.count] }
        try await expect(RowQuery(terms), plain, store, "\(count) of all kinds")
    }

    private func expect(
        _ query: RowQuery, _ plain: PlainRows, _ store: ConnectionStore, _ words: String
    ) async throws {
        let range = Microseconds.earliest ..< .latest
        let words = Comment(rawValue: words)
        guard query.terms.count <= 100 else {
            for ask: @Sendable () async throws -> Void in [
                { _ = try await store.rows(query, limit: 10) }, { _ = try await store.count(query, cap: 0) },
                { _ = try await store.stats(query, range, intervalSeconds: 60, top: 1) },
            ] {
                let problem = await #expect(throws: StoreProblem.self, words) { try await ask() }
                #expect(problem?.kind == .question && problem?.publicText.contains("100 conditions") == true, words)
            }
            return #expect(store.trouble == nil)
        }
        let expected = plain.matching(query).count
        #expect(try await store.rows(query, limit: 100).count == expected, words)
        #expect(try await store.count(query, cap: 0) == expected, words)
        #expect(try await store.stats(query, range, intervalSeconds: 60, top: 1).count == expected, words)
    }

    @Test func `what was answered is given, although the limit had passed when somebody came to look`() async throws {
        let tooLong = StoreProblem("too long", .tooLong)
        // The work is never interrupted: it is the one that hears of the limit and still has its answer.
        let answer = try await withLimit(.zero, tooLong: tooLong) {
            // Ends when it is cancelled, and only then.
            let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
            for await _ in stream {}
            continuation.finish()
            return 7
        }
        #expect(answer == 7)
    }
}
#endif
