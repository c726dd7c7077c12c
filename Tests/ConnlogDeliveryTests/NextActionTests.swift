import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogDelivery

@Suite struct NextActionTests {
    private let reason = Reason("http_400", "no")

    @Test func `a delivered batch is done`() {
        #expect(NextAction.after(.delivered, count: 3) == .done)
    }

    @Test func `a delivered prefix is committed before the rest, and the whole batch as prefix is done`() {
        #expect(NextAction.after(.deliveredPrefix(0), count: 3) == .commitPrefix(0))
        #expect(NextAction.after(.deliveredPrefix(2), count: 3) == .commitPrefix(2))
        #expect(NextAction.after(.deliveredPrefix(3), count: 3) == .done)
        #expect(NextAction.after(.deliveredPrefix(-1), count: 3) == .commitPrefix(0))
    }

    @Test func `an accepted batch waits for its proof`() {
        #expect(NextAction.after(.accepted(Receipt(7)), count: 3) == .awaitProof(Receipt(7)))
    }

    @Test func `retry and hold pause, and drop nothing`() {
        #expect(
            NextAction.after(.retry(after: .seconds(9), reason), count: 3)
                == .wait(.retry(atLeast: .seconds(9)), reason))
        #expect(NextAction.after(.hold(reason), count: 3) == .wait(.hold, reason))
    }

    @Test func `a bad event that the receiver names is isolated`() {
        for index in 0..<3 {
            #expect(NextAction.after(.rejected(at: index, reason), count: 3) == .isolate(before: index, reason))
        }
    }

    @Test func `a bad event that nobody names, or names wrongly, is found by halving`() {
        for index in [nil, -1, 3, Int.max] {
            #expect(NextAction.after(.rejected(at: index, reason), count: 3) == .halve(reason))
        }
    }

    @Test func `what was taken before a bad event without proof is sent again on its own`() {
        #expect(NextAction.after(.rejectedUnproven(at: 2, reason), count: 3) == .split(before: 2, reason))
        #expect(NextAction.after(.rejectedUnproven(at: 0, reason), count: 3) == .isolate(before: 0, reason))
        #expect(NextAction.after(.rejectedUnproven(at: 3, reason), count: 3) == .halve(reason))
        #expect(NextAction.after(.rejectedUnproven(at: 1, reason), count: 1) == .deadLetter(reason))
    }

    @Test func `a single event that is refused or too large is a dead letter`() {
        #expect(NextAction.after(.rejected(at: nil, reason), count: 1) == .deadLetter(reason))
        #expect(NextAction.after(.rejected(at: 5, reason), count: 1) == .deadLetter(reason))
        #expect(NextAction.after(.tooLarge(reason), count: 1) == .deadLetter(reason))
        #expect(NextAction.after(.tooLarge(reason), count: 2) == .halve(reason))
    }
}

@Suite struct BackoffTests {
    @Test func `the bound doubles from the first to the longest and stays there`() {
        let backoff = Backoff(first: .seconds(1), longest: .seconds(60))
        let bounds = [1, 2, 3, 6, 7, 8, 1_000_000].map { backoff.bound(attempt: $0) }
        #expect(bounds == [1, 2, 4, 32, 60, 60, 60].map { Duration.seconds($0) })
    }

    @Test(arguments: 0..<20) func `no delay is below the shortest or above its bound`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let backoff = Backoff(first: .seconds(1), longest: .seconds(60))
        for attempt in 1..<50 {
            let delay = backoff.delay(attempt: attempt, using: &generator)
            #expect(delay >= Backoff.shortest && delay <= backoff.bound(attempt: attempt), "seed \(seed)")
        }
    }
}
