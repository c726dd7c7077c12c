#if Server
import ConnlogCore
@testable import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Who asked, kept beside the connections.
@Suite struct AuditTableTests {
    private static let everything = Microseconds.earliest..<Microseconds.latest

    private static func audit(_ number: Int) -> AuditEvent {
        var event = AuditEvent(.list, by: "token:x", role: "auditor", address: "::1", at: Int64(number) * 1_000_000_000)
        event.rows = number
        return event
    }

    /// A letter each: `c` a connection, `a` an audit event.
    private static func batch(_ kinds: Substring, from first: Int) -> EventBatch {
        var batch = EventBatch()
        for (number, kind) in kinds.enumerated() {
            let number = first + number
            let line =
                kind == "a" ? audit(number).line : ToldEvent(id: ToldEvent.uuid(number), time: Int64(number)).line
            batch.append(Array(line.utf8).span)
        }
        return batch
    }

    @Test func `batches of both, given again at any cut, leave each once and the connections' numbers whole`()
        async throws
    {
        let kinds = "acacccaaacca"
        let all = Self.batch(kinds[...], from: 0)
        let queue = [UInt8](repeating: 7, count: 16)
        for cut in 0...kinds.count {
            let folder = StoreFolder()
            let store = try folder.open()
            let place = { (first: Int) in EventPlace(queue: queue, offsets: .contiguous(UInt64(first))) }
            _ = try store.apply(all.slice(0..<cut), at: place(0), arrival: 5)
            _ = try store.apply(all, at: place(0), arrival: 5)
            let audits = try await store.audits(in: Self.everything, limit: 100)
            #expect(audits.reversed().map(\.event.rows) == [0, 2, 6, 7, 8, 11])
            #expect(try await store.everything().count == 6)
            let received = try await store.events(from: 1, limit: 100)
            #expect(received.map(\.number) == Array(1...6))
            #expect(received.allSatisfy { String(decoding: $0.line, as: UTF8.self).contains("connection_log") })
        }
    }

    @Test(arguments: [9_000, 100, 0])
    func `whoever asks without end pushes no connection out of a store`(asked: Int) async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        _ = try store.apply(Self.batch("cccccccccc", from: 0), at: nil, arrival: 5)
        for _ in 0..<asked / 100 {
            _ = try store.apply(Self.batch(Substring(repeating: "a", count: 100), from: 10), at: nil, arrival: 5)
        }
        // Room for the connections, and for some hundreds of audit events beside them.
        let bytes = 1_000_000
        var steps = 0
        while try store.letGo(above: bytes).isPartial { steps += 1 }
        let left = try await store.audits(in: Self.everything, limit: 100_000)
        #expect(try await store.everything().count == 10)
        #expect(left.count <= asked && (left.count == asked) == (steps == 0), "\(left.count) of \(asked)")
        #expect(try store.contentBytes() <= bytes && left.count >= min(asked, 100))
    }

    @Test func `what came in too long ago goes, as connections do`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        _ = try store.apply(Self.batch("aaa", from: 0), at: nil, arrival: 1_000_000_000)
        _ = try store.apply(Self.batch("aa", from: 3), at: nil, arrival: 3_000_000_000)
        while try store.letGo(before: Microseconds(2_000_000)).isPartial {}
        #expect(try await store.audits(in: Self.everything, limit: 10).map(\.event.rows) == [4, 3])
    }

    @Test func `a list goes on where it was, newest first, within its range`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        _ = try store.apply(Self.batch("aaaaaaaaaa", from: 0), at: nil, arrival: 5)
        var found: [Int?] = []
        var next = Int64.max
        while true {
            let page = try await store.audits(in: Self.everything, before: next, limit: 3)
            found += page.map(\.event.rows)
            guard page.count == 3, let last = page.last else { break }
            next = last.number
        }
        #expect(found == Array((0..<10).reversed()))
        let second = { (number: Int64) in Microseconds(number * 1_000_000) }
        let some = try await store.audits(in: second(3)..<second(6), limit: 100)
        #expect(some.map(\.event.rows) == [5, 4, 3])
    }
}
#endif
