#if Server
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogStore

/// Whether the store can be used, as it is known without asking it.
@Suite struct LookTests {
    private let folder = StoreFolder()
    private let clocks = SetClocks(ToldEvent.start * 1_000_000_000)

    private func holder() -> StoreHolder {
        let clocks = clocks
        return StoreHolder(
            readingOnly: folder.file, cacheBytes: 1 << 20, lostAfter: nil,
            time: SteadyTime(clocks) { clocks.counted.withLock { $0 } })
    }

    @Test(arguments: [4999, 5000, 5001, 3_600_000])
    func `a look that does not come back is a trouble after five seconds`(milliseconds: Int) throws {
        try folder.open().apply([ToldEvent(time: 1)])
        let holder = holder()
        // Nobody looks, so nobody waits for a look.
        clocks.pass(1000)
        #expect(holder.trouble == nil)
        for hasLooked in [false, true] {
            holder.expectLooks()
            if hasLooked { try holder.look() }
            #expect(holder.trouble == nil)
            clocks.counted.withLock { $0 += .milliseconds(milliseconds) }
            #expect((holder.trouble != nil) == (milliseconds > 5000))
            #expect(holder.trouble?.kind ?? .other == .other)
        }
        try holder.look()
        #expect(holder.trouble == nil)
    }

    @Test func `a clock that is set makes no look late`() throws {
        try folder.open().apply([ToldEvent(time: 1)])
        let holder = holder()
        try holder.look()
        for jump: Int64 in [86_400, -86_400 * 400] {
            clocks.jump(jump)
            #expect(holder.trouble == nil)
        }
    }

    @Test func `a look that fails has come back`() {
        let holder = holder()
        holder.expectLooks()
        clocks.counted.withLock { $0 += .seconds(6) }
        #expect(throws: StoreProblem.self) { try holder.look() }
        #expect(holder.trouble?.kind == .absent)
    }
}
#endif
