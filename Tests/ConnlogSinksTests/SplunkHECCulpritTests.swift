import ConnlogCore
import ConnlogDelivery
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// Code 8, internal server error: an event that splunkd fails on, and a splunkd that fails on everything.
@Suite(.serialized) struct SplunkHECCulpritTests {
    @Test(arguments: [[3], [17], [39], [5, 6, 30]], [(1, false), (10, false), (40, false), (1, true), (10, true)])
    func `events that splunkd fails on again and again are dead letters, and every other one is indexed`(
        bad: [Int], batches: (events: Int, areProven: Bool)
    ) async throws {
        let (events, acknowledges) = batches
        let server = try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: acknowledges)])
        defer { server.stop() }
        if acknowledges { server.usePipeline() }
        server.refuse(bad.map { TestEvents.id($0) }, code: 8)
        let bench = try HECDelivery(40)
        let fixture = try HECFixture([server.url]) { $0.limits.events = events }
        let delivered = try await bench.deliver(fixture.sink)
        #expect(Set(server.numbers) == Set(0..<40).subtracting(bad))
        #expect(bench.deadLetters.sorted() == bad && bench.committed == 40)
        #expect(bench.deadLetterLines.allSatisfy { $0.contains("took another event in between") })
        #expect(server.numbers.count - Set(server.numbers).count <= delivered.possibleRepeats)
        server.expectClean()
    }

    @Test func `a splunkd that fails on everything for long costs no event`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.script(Array(repeating: .itself, count: 3) + Array(repeating: .code(500, 8), count: 300))
        let bench = try HECDelivery(40)
        let fixture = try HECFixture([server.url]) { $0.limits.events = 5 }
        let delivered = try await bench.deliver(fixture.sink)
        #expect(Set(server.numbers) == Set(0..<40))
        #expect(bench.deadLetters == [] && delivered.deadLetters.isEmpty)
        #expect(server.numbers.count - 40 <= delivered.possibleRepeats)
        server.expectClean()
    }

    @Test func `nothing is given up where nothing was ever taken`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        server.script(Array(repeating: .code(500, 8), count: 50))
        let fixture = try HECFixture([server.url])
        for _ in 0..<50 { #expect(await fixture.sink.send(HECFixture.batch(0..<1)).word == "retry") }
        #expect(await fixture.sink.send(HECFixture.batch(0..<1)) == .delivered)
        server.expectClean()
    }

    @Test func `a few failures are no suspicion, and a success forgets them`() {
        var suspects = HECSuspects()
        for _ in 1..<HECSuspects.failuresMax {
            let isSuspect = suspects.failed(7)
            #expect(!isSuspect)
        }
        suspects.succeeded(7, ByteBuffer())
        let isSuspect = suspects.failed(7)
        #expect(!isSuspect)
        // However many others there are, memory is bounded and nothing is suspected wrongly.
        for fingerprint in 1000..<100_000 as Range<UInt64> {
            let isSuspect = suspects.failed(fingerprint)
            #expect(!isSuspect)
        }
    }
}
