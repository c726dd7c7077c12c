import ConnlogCore
import ConnlogDelivery
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// `concurrency = adaptive`.
@Suite(.serialized) struct HECConcurrencyTests {
    @Test func `it begins with two, and grows by one for each round of successes up to the bound`() {
        var concurrency = HECConcurrency(most: 5)
        var limits = [concurrency.limit]
        for _ in 0..<20 {
            concurrency.succeeded()
            limits.append(concurrency.limit)
        }
        #expect(limits.prefix(13) == [2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])
        #expect(concurrency.limit == 5)
    }

    @Test func `an overload halves it once for all that was under way, never below two`() {
        var concurrency = HECConcurrency(most: 32)
        while concurrency.limit < 32 { concurrency.succeeded() }
        let cuts = concurrency.cuts
        for _ in 0..<32 { concurrency.overloaded(begunAfter: cuts) }
        #expect(concurrency.limit == 16)
        for expected in [8, 4, 2, 2] {
            concurrency.overloaded(begunAfter: concurrency.cuts)
            #expect(concurrency.limit == expected)
        }
    }

    @Test func `one stays one`() {
        var concurrency = HECConcurrency(most: 1)
        for _ in 0..<5 { concurrency.succeeded() }
        concurrency.overloaded(begunAfter: concurrency.cuts)
        #expect(concurrency.limit == 1)
    }

    @Test(arguments: 0..<50) func `whatever happens it stays between its bounds, and finds back to what goes well`(
        seed: UInt64
    ) {
        var generator = SeededGenerator(seed: seed)
        let (most, capacity) = (Int.random(in: 1...40, using: &generator), Int.random(in: 2...20, using: &generator))
        var concurrency = HECConcurrency(most: most)
        var sum = 0
        for round in 0..<2000 {
            let cuts = concurrency.cuts
            let limit = concurrency.limit
            #expect((min(2, most)...most).contains(limit), "seed \(seed)")
            for _ in 0..<limit {
                if limit > capacity { concurrency.overloaded(begunAfter: cuts) } else { concurrency.succeeded() }
            }
            if round >= 1000 { sum += limit }
        }
        // A saw tooth between half of what goes well and a little more.
        #expect(sum / 1000 >= min(most, capacity) / 2, "seed \(seed)")
        #expect(sum / 1000 <= min(most, capacity) + 1, "seed \(seed)")
    }

    @Test func `a server that is busy gets half as many at once, and more again when it is not`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) {
            $0.limits.inFlight = 8
            $0.adaptsConcurrency = true
        }
        #expect(fixture.sink.inFlightNow == 2)
        for round in 0..<100 { _ = await fixture.sink.send(HECFixture.batch(round..<round + 1)) }
        #expect(fixture.sink.inFlightNow == 8)
        // Each trouble that has to do with load, and then one that has not.
        for (step, expected) in [
            (.code(503, 9), 4), (.code(403, 4), 4), (.code(429, 26), 2), (.code(200, 24), 2),
        ] as [(HECServer.Step, Int)] {
            server.script([step])
            _ = await fixture.sink.send(HECFixture.batch(0..<1))
            #expect(fixture.sink.inFlightNow == expected)
        }
        for _ in 0..<100 { _ = await fixture.sink.send(HECFixture.batch(0..<1)) }
        #expect(fixture.sink.inFlightNow == 8)
        server.expectClean()
    }

    @Test(arguments: [false, true]) func `every event arrives once, however many requests are under way`(
        isAdaptive: Bool
    ) async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) {
            $0.limits.events = 10
            $0.limits.inFlight = 6
            $0.adaptsConcurrency = isAdaptive
        }
        // Busy now and then, so that it stays low.
        server.script((0..<100).map { $0 % 5 == 4 ? .code(503, 9) : .itself })
        let bench = try HECDelivery(500)
        let delivered = try await bench.deliver(fixture.sink)
        #expect(server.numbers.sorted() == Array(0..<500) && delivered.possibleRepeats == 0)
        #expect(fixture.figure("requests_at_once") == (isAdaptive ? Double(fixture.sink.inFlightNow) : 6))
        server.expectClean()
    }
}
