#if Server
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
