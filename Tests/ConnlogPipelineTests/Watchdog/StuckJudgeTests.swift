import Testing

@testable import ConnlogPipeline
@testable import ConnlogDelivery

/// When a part counts as stuck, and when no more.
@Suite struct StuckJudgeTests {
    private static let part = Pulse.Part(kind: .sink, name: "siem")

    private func pulse(_ steps: UInt64, _ waitsFor: String? = "it waits") -> Pulse {
        Pulse(part: StuckJudgeTests.part, steps: steps, waitsFor: waitsFor, limit: .seconds(30))
    }

    @Test func `it is told once after the limit, and once when it is over`() {
        var judge = StuckJudge()
        #expect(judge.judge([pulse(1)], now: .seconds(0)).isEmpty)
        #expect(judge.judge([pulse(1)], now: .seconds(29)).isEmpty)
        let stuck = Stuck(lasted: .seconds(30), waitsFor: "it waits")
        #expect(judge.judge([pulse(1)], now: .seconds(30)) == [.began(StuckJudgeTests.part, stuck)])
        #expect(judge.judge([pulse(1)], now: .seconds(31)).isEmpty)
        #expect(judge.stuck[StuckJudgeTests.part]?.lasted == .seconds(31))
        let last = Stuck(lasted: .seconds(31), waitsFor: "it waits")
        #expect(judge.judge([pulse(2)], now: .seconds(32)) == [.ended(StuckJudgeTests.part, last)])
        #expect(judge.judge([pulse(2)], now: .seconds(61)).isEmpty)
        #expect(judge.judge([pulse(2)], now: .seconds(62)).count == 1)
    }

    @Test func `one that gets on, has nothing to do, or waits rightly is never stuck`() {
        var judge = StuckJudge()
        for second in 0..<200 {
            #expect(judge.judge([pulse(UInt64(second / 29))], now: .seconds(second)).isEmpty)
        }
        for second in 200..<400 { #expect(judge.judge([pulse(7, nil)], now: .seconds(second)).isEmpty) }
        #expect(judge.stuck.isEmpty)
    }

    @Test func `one that is gone is stuck no more`() {
        var judge = StuckJudge()
        _ = judge.judge([pulse(1)], now: .zero)
        _ = judge.judge([pulse(1)], now: .seconds(40))
        #expect(judge.stuck.count == 1)
        #expect(judge.judge([], now: .seconds(41)).count == 1)
        #expect(judge.stuck.isEmpty)
    }

    @Test func `a pause after a failure is waiting rightly, a call that does not end is not`() {
        let vitals = DeliveryVitals(committed: 0)
        for doing in [DeliveryVitals.Doing.pausing, .ended] {
            vitals.do(doing)
            #expect(Watchdog.wait(vitals, lag: 1) == nil)
        }
        for doing in [DeliveryVitals.Doing.opening, .reopening, .reading, .committing, .waiting] {
            vitals.do(doing)
            #expect(Watchdog.wait(vitals, lag: 1) != nil)
            let isCall = doing != .reading && doing != .waiting
            #expect((Watchdog.wait(vitals, lag: 0) != nil) == isCall)
        }
        vitals.sent(1)
        #expect(Watchdog.wait(vitals, lag: 2) == "sending 1 batch does not end; 2 events wait")
    }

    // MARK: - Threads

    @Test(arguments: [
        ("4711 (sink siem) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0", "sink siem", 3000),
        ("4711 (a) b) (c)) S 1 2 3 4 5 6 7 8 9 10 0 1 0", "a) b) (c)", 10),
        ("1 () R 1 2 3 4 5 6 7 8 9 10 0 0 0", "", 0),
    ])
    func `a thread's time is read whatever it is called`(line: String, name: String, milliseconds: Int) {
        #expect(ThreadTimes.reading(line) == .init(name: name, used: .milliseconds(milliseconds)))
    }

    @Test(arguments: [
        "", "4711", "4711 (sink", "1 (a) R 1 2", "1 (a) R 1 2 3 4 5 6 7 8 9 10 -5 1 0",
        "1 (a) R 1 2 3 4 5 6 7 8 9 10 9223372036854775807 9223372036854775807 0",
    ])
    func `a line that is none of the kernel's is passed over`(line: String) {
        #expect(ThreadTimes.reading(line) == nil)
    }

    @Test func `the threads of this process are read`() {
        #expect(!ThreadTimes.now().readings.isEmpty)
    }

    /// One thread that uses `share` of a processor for 100 seconds, while its sink takes so many steps a second.
    private func isSpinning(_ thread: String, share: Double, steps: UInt64, others: UInt64 = 0) -> Bool {
        var spins = SpinJudge()
        var judge = StuckJudge()
        for second in 0..<100 {
            let parts = [
                Pulse(
                    part: .init(kind: .sink, name: "splunk-production"), steps: UInt64(second) * steps, waitsFor: nil,
                    limit: .seconds(30)),
                Pulse(
                    part: .init(kind: .sink, name: "siem"), steps: UInt64(second) * others, waitsFor: nil,
                    limit: .seconds(30)),
            ]
            var times = ThreadTimes()
            times.readings[7] = .init(name: thread, used: .seconds(second) * share)
            let pulses = spins.pulses(times, parts, now: .seconds(second), limit: .seconds(30))
            _ = judge.judge(pulses, now: .seconds(second))
        }
        return !judge.stuck.isEmpty
    }

    @Test func `a thread that keeps a processor busy for nothing is spinning`() {
        #expect(isSpinning("sink splunk-pro", share: 1, steps: 0))
        #expect(isSpinning("sink splunk-pro", share: 0.95, steps: 0, others: 5))
        #expect(!isSpinning("sink splunk-pro", share: 1, steps: 1))
        #expect(!isSpinning("sink splunk-pro", share: 0.8, steps: 0))
        #expect(isSpinning("NIO-ELT-0-#1", share: 1, steps: 0))
        #expect(!isSpinning("NIO-ELT-0-#1", share: 1, steps: 0, others: 1))
    }
}
