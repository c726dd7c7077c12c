#if Server
import ConnlogCore
import ConnlogSystem
import Synchronization
import Testing

@testable import ConnlogDaemon

/// Who asked, on its way from the server's process while the forwarder takes nothing.
@Suite struct AuditLinkTests {
    private static func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            .list, by: "token:x", role: "auditor", filter: String(repeating: "x", count: 4000), address: "\(number)",
            at: Int64(number))
    }

    @Test func `what is told waits in bounded memory, and how much was left out is told with the next`() throws {
        let (near, far) = try FrameChannel.pair()
        let link = ServerLink(near)
        let forwarder = RemoteForwarder(link)
        link.start("test") { _ in
        } ended: {
        }
        // Nobody reads: what waits here, and what the machine holds between the two, is full after some of these.
        let told = 10_000
        for number in 0..<told { forwarder.record(Self.event(number)) }
        var (events, lost) = ([AuditEvent](), 0)
        while lost == 0 {
            let frame = try #require(try far.read())
            if frame.message == .auditsLost {
                lost = try frame.value(Int.self)
            } else if let event = AuditEvent(line: frame.payload) {
                events.append(event)
                // There is room again now and then.
                if events.count.isMultiple(of: 100) { forwarder.record(Self.event(told)) }
            }
        }
        #expect(lost > 0)
        // In order, from the first on, none twice.
        let numbers = events.map(\.time).filter { $0 < told }
        #expect(numbers == (0..<Int64(numbers.count)).map { $0 } && numbers.count < told)
        #expect(numbers.count * 4000 >= ServerLink.unsentMax / 2)
        link.close()
    }

    @Test func `a line of the server's that is none is counted, and the others go on`() async throws {
        let taken = Taken()
        let door = AuditDoor(record: { (events) throws(AppendError) in taken.add(events) }, log: { _, _ in })
        door.start()
        for number in 0..<5 {
            door.take(Array(Self.event(number).line.utf8))
            door.take([0x7b])
        }
        door.noteLost(7)
        door.noteLost(-3)
        await door.finish()
        #expect(taken.times == [0, 1, 2, 3, 4])
        #expect(door.counts == AuditDoor.Counts(taken: 5, lost: 12))
    }

    @Test(arguments: [-1, 0, 1]) func `so many wait while the queue takes nothing, and not one more`(more: Int)
        async throws
    {
        let taken = Taken()
        // Not begun yet: nothing is taken away.
        let door = AuditDoor(record: { (events) throws(AppendError) in taken.add(events) }, log: { _, _ in })
        let line = Array(Self.event(1).line.utf8)
        for _ in 0..<AuditDoor.waitingMax + more { door.take(line) }
        #expect(door.counts.lost == max(0, more))
        door.start()
        await door.finish()
        #expect(door.counts.taken == AuditDoor.waitingMax + min(0, more) && taken.times.count == door.counts.taken)
    }
}

/// What came to the queue.
private final class Taken: Sendable {
    private let events = Mutex<[Nanoseconds]>([])
    func add(_ more: [AuditEvent]) { events.withLock { $0 += more.map(\.time) } }
    var times: [Nanoseconds] { events.withLock { $0 } }
}
#endif
