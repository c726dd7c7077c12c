#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogStore

/// What is left free of a disk that is the store's alone.
@Suite struct DiskReserveTests {
    private static let mebibyte = 1 << 20
    private static let total = 100 << 30

    /// The store's disk has `own` bytes left, then `again`; the queue's has `queue`.
    private static func reserve(
        own: Int, again: Int? = nil, queue: Int, isSameDevice: Bool = false, freeBytesMin: Int? = mebibyte
    ) -> DiskReserve {
        let looks = Mutex([own, again ?? own])
        return DiskReserve(of: "/store/connlog.db", queue: "/queue", freeBytesMin: freeBytesMin) { directory in
            if directory == "/queue" {
                return (isSameDevice ? 1 : 2, DiskSpace(available: queue, total: total))
            }
            let left = looks.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? 0 }
            return (1, DiskSpace(available: left, total: total))
        }
    }

    @Test(arguments: [0, 1, 4096, 10 << 30], [-1, 0, 1])
    func `what is left and what is free inside the file make up the room, to the byte`(inside: Int, more: Int) {
        let batch = 5000
        let reserve = Self.reserve(own: Self.mebibyte + batch - inside + more, queue: 50 << 30)
        let lack = reserve.lack(batch) { inside }
        #expect((lack?.kind == .diskLow) == (more < 0))
        #expect(lack?.description.contains("min_free (1 MiB)") ?? true)
    }

    @Test func `nothing is asked of the file while there is room beside it`() {
        let reserve = Self.reserve(own: 10 << 30, queue: 50 << 30)
        let isAsked = Mutex(false)
        let lack = reserve.lack(5000) {
            isAsked.withLock { $0 = true }
            return 0
        }
        #expect(lack == nil && !isAsked.withLock { $0 })
    }

    @Test(arguments: [nil, 0, 1] as [Int?]) func `without min_free it is a tenth or 256 MiB, and none keeps nothing`(
        asked: Int?
    ) {
        let reserve = Self.reserve(own: 255 << 20, queue: 50 << 30, freeBytesMin: asked)
        #expect((reserve.lack(0) { 0 } != nil) == (asked == nil))
    }

    @Test func `on the queue's own disk nothing is kept free, whatever it is called`() {
        // One device; two subvolumes of a pool; the same while others write.
        #expect(Self.reserve(own: 5, queue: 5, isSameDevice: true).lack(5000) { 0 } == nil)
        #expect(Self.reserve(own: 5, queue: 5).lack(5000) { 0 } == nil)
        #expect(Self.reserve(own: 9000, again: 5, queue: 700).lack(5000) { 0 } == nil)
        #expect(Self.reserve(own: 5, again: 9000, queue: 700).lack(5000) { 0 } == nil)
        // A data set with a quota of its own has a bound of its own.
        #expect(Self.reserve(own: 9000, again: 5, queue: 9001).lack(5000) { 0 } != nil)
        #expect(Self.reserve(own: 9000, again: 5, queue: 4).lack(5000) { 0 } != nil)
    }

    @Test func `a disk of which nothing can be said keeps nothing back`() {
        let reserve = DiskReserve(of: "/store/connlog.db", queue: "/queue", freeBytesMin: 1 << 20) { _ in nil }
        #expect(reserve.lack(5000) { 0 } == nil)
    }

    @Test func `a store that retention has emptied takes events again on a disk that stays full`() async throws {
        let folder = StoreFolder()
        let holder = StoreHolder(folder.file, cacheBytes: 1 << 20)
        let store = try holder.open()
        try store.apply((0..<9000).map { ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel") })
        let reserve = DiskReserve(of: folder.file, queue: "/queue", freeBytesMin: 1 << 20) { directory in
            directory == "/queue"
                ? (2, DiskSpace(available: 50 << 30, total: 100 << 30))
                : (1, DiskSpace(available: (1 << 20) - 1, total: 100 << 30))
        }
        let sink = StoreSink(holder, reserve: reserve) { _, _ in }
        let batch = ToldEvent.batch([ToldEvent(id: ToldEvent.uuid(9999), time: 1)])
        guard case .retry(_, let reason) = await sink.send(batch) else {
            Issue.record("there is no room, and it was stored")
            return
        }
        #expect(reason.label == "store_disk_low")
        while try store.letGo(above: 0).isPartial {}
        #expect(try store.freeBytes() > 1 << 20)
        guard case .delivered = await sink.send(batch) else {
            Issue.record("there is room inside the file, and it was not used")
            return
        }
        #expect(try await store.newestEvent() == 9001)
    }

    @Test func `letting go of much does not make the log grow, although no events come`() throws {
        let folder = StoreFolder()
        var pace = CheckpointPace()
        (pace.keptBytes, pace.restartBytes, pace.urgentBytes) = (1 << 18, 1 << 19, 1 << 20)
        let store = try ConnectionStore(
            folder.file, cacheBytes: 1 << 20, partitionRows: 100_000, pace: pace,
            questionLimit: StoreFolder.hangGuard)
        try store.apply((0..<20_000).map { ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel") })
        try store.checkpointNow()
        var largest = 0
        while try store.letGo(above: 0).isPartial { largest = max(largest, store.logBytes) }
        // What one step writes comes on top.
        #expect(largest < pace.restartBytes + 4 << 20, "\(largest)")
    }
}
#endif
