import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogSinks

/// Indexer acknowledgement against a server that does it as splunkd does, pipeline, restarts and all.
@Suite(.serialized) struct SplunkHECAckTests {
    private func ids(_ range: Range<Int>) -> [String] { range.map { "e\($0)" } }

    private func acking(pipeline: Bool = true) throws -> HECServer {
        let server = try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: true)])
        if pipeline { server.usePipeline() }
        return server
    }

    /// Sends each batch again until it is proven, as a delivery does. Returns how often a batch was sent again though
    /// it may have been taken.
    @discardableResult
    private func deliver(_ sink: SplunkHECSink, _ batches: [Range<Int>]) async -> Int {
        await withTaskGroup(of: Int.self) { group in
            for range in batches { group.addTask { await deliver(sink, range) } }
            return await group.reduce(0, +)
        }
    }

    @discardableResult
    private func deliver(_ sink: SplunkHECSink, _ range: Range<Int>) async -> Int {
        var repeats = 0
        for _ in 0..<200 {
            var outcome = await sink.send(HECFixture.batch(range))
            if case .accepted(let receipt) = outcome { outcome = await sink.outcome(of: receipt) }
            if outcome == .delivered { return repeats }
            if outcome.reason?.mayRepeat == true { repeats += 1 }
        }
        Issue.record("\(range) was never proven")
        return repeats
    }

    @Test(arguments: [0, 1, 5], [false, true]) func `a batch is delivered when it is indexed, not before`(
        polls: Int, isCloud: Bool
    ) async throws {
        let server = try acking()
        defer { server.stop() }
        server.usePipeline(polls: polls)
        server.set { $0.isCloud = isCloud }
        let fixture = try HECFixture([server.url])
        // The token turns out to want a channel.
        #expect(await fixture.sink.send(HECFixture.batch(0..<3)).word == "retry")
        guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(0..<3)) else {
            Issue.record("not accepted")
            return
        }
        #expect(await fixture.sink.outcome(of: receipt) == .delivered)
        #expect(server.ids == ids(0..<3))
        #expect(server.pollCount == polls + 1)
        for poll in server.polls {
            #expect(poll.target.hasPrefix("/services/collector/ack?channel="))
            #expect(poll.header("authorization") == "Splunk \(HECFixture.token)")
        }
        #expect(fixture.sink.acknowledgements.status == .init(proven: 1))
        server.expectClean()
    }

    @Test func `many batches wait at once, and one poll asks for all of a channel`() async throws {
        let server = try acking()
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        var receipts: [Receipt] = []
        for round in 0..<50 {
            guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(round..<round + 1)) else {
                Issue.record("round \(round) not accepted")
                continue
            }
            receipts.append(receipt)
        }
        for receipt in receipts { #expect(await fixture.sink.outcome(of: receipt) == .delivered) }
        #expect(server.ids.sorted() == ids(0..<50).sorted())
        server.expectClean()
    }

    @Test func `true told once in a reply that was lost is a repeat, and only one`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.scriptPolls([.close(taking: true)])
        let fixture = try HECFixture([server.url])
        let repeats = await deliver(fixture.sink, 0..<3)
        #expect(repeats == 1)
        #expect(server.ids == ids(0..<3) + ids(0..<3))
        server.expectClean()
    }

    @Test func `no failure of a poll is taken for an acknowledgement`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.scriptPolls([
            .code(400, 10), .code(403, 4), .code(503, 9), .code(200, 0), .reply(404, "<html>"), .reply(400, ""),
            .code(429, 26), .reply(200, "{\"acks\":{}}"), .reply(200, "{\"acks\":{\"0\":\"true\",\"7\":true}}"),
        ])
        let fixture = try HECFixture([server.url])
        #expect(await deliver(fixture.sink, 0..<3) == 0)
        #expect(server.pollCount == 10)
        #expect(server.ids == ids(0..<3))
        #expect(fixture.words.contains { $0.contains("answered 403 code 4") && $0.contains("is kept until it comes") })
        server.expectClean()
    }

    @Test func `polls answered with garbage, which may have been the only answer, lead to one repeat`() async throws {
        let server = try acking()
        defer { server.stop() }
        for body in ["<html>", "", "{\"acks\":{\"0\":tr", "[true]"] {
            server.scriptPolls([.reply(200, body)])
            server.scriptPolls(Array(repeating: .reply(200, "{\"acks\":{\"0\":false}}"), count: 12))
        }
        let fixture = try HECFixture([server.url])
        #expect(await deliver(fixture.sink, 0..<3) >= 1)
        #expect(Set(server.ids) == Set(ids(0..<3)))
        server.expectClean()
    }

    @Test func `what an indexer loses in a restart is sent again`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.usePipeline(polls: 1000)
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        var receipts: [Receipt] = []
        for round in 0..<4 {
            guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(round..<round + 1)) else {
                Issue.record("round \(round)")
                return
            }
            receipts.append(receipt)
        }
        #expect(server.events.isEmpty)
        server.restart()
        server.usePipeline(polls: 0)
        for (round, receipt) in receipts.enumerated() {
            let outcome = await fixture.sink.outcome(of: receipt)
            #expect(outcome.word == "retry" && outcome.reason?.mayRepeat == true, "round \(round)")
            await deliver(fixture.sink, round..<round + 1)
        }
        #expect(Set(server.ids) == Set(ids(0..<4)))
        server.expectClean()
    }

    @Test func `a number that means another request after a restart proves nothing`() async throws {
        let server = try acking()
        defer { server.stop() }
        // Nothing is asked for until both requests are there.
        let fixture = try HECFixture([server.url], sleeps: false) { $0.ack = .on }
        guard case .accepted(let first) = await fixture.sink.send(HECFixture.batch(0..<1)) else { return }
        server.restart()
        let second = await fixture.sink.send(HECFixture.batch(1..<2))
        guard case .accepted(let receipt) = second else {
            Issue.record("\(second)")
            return
        }
        #expect(await fixture.sink.outcome(of: first).reason?.label == "ack_recounted")
        #expect(await fixture.sink.outcome(of: receipt).reason?.label == "ack_recounted")
        server.expectClean()
    }

    @Test func `channels that Splunk has forgotten are not waited for without end`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.usePipeline(polls: 1000)
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(0..<1)) else { return }
        server.expireChannels()
        server.usePipeline(polls: 0)
        #expect(await fixture.sink.outcome(of: receipt).reason?.label == "ack_timeout")
        #expect(await deliver(fixture.sink, 0..<1) == 0)
        #expect(server.ids == ["e0", "e0"])
        server.expectClean()
    }

    @Test func `the cookie of a channel goes with its requests and its polls`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.set {
            $0.nodes = 3
            $0.setsCookies = true
        }
        let fixture = try HECFixture([server.url])
        #expect(await deliver(fixture.sink, (0..<30).map { $0..<$0 + 1 }) == 0)
        #expect(server.ids.sorted() == ids(0..<30).sorted())
        #expect(server.polls.allSatisfy { $0.header("cookie")?.hasPrefix("node=") == true })
        server.expectClean()
    }

    @Test func `when stickiness moves, what the old indexer did not prove is sent to the new one`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.set { $0.setsCookies = true }
        server.usePipeline(polls: 1000)
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(0..<1)) else { return }
        server.moveNode()
        server.restart()
        server.usePipeline(polls: 0)
        #expect(await fixture.sink.outcome(of: receipt).reason?.mayRepeat == true)
        await deliver(fixture.sink, 0..<1)
        #expect(server.ids == ["e0"])
        server.expectClean()
    }

    @Test func `several indexers behind one address without stickiness prove nothing falsely`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.set { $0.nodes = 3 }
        let fixture = try HECFixture([server.url])
        await deliver(fixture.sink, (0..<24).map { $0..<$0 + 1 })
        #expect(Set(server.ids) == Set(ids(0..<24)))
        server.expectClean()
    }

    @Test func `where numbers keep beginning anew, each request gets a channel of its own`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.set { $0.nodes = 3 }
        let fixture = try HECFixture([server.url], sleeps: false) { $0.ack = .on }
        for round in 0..<12 { #expect(await fixture.sink.send(HECFixture.batch(round..<round + 1)).word == "accepted") }
        #expect(fixture.words.contains { $0.contains("without sticky sessions") })
        let channels = server.requests.map { $0.header("x-splunk-request-channel") }
        #expect(Set(channels.suffix(6)).count == 6)
        await fixture.sink.close()
        server.expectClean()
    }

    @Test func `a token that loses its acknowledgements is confirmed by success alone from then on`() async throws {
        let server = try acking()
        defer { server.stop() }
        server.usePipeline(polls: 1000)
        let fixture = try HECFixture([server.url])
        _ = await fixture.sink.send(HECFixture.batch(0..<1))
        guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(0..<1)) else { return }
        server.set(token: HECFixture.token, .init())
        let outcome = await fixture.sink.outcome(of: receipt)
        #expect(outcome.reason?.label == "ack_disabled" && outcome.reason?.mayRepeat == true)
        #expect(await fixture.sink.send(HECFixture.batch(0..<1)) == .delivered)
        server.expectClean()
    }

    @Test func `ack = on sends nothing to a token without acknowledgement, and goes on once it has it`() async throws {
        let server = try HECServer(tokens: [HECFixture.token: .init()])
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        let outcome = await fixture.sink.send(HECFixture.batch(0..<3))
        #expect(outcome.word == "hold" && outcome.reason?.label == "hec_14")
        #expect(outcome.reason?.text.contains("enable indexer acknowledgement") == true)
        #expect(server.requests.isEmpty)
        server.set(token: HECFixture.token, .init(usesAcknowledgement: true))
        #expect(await deliver(fixture.sink, 0..<3) == 0)
        #expect(server.requests.count == 1)
        server.expectClean()
    }

    @Test func `ack = off counts what is accepted, and asks for nothing`() async throws {
        let server = try acking(pipeline: false)
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.ack = .off }
        _ = await fixture.sink.send(HECFixture.batch(0..<3))
        #expect(await fixture.sink.send(HECFixture.batch(0..<3)) == .delivered)
        #expect(server.pollCount == 0)
        server.expectClean()
    }

    @Test func `events before a bad one have no proof, so they are to be sent again`() async throws {
        let server = try acking()
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        server.script([
            .code(400, 6, number: 2, taking: 2), .code(400, 6, number: 0), .code(503, 9, number: 2, taking: 2),
        ])
        let bad = await fixture.sink.send(HECFixture.batch(0..<4))
        #expect(bad.word == "unproven 2" && bad.reason?.mayRepeat == true)
        #expect(await fixture.sink.send(HECFixture.batch(0..<4)).word == "rejected 0")
        let busy = await fixture.sink.send(HECFixture.batch(0..<4))
        #expect(busy.word == "retry" && busy.reason?.mayRepeat == true)
        server.expectClean()
    }

    @Test func `when Splunk's memory for acknowledgements runs short, everything is asked for at once`() async throws {
        let server = try acking()
        defer { server.stop() }
        let fixture = try HECFixture([server.url], sleeps: false) { $0.ack = .on }
        guard case .accepted(let first) = await fixture.sink.send(HECFixture.batch(0..<1)) else { return }
        server.set { $0.acknowledgements = .nearFull }
        guard case .accepted = await fixture.sink.send(HECFixture.batch(1..<2)) else {
            Issue.record("code 25 means taken")
            return
        }
        // The clock stands still, so only the hurry can have asked.
        #expect(await fixture.sink.outcome(of: first) == .delivered)
        #expect(fixture.words.contains { $0.contains("nears its limits") })
        server.expectClean()
    }

    @Test func `waiting for a proof ends when it is cancelled, and when the sink closes`() async throws {
        let server = try acking()
        defer { server.stop() }
        let fixture = try HECFixture([server.url], sleeps: false) { $0.ack = .on }
        for closes in [false, true] {
            guard case .accepted(let receipt) = await fixture.sink.send(HECFixture.batch(0..<1)) else { return }
            let task = Task { await fixture.sink.outcome(of: receipt) }
            if closes { await fixture.sink.close() } else { task.cancel() }
            #expect(await task.value.reason?.mayRepeat == true)
        }
        server.expectClean()
    }
}
