import ConnlogConfig
import ConnlogCore
import ConnlogDelivery
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

/// What replies come to for a delivery from a real queue: queue, counters and log.
@Suite(.serialized) struct SplunkHECDeliveryTests {
    @Test(arguments: HECReplyTable.rows.map { [$0.status, $0.code] })
    func `every reply of the collector is counted and told, and nothing is missing afterwards`(
        row: [Int]
    ) async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        let (status, code) = (row[0], row[1])
        let isTaken = [0, 24, 25].contains(code)
        server.script([.code(status, code, taking: isTaken ? .max : 0)])
        let bench = try HECDelivery(4)
        let delivered = try await bench.deliver(try HECFixture([server.url]).sink)
        #expect(server.numbers == [0, 1, 2, 3] && bench.deadLetters == [])
        #expect(delivered.delivered == 4 && bench.committed == 4)
        let words = "\(server.url) answered \(status) code \(code) (\(HECServer.words(of: code)))"
        #expect(delivered.lastError?.text.hasPrefix(words) == (isTaken ? nil : true))
        let isHalved = [5, 6, 12, 13, 15].contains(code)
        #expect(delivered.halvings == (isHalved ? 1 : 0))
        #expect(delivered.retries == (isTaken || isHalved ? [:] : ["hec_\(code)": 1]))
        // Code 8 comes from within, and a bad event without a number may have others before it that were taken.
        #expect(delivered.possibleRepeats == (isHalved || code == 8 ? 4 : 0))
        if !delivered.retries.isEmpty { #expect(bench.words.contains { $0.contains(words) }) }
        server.expectClean()
    }

    /// All events of a sink go to one index, so code 7 is a matter of configuration wherever it comes.
    @Test(arguments: [0, 1, 3]) func `a refused index holds the rest, and what was taken before is not sent again`(
        place: Int
    ) async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.script([.code(400, 7, number: place + 1, taking: place), .code(400, 7, number: 1)])
        let bench = try HECDelivery(4)
        let delivered = try await bench.deliver(try HECFixture([server.url]).sink)
        #expect(server.numbers == [0, 1, 2, 3] && bench.deadLetters == [])
        #expect(delivered.retries["hec_7"] ?? 0 >= 1 && delivered.possibleRepeats == 0)
        #expect(bench.words.contains { $0.contains("(Incorrect index) for the token's default index: create the") })
        server.expectClean()
    }

    @Test func `too large is halved, and the event that is too large alone is a dead letter`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        let large = String(repeating: "x", count: 3000)
        let lines = (0..<12).map { TestEvents.line($0, workspace: $0 == 5 ? large : "dev") }
        server.limitContent(to: 2500)
        let bench = try HECDelivery(lines)
        let delivered = try await bench.deliver(try HECFixture([server.url]).sink)
        #expect(server.numbers == (0..<12).filter { $0 != 5 } && bench.deadLetters == [5])
        #expect(bench.deadLetterLines.first?.contains("answered 413 with a web page") == true)
        #expect(delivered.possibleRepeats == 0 && bench.committed == 12)
        server.expectClean()
    }

    @Test func `a code that nobody knows holds everything`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.script([.code(200, 99), .code(400, 99), .code(500, 99)])
        let bench = try HECDelivery(4)
        let delivered = try await bench.deliver(try HECFixture([server.url]).sink)
        #expect(server.numbers == [0, 1, 2, 3])
        #expect(delivered.retries == ["not_hec": 1, "http_400": 1, "http_500": 1])
        server.expectClean()
    }

    @Test func `endpoints that come and go cost no event`() async throws {
        let servers = try (0..<3).map { _ in try HECServer(token: HECFixture.token) }
        defer { for server in servers { server.stop() } }
        for (index, server) in servers.enumerated() {
            // Busy, closing and broken in turn, at different times.
            let troubles: [HECServer.Step] = [.code(503, 9), .code(503, 23), .reply(502, "<html>"), .code(429, 26)]
            server.script((0..<40).map { step in (step + index) % 3 == 0 ? .itself : troubles[step % 4] })
        }
        let bench = try HECDelivery(200)
        let fixture = try HECFixture(servers.map(\.url)) { $0.limits.events = 5 }
        let delivered = try await bench.deliver(fixture.sink)
        #expect(servers.flatMap(\.numbers).sorted() == Array(0..<200))
        #expect(delivered.delivered == 200 && delivered.deadLetters.isEmpty)
        for server in servers { server.expectClean() }
    }

    @Test func `a token that is replaced again and again under load costs no event`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "connlog-token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("token-0".utf8).write(to: file)
        let server = try HECServer(tokens: ["token-0": .init()])
        defer { server.stop() }
        let bench = try HECDelivery(2000)
        let fixture = try HECFixture([server.url]) {
            $0.token = .init(file: file.path)
            $0.limits.events = 10
        }
        let delivery = try bench.delivery(fixture.sink)
        let running = Task { await delivery.run() }
        for round in 1...8 {
            while server.events.count < round * 200 { await Task.yield() }
            // Refused first, then there: requests in between are held.
            server.set(token: "token-\(round - 1)", nil)
            server.set(token: "token-\(round)", .init())
            try Data("token-\(round)".utf8).write(to: file, options: .atomic)
        }
        delivery.drain()
        await running.value
        #expect(server.numbers.sorted() == Array(0..<2000))
        #expect(delivery.status.possibleRepeats == 0 && delivery.status.delivered == 2000)
        #expect(Set(server.events.map(\.token)).count > 4)
        #expect(!(bench.words + fixture.words).contains { $0.contains("token-0") || $0.contains("token-8") })
        server.expectClean()
    }
}
