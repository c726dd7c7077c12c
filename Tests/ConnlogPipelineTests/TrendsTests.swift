import ConnlogTestSupport
import Testing

@testable import ConnlogPipeline

/// Rates and ages, by a clock of the test's.
@Suite struct TrendsTests {
    @Test func `an event's age is never too high, and too low by a second, or a hundredth of itself`() {
        for seconds in [1, 10, IntakeTimes.marksMax - 1, IntakeTimes.marksMax, IntakeTimes.marksMax + 1, 600_000] {
            var times = IntakeTimes()
            // Ten events in each second, one each 100 ms.
            for tick in 1...seconds * 10 { times.note(end: UInt64(tick), at: .milliseconds(tick * 100)) }
            let now = Duration.seconds(seconds)
            for offset in stride(from: 0, to: seconds * 10, by: max(1, seconds / 10)) {
                let real = now - .milliseconds((offset + 1) * 100)
                let age = times.age(of: UInt64(offset), at: now)
                #expect(age <= real && age >= real - .seconds(1) - real / 100, "\(offset) of \(seconds) s: \(age)")
            }
            #expect(times.age(of: UInt64(seconds * 10), at: now) == .zero)
        }
    }

    @Test func `what nobody waits for is forgotten, and the rest keeps its age`() {
        var times = IntakeTimes()
        for second in 1...100 { times.note(end: UInt64(second), at: .seconds(second)) }
        times.forget(before: 40)
        #expect(times.age(of: 39, at: .seconds(100)) == .seconds(59))
        #expect(times.age(of: 40, at: .seconds(100)) == .seconds(59))
        #expect(times.age(of: 60, at: .seconds(100)) == .seconds(39))
    }

    @Test func `what lay in the queue from before is as old as the segment that came after it`() {
        let trends = Trends()
        let second = Int64(1_000_000_000)
        trends.begin(
            [(first: 0, created: 10 * second), (first: 50, created: 40 * second), (first: 90, created: 95 * second)],
            end: 100, now: (wall: 100 * second, up: .seconds(7)))
        #expect(trends.age(of: 0) == .seconds(60) && trends.age(of: 49) == .seconds(60))
        #expect(trends.age(of: 50) == .seconds(5))
        #expect(trends.age(of: 90) == .zero)
        trends.look(at: .seconds(37), end: 100, floor: 0, [:])
        #expect(trends.age(of: 90) == .seconds(30) && trends.age(of: 0) == .seconds(90))
    }

    /// A clock that was set back makes no age below zero.
    @Test func `a segment from the future is as old as nothing`() {
        let trends = Trends()
        trends.begin([(first: 0, created: 1), (first: 5, created: .max)], end: 10, now: (wall: 2, up: .seconds(1)))
        #expect(trends.age(of: 0) == .zero)
    }

    @Test func `a rate is that of the last minute, and quiet is since the last rise`() {
        var pace = Pace(0, at: .zero)
        #expect(pace.perSecond == 0)
        for second in 1...600 { pace.look(second * 10, at: .seconds(second)) }
        #expect(abs(pace.perSecond - 10) < 0.001)
        for second in 601...700 { pace.look(6000, at: .seconds(second)) }
        #expect(pace.perSecond == 0 && pace.roseAt == .seconds(600))
        // Another part of that name begins at 0.
        pace.look(5, at: .seconds(701))
        #expect(pace.perSecond == 0 && pace.roseAt == .seconds(701))
        pace.look(15, at: .seconds(702))
        #expect(pace.perSecond == 10)
    }
}
