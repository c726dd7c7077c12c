import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogDelivery

/// The policy, row by row: what a batch's outcome leads to in every state, and how long pauses are.
@Suite struct PolicyTests {
    private static let reason = Reason("http_500", "no")
    private static let receipt = Receipt(7)

    struct Row: Sendable, CustomTestStringConvertible {
        let outcome: SendOutcome
        let count: Int
        var emptyPrefixes = 0
        let action: NextAction

        init(_ outcome: SendOutcome, of count: Int, emptyPrefixes: Int = 0, _ action: NextAction) {
            self.outcome = outcome
            self.count = count
            self.emptyPrefixes = emptyPrefixes
            self.action = action
        }

        var testDescription: String { "\(outcome) of \(count), \(emptyPrefixes) in vain" }
    }

    static let rows: [Row] = [1, 2, 3, 100].flatMap { taken(of: $0) + waiting($0) + refused(of: $0) } + others

    private static func taken(of count: Int) -> [Row] {
        [
            Row(.delivered, of: count, .done),
            Row(.deliveredPrefix(count), of: count, .done),
            Row(.deliveredPrefix(count + 1), of: count, .done),
            Row(.deliveredPrefix(.max), of: count, .done),
            Row(.deliveredPrefix(0), of: count, .commitPrefix(0)),
            Row(.deliveredPrefix(0), of: count, emptyPrefixes: 2, .commitPrefix(0)),
            Row(.deliveredPrefix(-1), of: count, .commitPrefix(0)),
            Row(.accepted(receipt), of: count, .awaitProof(receipt)),
        ]
    }

    private static func waiting(_ count: Int) -> [Row] {
        [
            Row(.retry(reason), of: count, .wait(.retry(atLeast: nil), reason)),
            Row(.retry(after: .zero, reason), of: count, .wait(.retry(atLeast: .zero), reason)),
            Row(.retry(after: .seconds(9), reason), of: count, .wait(.retry(atLeast: .seconds(9)), reason)),
            Row(.hold(reason), of: count, .wait(.hold, reason)),
        ]
    }

    private static func refused(of count: Int) -> [Row] {
        let unnamed: NextAction = count == 1 ? .deadLetter(reason) : .halve(reason)
        return [
            Row(.rejected(at: 0, reason), of: count, .isolate(before: 0, reason)),
            Row(.rejected(at: count - 1, reason), of: count, .isolate(before: count - 1, reason)),
            Row(.rejected(reason), of: count, unnamed),
            // A number that cannot be is no number.
            Row(.rejected(at: -1, reason), of: count, unnamed),
            Row(.rejected(at: count, reason), of: count, unnamed),
            Row(.rejectedUnproven(at: 0, reason), of: count, .isolate(before: 0, reason)),
            Row(.tooLarge(reason), of: count, unnamed),
        ]
    }

    private static let others = [
        Row(.deliveredPrefix(1), of: 3, .commitPrefix(1)),
        Row(.deliveredPrefix(2), of: 3, emptyPrefixes: 9, .commitPrefix(2)),
        Row(.rejectedUnproven(at: 2, reason), of: 3, .split(before: 2, reason)),
    ]

    @Test(arguments: rows) func `what an outcome leads to`(row: Row) {
        #expect(NextAction.after(row.outcome, count: row.count, emptyPrefixes: row.emptyPrefixes) == row.action)
    }

    @Test func `a sink that asks for commits for ever, and takes nothing, is paced`() {
        for vain in NextAction.emptyPrefixesMax..<20 {
            guard
                case .wait(.retry(atLeast: nil), _) = NextAction.after(
                    .deliveredPrefix(0), count: 3, emptyPrefixes: vain)
            else {
                Issue.record("no pause after \(vain)")
                continue
            }
        }
    }

    // MARK: - Pauses

    private let retry = Backoff(first: .seconds(1), longest: .seconds(60))
    private let hold = Backoff(first: .seconds(5), longest: .seconds(60))

    @Test(arguments: 0..<20) func `a pause is a random part of its bound, and never shorter than the receiver asks`(
        seed: UInt64
    ) {
        var generator = SeededGenerator(seed: seed)
        for attempt in 1..<40 {
            let plain = Pause.retry(atLeast: nil).length(attempt: attempt, retry: retry, hold: hold, using: &generator)
            #expect(plain >= Backoff.shortest && plain <= retry.bound(attempt: attempt), "seed \(seed)")
            let held = Pause.hold.length(attempt: attempt, retry: retry, hold: hold, using: &generator)
            #expect(held >= Backoff.shortest && held <= hold.bound(attempt: attempt), "seed \(seed)")
            for seconds in [0, 1, 30, 299, 300] {
                let wish = Duration.seconds(seconds)
                let wished = Pause.retry(atLeast: wish).length(
                    attempt: attempt, retry: retry, hold: hold, using: &generator)
                #expect(wished >= wish && wished <= max(wish, retry.bound(attempt: attempt)), "seed \(seed)")
            }
        }
    }

    @Test(arguments: [Duration.seconds(301), .seconds(86_400 * 3650), .seconds(Int64.max / 4), .seconds(-5)])
    func `a receiver that asks for ten years is asked again in five minutes`(wish: Duration) {
        var generator = SeededGenerator(seed: 1)
        let length = Pause.retry(atLeast: wish).length(attempt: 1, retry: retry, hold: hold, using: &generator)
        #expect(length <= Breaker.wishMax)
    }

    @Test func `jitter uses the whole range`() {
        var generator = SeededGenerator(seed: 1)
        let lengths = (0..<1000).map { _ in
            Pause.retry(atLeast: nil).length(attempt: 20, retry: retry, hold: hold, using: &generator)
        }
        #expect((lengths.min() ?? .zero) < .seconds(1))
        #expect((lengths.max() ?? .zero) > .seconds(59))
    }
}

/// The breaker, row by row.
@Suite struct BreakerTests {
    private var generator = SeededGenerator(seed: 1)
    private var breaker = Breaker(retry: Backoff(), hold: Backoff())

    private mutating func fail(_ pause: Pause = .retry(atLeast: nil), begunAfter: UInt64? = nil) -> Duration? {
        breaker.failed(pause, begunAfter: begunAfter ?? breaker.pauses, using: &generator)
    }

    @Test func `closed lets everything through, open nothing, probing one batch`() {
        var test = self
        #expect(test.breaker.allowance(of: 4, underWay: 1, probing: 0) == 3)
        #expect(test.breaker.allowance(of: 4, underWay: 5, probing: 0) == 0)
        #expect(test.fail() != nil)
        #expect(test.breaker.allowance(of: 4, underWay: 0, probing: 0) == 0)
        test.breaker.probe()
        #expect(test.breaker.allowance(of: 4, underWay: 0, probing: 0) == 1)
        #expect(test.breaker.allowance(of: 4, underWay: 3, probing: 1) == 0)
        #expect(test.breaker.allowance(of: 4, underWay: 3, probing: 0) == 1)
        #expect(test.breaker.allowance(of: 4, underWay: 4, probing: 0) == 0, "old ones hang")
        test.breaker.succeeded(begunAfter: 1)
        #expect(test.breaker.allowance(of: 4, underWay: 0, probing: 0) == 4)
        #expect(test.breaker.failures == 0)
    }

    @Test func `several failures at once make one pause`() {
        var test = self
        #expect(test.fail(begunAfter: 0) != nil)
        #expect(test.fail(begunAfter: 0) == nil)
        test.breaker.probe()
        #expect(test.fail(begunAfter: 0) == nil, "old news while a probe is under way")
        #expect(test.breaker.state == .probing)
        #expect(test.breaker.failures == 1)
    }

    @Test func `what was begun before a pause does not end it`() {
        var test = self
        #expect(test.fail() != nil)
        test.breaker.succeeded(begunAfter: 0)
        #expect(test.breaker.state == .open)
        test.breaker.probe()
        test.breaker.succeeded(begunAfter: 0)
        #expect(test.breaker.state == .probing)
        test.breaker.succeeded(begunAfter: 1)
        #expect(test.breaker.state == .closed)
    }

    @Test func `a late failure begins no pause, unless the receiver asks for one`() {
        var test = self
        #expect(test.fail() != nil)
        test.breaker.probe()
        test.breaker.succeeded(begunAfter: 1)
        #expect(test.fail(begunAfter: 0) == nil)
        #expect(test.fail(.hold, begunAfter: 0) == nil)
        #expect(test.breaker.state == .closed)
        #expect(test.fail(.retry(atLeast: .seconds(30)), begunAfter: 0) == .seconds(30))
        #expect(test.breaker.state == .open)
    }

    @Test func `a probe that fails makes a pause, and pauses grow until something goes through`() {
        var test = self
        for failures in 1...5 {
            #expect(test.fail() != nil)
            #expect(test.breaker.failures == failures)
            test.breaker.probe()
        }
        test.breaker.probeLater()
        #expect(test.breaker.state == .closed)
        #expect(test.fail() != nil)
        #expect(test.breaker.failures == 6, "nothing went through in between")
    }

    @Test func `the end of an earlier pause does not end a later one`() {
        var test = self
        #expect(test.fail() != nil)
        test.breaker.probe()
        #expect(test.fail() != nil)
        test.breaker.pauseIsOver(1)
        #expect(test.breaker.state == .open)
        test.breaker.pauseIsOver(2)
        #expect(test.breaker.state == .probing)
    }
}
