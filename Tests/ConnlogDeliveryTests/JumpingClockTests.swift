import ConnlogCore
import ConnlogDelivery
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// The date may be set while something goes wrong; how often that is told, and how long it lasted, does not depend on it.
@Suite struct JumpingClockTests {
    @Test(arguments: JumpingClock.steps) func `a failure that goes on is told once, and how long it lasted`(
        step: Nanoseconds
    ) async throws {
        let failure = SendOutcome.retry(after: nil, Reason("refused", "nobody listens"))
        let said = try await said(
            by: ScriptedSink(Array(repeating: .outcome(failure), count: 6)), JumpingClock(step, passing: 1_500_000_000))
        #expect(said.count { $0.contains("nobody listens") } == 1, "\(said)")
        // The first of seven attempts is followed by six in which the steady clock went on.
        let lasted = try #require(said.first { $0.contains("working again after ") })
        #expect(lasted.contains("after 9.0 s"), "\(lasted)")
    }

    @Test(arguments: JumpingClock.steps) func `a failure is told again when it has gone on for long`(
        step: Nanoseconds
    ) async throws {
        let failure = SendOutcome.retry(after: nil, Reason("refused", "nobody listens"))
        let said = try await said(
            by: ScriptedSink(Array(repeating: .outcome(failure), count: 6)),
            JumpingClock(step, passing: 100_000_000_000))
        #expect(said.count { $0.contains("nobody listens") } == 2, "\(said)")
    }

    @Test(arguments: JumpingClock.steps) func `events that are refused are told once a minute`(
        step: Nanoseconds
    ) async throws {
        let said = try await said(
            by: ScriptedSink(habit: .refuse(Set(0..<7), names: true)), JumpingClock(step, passing: 20_000_000_000))
        // One at once, and one for each minute: the first, the fourth and the seventh.
        #expect(said.count { $0.contains("was refused and put in") } == 3, "\(said)")
        #expect(said.count { $0.contains("(and 2 more since this was last said)") } == 2, "\(said)")
    }

    @Test(arguments: JumpingClock.steps) func `proofs that do not come are told once`(step: Nanoseconds) async throws {
        let lost = SendOutcome.retry(after: nil, Reason("ack_timeout", "no proof came", mayRepeat: true))
        let said = try await said(
            by: ScriptedSink(
                Array(repeating: .proof(lost), count: 5), habit: .proof(.delivered),
                limits: BatchLimits(events: 10, inFlight: 1, proofs: .together(10))),
            JumpingClock(step, passing: 1_000_000_000))
        #expect(said.count { $0.contains("no proof came") } == 1, "\(said)")
    }

    private func said(by sink: ScriptedSink, _ clock: JumpingClock) async throws -> [String] {
        let bench = try DeliveryBench()
        try await bench.append(0..<10)
        let delivery = try bench.delivery(sink, wallTime: clock)
        delivery.drain()
        await delivery.run()
        #expect(bench.committed == 10)
        return bench.said.withLock { $0 }
    }
}

/// Jumps each time somebody asks for the date; the steady time goes on each time somebody asks for that.
final class JumpingClock: WallTime {
    private static let year: Nanoseconds = 31_557_600_000_000_000
    static let steps = [0, year, -year, 61_000_000_000, -301_000_000_000]

    private let step: Nanoseconds
    private let passing: Nanoseconds
    private let time = Mutex<(wall: Nanoseconds, steady: Nanoseconds)>((1_768_469_412_000_000_000, 0))

    init(_ step: Nanoseconds, passing: Nanoseconds) {
        self.step = step
        self.passing = passing
    }

    func now() -> Nanoseconds {
        time.withLock { time in
            time.wall &+= step
            return time.wall
        }
    }

    func uptime() -> Nanoseconds {
        time.withLock { time in
            time.steady += passing
            return time.steady
        }
    }
}
