import ConnlogCore
import Testing

@testable import ConnlogSinks

@Suite struct AcknowledgementWindowTests {
    private let broken = SendOutcome.retry(Reason("connection_reset", "broken", mayRepeat: true))

    @Test(arguments: 0...9 as ClosedRange<UInt64>)
    func `a batch counts as delivered when its last byte is acknowledged, and not before`(bytes: UInt64) {
        var window = AcknowledgementWindow()
        let first = window.add([2, 4])
        let second = window.add([6, 8])
        window.advance(to: bytes)
        #expect(window.take(first) == (bytes >= 4 ? .delivered : nil))
        #expect(window.take(second) == (bytes >= 8 ? .delivered : nil))
    }

    @Test(arguments: 0...9 as ClosedRange<UInt64>)
    func `a break splits the messages at the last acknowledged byte`(bytes: UInt64) {
        var window = AcknowledgementWindow()
        let receipts = [window.add([2, 4]), window.add([6, 8])]
        window.breakOff(at: bytes, broken)
        var delivered = 0
        for receipt in receipts {
            switch window.take(receipt) {
            case .delivered: delivered += 2
            case .deliveredPrefix(let count): delivered += count
            case let outcome: #expect(outcome == broken)
            }
        }
        #expect(delivered == min(4, Int(bytes) / 2))
    }

    @Test func `a break is untold until all batches that it hit have been asked for`() {
        var window = AcknowledgementWindow()
        let first = window.add([2])
        let others = [window.add([4, 5]), window.add([6]), window.add([8])]
        window.breakOff(at: 4, broken)
        #expect(window.untoldBreak == broken)
        #expect(window.take(first) == .delivered)
        #expect(window.untoldBreak == broken)
        #expect(window.take(others[0]) == .deliveredPrefix(1))
        #expect(window.untoldBreak == broken)
        window.forget(others[1])
        #expect(window.untoldBreak == broken)
        #expect(window.take(others[2]) == broken)
        #expect(window.untoldBreak == nil)
    }

    @Test func `a break with nothing in flight is nobody's business`() {
        var window = AcknowledgementWindow()
        let first = window.add([2])
        window.breakOff(at: 2, broken)
        #expect(window.untoldBreak == nil)
        #expect(window.take(first) == .delivered)
        window.breakOff(at: 0, broken)
        #expect(window.untoldBreak == nil)
    }

    @Test func `a batch that nobody knows is sent again`() {
        var window = AcknowledgementWindow()
        let receipt = window.add([2])
        window.forget(receipt)
        guard case .retry(_, let reason)? = window.take(receipt) else {
            Issue.record("claimed")
            return
        }
        #expect(reason.mayRepeat)
    }
}
