import ConnlogConfig
import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogSinks

/// The sink under a delivery from a real queue, against servers that do everything wrong in turn.
@Suite(.serialized) struct SplunkHECStormTests {
    @Test(arguments: 0..<24)
    func `whatever two servers do, every event is indexed or a dead letter, and repeats are counted`(
        seed: UInt64
    ) async throws {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 50...400, using: &generator)
        let isAcknowledging = seed % 3 != 0
        let bad = Set((0..<count).filter { _ in Int.random(in: 0..<60, using: &generator) == 0 })
        let servers = try [0, 1].map { _ in
            try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: isAcknowledging)])
        }
        defer { for server in servers { server.stop() } }
        for server in servers {
            server.refuse(bad.map { TestEvents.id($0) })
            if isAcknowledging { server.usePipeline(polls: Int.random(in: 0...2, using: &generator)) }
            server.script((0..<40).map { _ in HECServer.Step.storm(isAcknowledging, &generator) })
            server.scriptPolls((0..<20).map { _ in HECServer.Step.pollStorm(&generator) })
        }
        let fixture = try HECFixture(servers.map(\.url)) {
            $0.limits.events = Int.random(in: 1...30, using: &generator)
            $0.timeout = .seconds(5)
        }
        let bench = try HECDelivery(count)
        let status = try await bench.deliver(fixture.sink)

        let indexed = servers.flatMap { $0.events }.compactMap { $0.field("event_id") }
        let wanted = Set((0..<count).filter { !bad.contains($0) }.map { TestEvents.id($0) })
        #expect(Set(indexed) == wanted, "seed \(seed)")
        #expect(Set(bench.deadLetters) == bad, "seed \(seed)")
        #expect(bench.deadLetters.count == bad.count, "seed \(seed)")
        let repeats = indexed.count - Set(indexed).count
        #expect(repeats <= status.possibleRepeats, "seed \(seed)")
        #expect(bench.committed == UInt64(count) && status.unproven == 0, "seed \(seed)")
        for server in servers { server.expectClean() }
        #expect(!fixture.words.contains { $0.contains(HECFixture.token) })
    }

    @Test(arguments: [6, 12, 13, 15], [[0], [4], [9], [2, 7], [3, 4], Array(0..<10)])
    func `bad events anywhere in a batch are dead letters with Splunk's words, and every other is indexed once`(
        code: Int, bad: [Int]
    ) async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.refuse(bad.map { TestEvents.id($0) }, code: code)
        let bench = try HECDelivery(10)
        let fixture = try HECFixture([server.url])
        let status = try await bench.deliver(fixture.sink)
        #expect(server.numbers == (0..<10).filter { !bad.contains($0) })
        #expect(bench.deadLetters == bad)
        let words = HECServer.words(of: code)
        #expect(bench.deadLetterLines.allSatisfy { $0.contains("answered 400 code \(code) (\(words))") })
        #expect(status.possibleRepeats == 0 && status.delivered == 10 - bad.count)
        server.expectClean()
    }

    @Test(arguments: HECServer.NumberStyle.allCases, [[0], [5], [9], [2, 7]])
    func `a number that cannot be believed costs repeats, which are counted, and no event`(
        style: HECServer.NumberStyle, bad: [Int]
    ) async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.refuse(bad.map { TestEvents.id($0) }, number: style)
        let bench = try HECDelivery(10)
        let fixture = try HECFixture([server.url])
        let status = try await bench.deliver(fixture.sink)
        #expect(Set(server.numbers) == Set(0..<10).subtracting(bad))
        #expect(bench.deadLetters.sorted() == bad)
        let repeats = server.numbers.count - Set(server.numbers).count
        #expect(repeats <= status.possibleRepeats)
        if style == .right { #expect(repeats == 0) }
        server.expectClean()
    }

    @Test func `what a busy server took before it was busy is not sent again`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.script([.code(503, 9, number: 3, taking: 3), .code(429, 26, number: 2, taking: 2)])
        let bench = try HECDelivery(10)
        let fixture = try HECFixture([server.url])
        let status = try await bench.deliver(fixture.sink)
        #expect(server.numbers == Array(0..<10))
        #expect(status.possibleRepeats == 0 && bench.committed == 10)
        server.expectClean()
    }

    @Test func `when one of two endpoints dies with what it has not indexed, the other gets it`() async throws {
        let servers = try [0, 1].map { _ in
            try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: true)])
        }
        defer { for server in servers { server.stop() } }
        servers[0].usePipeline(polls: 1_000_000)
        servers[1].usePipeline()
        let bench = try HECDelivery(100)
        let fixture = try HECFixture(servers.map(\.url)) { $0.limits.events = 5 }
        let delivery = try bench.delivery(fixture.sink)
        let running = Task { await delivery.run() }
        while servers[0].requests.count < 3 { await Task.yield() }
        servers[0].stop()
        delivery.drain()
        await running.value
        #expect(Set(servers[1].numbers) == Set(0..<100))
        #expect(servers[0].numbers.isEmpty && bench.committed == 100)
        for server in servers { server.expectClean() }
    }

    @Test func `while held for its token, a new one in the file is tried at once`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "connlog-token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("old".utf8).write(to: file)
        let server = try HECServer(tokens: ["new": .init()])
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.token = .init(file: file.path) }
        let bench = try HECDelivery(10)
        // The pauses of this delivery never end by themselves.
        let delivery = try bench.delivery(
            fixture.sink, hold: Backoff(first: .seconds(500_000), longest: .seconds(500_000)))
        let running = Task { await delivery.run() }
        while server.requests.isEmpty { await Task.yield() }
        try Data("new".utf8).write(to: file, options: .atomic)
        while server.events.count < 10 { await Task.yield() }
        delivery.drain()
        await running.value
        #expect(delivery.status.delivered == 10 && delivery.status.possibleRepeats == 0)
        server.expectClean()
    }
}

extension HECServer.Step {
    /// Anything that may become of a request with events.
    static func storm(_ isAcknowledging: Bool, _ generator: inout SeededGenerator) -> HECServer.Step {
        let page = "<html><body>Bad gateway</body></html>"
        return switch Int.random(in: 0..<16, using: &generator) {
        case 0: .code(503, 9)
        case 1: .code(429, 26, headers: [("Retry-After", "3")])
        case 2: .code(503, 23)
        case 3: .code(500, 8)
        case 4: .reply(502, page)
        case 5: .reply(200, page)
        case 6: .reply(200, "{\"text\":\"Succ", taking: .max)
        case 7: .close(taking: Bool.random(using: &generator))
        case 8: .resetWithin(Int.random(in: 0...200, using: &generator))
        case 9: .code(403, 4)
        case 10 where isAcknowledging: .restart
        default: .itself
        }
    }

    /// Anything that may become of a poll.
    static func pollStorm(_ generator: inout SeededGenerator) -> HECServer.Step {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: .code(503, 9)
        case 1: .close(taking: Bool.random(using: &generator))
        case 2: .reply(200, "<html>")
        case 3: .reply(404, "{}")
        case 4: .restart
        default: .itself
        }
    }
}

extension HECServer {
    /// The numbers of the events that are indexed, in order.
    var numbers: [Int] { events.compactMap { TestEvents.number(of: $0.field("event_id") ?? "") } }
}

extension TestEvents {
    fileprivate static func number(of id: String) -> Int? { Int(id.suffix(12)) }
}
