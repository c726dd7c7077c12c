import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogDelivery

/// What of the queue a sink gets.
@Suite struct SieveTests {
    /// `c` is a connection that the filter wants, `d` one that it does not, `a` an audit event.
    private static func batch(_ kinds: String) -> EventBatch {
        var batch = EventBatch()
        for (number, kind) in kinds.enumerated() {
            var event = ToldEvent(id: ToldEvent.uuid(number), time: Int64(number))
            event.type = kind == "c" ? "ssh" : "vscode"
            let line =
                kind == "a"
                ? AuditEvent(.list, by: "token:x", role: "auditor", address: "::1", at: 1).line : event.line
            batch.append(Array(line.utf8).span)
        }
        return batch
    }

    private static func kept(_ kinds: String, filter: Bool, audit: Bool) throws -> (
        kept: String, filtered: Int, audits: Int
    ) {
        var batch = batch(kinds)
        let before = batch
        let query = try FilterQuery("type:ssh", dialect: .connlog, now: 0)
        var sieve = Sieve(filter ? QueryFilter(query) : nil, includesAudit: audit)
        guard let kept = sieve.apply(to: &batch) else {
            #expect(batch.count == before.count)
            return (kinds, 0, sieve.audits)
        }
        let letters = Array(kinds)
        #expect((0..<batch.count).map { batch.line($0) } == kept.indexes.map { before.line($0) })
        return (String(kept.indexes.map { letters[$0] }), kept.filtered, sieve.audits)
    }

    private static let batches = ["", "a", "c", "d", "ac", "ca", "da", "acdacda", "aaa", "cdc", "cacacaca"]

    @Test(arguments: batches) func `audit events come where they are asked for, whatever the filter`(kinds: String)
        throws
    {
        for filter in [false, true] {
            for audit in [false, true] {
                let found = try Self.kept(kinds, filter: filter, audit: audit)
                let wanted = kinds.filter { $0 == "a" ? audit : $0 == "c" || !filter }
                #expect(found.kept == wanted, "filter \(filter), audit \(audit)")
                // What is not a connection is not filtered out.
                #expect(found.audits == (audit ? kinds.count { $0 == "a" } : 0))
                #expect(found.filtered == (filter ? kinds.count { $0 == "d" } : 0))
            }
        }
    }

    @Test func `a sink that does not ask for them is done with them`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<3)
        var audits = EventBatch()
        for _ in 0..<5 {
            audits.append(
                Array(AuditEvent(.list, by: "token:x", role: "auditor", address: "::1", at: 1).line.utf8).span)
        }
        try await bench.queue.enqueue(audits)
        try await bench.append(3..<5)
        let sink = ScriptedSink()
        let status = try await bench.deliver(sink)
        #expect(await sink.taken == [0, 1, 2, 3, 4])
        #expect(status.committed == 10 && status.filtered == 0 && status.delivered == 5)
    }
}
