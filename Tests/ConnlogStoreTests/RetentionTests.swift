#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Testing

@Suite struct RetentionTests {
    private static func retain(_ store: ConnectionStore, _ retention: ConnectionStore.Retention, now: Int64) throws
        -> Int
    {
        var rows = 0
        while true {
            let step = try store.retain(retention, now: (ToldEvent.start + now) * 1_000_000_000)
            rows += step.rows
            if !step.isPartial { return rows }
        }
    }

    @Test func `connections that began too long ago go, the others stay and can be found`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 100)
        let events = (0..<2500).map { number in
            ToldEvent(
                id: ToldEvent.uuid(number), time: Int64(number), type: number.isMultiple(of: 2) ? "ssh" : "tunnel",
                connection: number.isMultiple(of: 2) ? ToldEvent.uuid(10_000 + number) : nil)
        }
        for start in stride(from: 0, to: 2500, by: 250) { try store.apply(events[start..<start + 250]) }
        let gone = try Self.retain(store, .init(age: .seconds(1000)), now: 2500)
        #expect(gone == 1500)
        let rows = try await store.everything()
        #expect(rows.count == 1000)
        #expect(rows.last?.session.connect == Microseconds(events[1500].microseconds))
        #expect(try await store.count(RowQuery(), cap: 0) == 1000)
        #expect(try await store.row(id: ToldEvent.uuid(1499)) == nil)
        #expect(try await store.row(id: ToldEvent.uuid(1501)) != nil)
        // What comes for a connection that has gone is a new one.
        var late = events[0]
        (late.isDisconnect, late.time) = (true, 2400)
        #expect(try store.apply([late]).added == 1)
        #expect(try store.apply([events[1502]]).merged == 1)
    }

    @Test func `one step lets go of a bounded number of rows`() throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 1000)
        try store.apply((0..<3000).map { ToldEvent(time: Int64($0), type: "tunnel") })
        let step = try store.retain(.init(age: .seconds(1)), now: (ToldEvent.start + 10_000) * 1_000_000_000)
        #expect(step.rows == 500 && step.isPartial)
    }

    @Test func `when there is too much, the oldest go until it fits, and the file grows no more`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 500)
        var counts: [Int] = []
        for round in 0..<8 {
            try store.apply(
                (0..<1000).map { ToldEvent(time: Int64(round * 1000 + $0), type: "tunnel", userAgent: "agent \($0)") })
            _ = try Self.retain(store, .init(bytes: 1 << 20), now: 0)
            #expect(try store.contentBytes() <= 1 << 20)
            counts.append(try await store.count(RowQuery(), cap: 0))
        }
        let newest = try await store.everything().first?.session.connect
        #expect(newest == Microseconds((ToldEvent.start + 7999) * 1_000_000))
        #expect(counts.allSatisfy { $0 > 100 })
    }
}
#endif
