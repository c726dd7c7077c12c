import Testing

@testable import ConnlogPipeline

@Suite struct StopperTests {
    @Test func `a waiter that is cancelled asks nobody to stop`() async {
        let stopper = Stopper()
        let waiter = Task { await stopper.wait() }
        waiter.cancel()
        await waiter.value
        #expect(!stopper.isAsked)
    }

    @Test func `asking ends all waiting, before and after`() async {
        let stopper = Stopper()
        let waiters = (0..<3).map { _ in Task { await stopper.wait() } }
        stopper.ask()
        for waiter in waiters { await waiter.value }
        await stopper.wait()
        #expect(stopper.isAsked)
    }
}
