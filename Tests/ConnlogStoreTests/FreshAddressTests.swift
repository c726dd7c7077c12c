#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import GRDB
import Synchronization
import Testing

@testable import ConnlogStore

/// What `new:ip` costs: a look at each partition, once for a question, however many addresses there are.
@Suite struct FreshAddressTests {
    private static func web(_ number: Int, _ ip: String, at time: Int64) -> ToldEvent {
        var event = ToldEvent(id: ToldEvent.uuid(number), time: time, type: "tunnel", code: 101)
        event.ip = ip
        return event
    }

    private static func query(since time: Int64) throws -> RowQuery {
        let begin = EventTime.text((ToldEvent.start + time) * 1_000_000_000)
        return RowQuery(
            try FilterQuery("new:ip connected_after:\(begin)", dialect: .connlog, now: 0), names: NoNames())
    }

    /// How many statements a question ran.
    private func statements(_ store: ConnectionStore, _ query: RowQuery) async throws -> Int {
        try await store.read { reader in
            let count = Mutex(0)
            reader.database.trace { _ in count.withLock { $0 += 1 } }
            defer { reader.database.trace(options: []) }
            _ = try reader.count(query, cap: 0)
            return count.withLock { $0 }
        }
    }

    @Test func `ten times as many new addresses take no more statements`() async throws {
        var counts: [Int] = []
        for addresses in [10, 100] {
            let folder = StoreFolder()
            let store = try folder.open(partitionRows: 1000)
            let old = (0..<20).map { Self.web($0, "10.1.0.\($0)", at: Int64($0)) }
            let new = (0..<addresses).map { Self.web(100 + $0, "10.2.0.\($0)", at: 1000 + Int64($0)) }
            try store.apply(old + new)
            let query = try Self.query(since: 500)
            #expect(try await store.count(query, cap: 0) == addresses)
            counts.append(try await statements(store, try Self.query(since: 500)))
        }
        #expect(counts[0] > 0 && counts[0] == counts[1])
    }

    @Test func `the pages and counts of one question find it out once, and the next question anew`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 3)
        try store.apply((0..<10).map { Self.web($0, "10.2.0.\($0)", at: 1000 + Int64($0)) })
        let query = try Self.query(since: 500)
        let first = try await store.rows(query, limit: 4)
        // Told late: an address was there before the range.
        try store.apply([Self.web(50, "10.2.0.0", at: 1)])
        let rest = try await store.rows(query, after: first.last?.position, limit: 100)
        #expect((first + rest).count == 10)
        #expect(try await statements(store, query) < (try await statements(store, try Self.query(since: 500))))
        #expect(try await store.count(query.with([.init(.row(.connectedAfter(0)))]), cap: 0) == 10)
        #expect(try await store.count(try Self.query(since: 500), cap: 0) == 9)
        // Another beginning is another range.
        let later = Microseconds((ToldEvent.start + 1005) * 1_000_000)
        #expect(try await store.count(query.beginning(from: later, before: nil), cap: 0) == 5)
        // Another store's numbers are other ones.
        let other = try StoreFolder().open(partitionRows: 3)
        try other.apply([Self.web(60, "10.9.0.1", at: 1)] + (0..<4).map { Self.web($0, "10.2.0.\($0)", at: 1000) })
        #expect(try await other.count(query, cap: 0) == 4)
    }
}
#endif
