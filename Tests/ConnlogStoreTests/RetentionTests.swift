#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogStore

/// What is let go of: by when it came in, whatever dates events have and whatever becomes of the machine's clock.
@Suite struct RetentionTests {
    private static let hour: Int64 = 3600
    private static let day: Int64 = 86_400

    /// Lets go of everything that came in `age` before `now`, both in seconds after the beginning of 2026.
    private static func letGo(_ store: ConnectionStore, before seconds: Int64) throws -> Int {
        var rows = 0
        while true {
            let step = try store.letGo(before: Microseconds((ToldEvent.start + seconds) * 1_000_000))
            rows += step.rows
            if !step.isPartial { return rows }
        }
    }

    private static func arrival(_ seconds: Int64) -> Nanoseconds { (ToldEvent.start + seconds) * 1_000_000_000 }

    @Test func `connections of which nothing has come in for too long go, the others stay and can be found`()
        async throws
    {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 100)
        let events = (0..<2500).map { number in
            ToldEvent(
                id: ToldEvent.uuid(number), time: Int64(number), type: number.isMultiple(of: 2) ? "ssh" : "tunnel",
                connection: number.isMultiple(of: 2) ? ToldEvent.uuid(10_000 + number) : nil)
        }
        for start in stride(from: 0, to: 2500, by: 250) {
            try store.apply(events[start..<start + 250], arrival: Self.arrival(Int64(start) / 250 * Self.hour + 1))
        }
        // The first six hours' are too old.
        #expect(try Self.letGo(store, before: 6 * Self.hour + 1) == 1500)
        let rows = try await store.everything()
        #expect(rows.count == 1000)
        #expect(rows.last?.session.connect == Microseconds(events[1500].microseconds))
        #expect(try await store.count(RowQuery(), cap: 0) == 1000)
        #expect(try await store.row(id: ToldEvent.uuid(1499)) == nil)
        #expect(try await store.row(id: ToldEvent.uuid(1501)) != nil)
        // What comes for a connection that has gone is a new one.
        var late = events[0]
        (late.isDisconnect, late.time) = (true, 2400)
        #expect(try store.apply([late]).added == 1)
        #expect(try store.apply([events[1502]]).merged == 1)
    }

    @Test func `an old date in an event lets nothing go, its own row or another's`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let now = Self.arrival(0)
        let honest = ToldEvent(id: ToldEvent.uuid(1), time: 0, connection: ToldEvent.uuid(50))
        try store.apply([honest], arrival: now)
        var dated = honest
        (dated.id, dated.isDisconnect, dated.time) = (ToldEvent.uuid(2), true, -25 * 365 * Self.day)
        try store.apply([dated], arrival: now)
        try store.apply([ToldEvent(id: ToldEvent.uuid(3), time: -25 * 365 * Self.day)], arrival: now)
        #expect(try Self.letGo(store, before: -365 * Self.day) == 0)
        #expect(try await store.everything().count == 2)
        // And a date to come does not keep one.
        try store.apply([ToldEvent(id: ToldEvent.uuid(4), time: 200 * 365 * Self.day)], arrival: now)
        #expect(try Self.letGo(store, before: 2 * Self.hour) == 3)
    }

    @Test func `a row is as old as the newest of its events`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var event = ToldEvent(id: ToldEvent.uuid(1), time: 0, connection: ToldEvent.uuid(50))
        try store.apply([event, ToldEvent(id: ToldEvent.uuid(9), time: 0)], arrival: Self.arrival(1))
        event.isDisconnect = true
        try store.apply([event], arrival: Self.arrival(10 * Self.day))
        #expect(try Self.letGo(store, before: 5 * Self.day) == 1)
        #expect(try await store.everything().map(\.id) == [ToldEvent.uuid(1)])
        #expect(try Self.letGo(store, before: 11 * Self.day) == 1)
    }

    @Test func `what came in while the clock was not set stays, and counts from when it is`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply([ToldEvent(id: ToldEvent.uuid(1), time: 0)], arrival: 5_000_000_000)
        #expect(try Self.letGo(store, before: 100 * Self.day) == 0)
        try store.dateUnknown(Self.arrival(0))
        #expect(try Self.letGo(store, before: -Self.day) == 0)
        #expect(try Self.letGo(store, before: Self.day) == 1)
    }

    @Test func `one step lets go of a bounded number of rows`() throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 1000)
        try store.apply((0..<3000).map { ToldEvent(time: Int64($0), type: "tunnel") }, arrival: Self.arrival(0))
        let step = try store.letGo(before: Microseconds(Self.arrival(2 * Self.hour) / 1000))
        #expect(step.rows == 500 && step.isPartial)
    }

    @Test func `when there is too much, the oldest go with their events until it fits, and the file grows no more`()
        async throws
    {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 500)
        var counts: [Int] = []
        for round in 0..<8 {
            try store.apply(
                (0..<1000).map { number in
                    let name = ToldEvent.uuid(round * 1000 + number)
                    return ToldEvent(id: name, time: Int64(round * 1000 + number), type: "tunnel", userAgent: name)
                }, arrival: Self.arrival(Int64(round)))
            while try store.letGo(above: 2 << 20).isPartial {}
            #expect(try store.contentBytes() <= 2 << 20)
            let rows = try await store.count(RowQuery(), cap: 0)
            let events = try await store.events(from: 1, limit: 100_000).count
            // A member of events goes as a whole.
            #expect(events >= rows && events <= rows + 64, "\(rows) rows, \(events) events")
            counts.append(rows)
        }
        let newest = try await store.everything().first
        #expect(newest?.session.connect == Microseconds((ToldEvent.start + 7999) * 1_000_000))
        #expect(try await store.events(of: try #require(newest)).count == 1)
        #expect(counts.allSatisfy { $0 > 100 })
    }

    @Test func `of a row that has gone since it was read nothing is left, and that is no mistake`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 10)
        for number in 0..<4 {
            let events = (0..<10).map { ToldEvent(id: ToldEvent.uuid(10 * number + $0), time: Int64(10 * number + $0)) }
            try store.apply(events, arrival: Self.arrival(Int64(number) * Self.day))
        }
        let rows = try await store.everything()
        #expect(rows.count == 40)
        #expect(try Self.letGo(store, before: 2 * Self.day) == 20)
        // The oldest two partitions are no more.
        for (index, row) in rows.enumerated() {
            let events = try await store.events(of: row)
            #expect(events.count == (index < 20 ? 1 : 0), "row \(index)")
        }
    }

    @Test func `an event that has gone costs no unpacking of those that came after it`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var event = ToldEvent(id: ToldEvent.uuid(1), time: 0, connection: ToldEvent.uuid(50))
        try store.apply([event], arrival: Self.arrival(0))
        try store.apply([ToldEvent(id: ToldEvent.uuid(2), time: 1)], arrival: Self.arrival(9 * Self.day))
        (event.isDisconnect, event.time) = (true, 2)
        try store.apply([event], arrival: Self.arrival(9 * Self.day))
        _ = try Self.letGo(store, before: Self.day)
        // What nobody asks for is not looked at, so that it is broken shows who does.
        try store.write { (_, database) in
            #expect(try database.all("SELECT first FROM raw ORDER BY first") { $0.int(0) } == [2, 3])
            try database.run("UPDATE raw SET lines = x'00' WHERE first = 2")
        }
        let row = try #require(try await store.row(id: ToldEvent.uuid(1)))
        #expect(row.session.events == 2)
        #expect(try await store.events(of: row).map(\.number) == [3])
        #expect(try await store.events(from: 3, limit: 10).map(\.number) == [3])
    }

    @Test(arguments: [1, 63, 64, 65, 130])
    func `a connection's events are found in their members, whatever lies between`(between: Int) async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var wanted: [Int64] = []
        var number: Int64 = 1
        for round in 0..<5 {
            let own = ToldEvent(
                id: ToldEvent.uuid(1000 + round), time: Int64(round), isDisconnect: round > 0,
                connection: ToldEvent.uuid(50))
            let others = (0..<between).map { ToldEvent(id: ToldEvent.uuid(5000 + 200 * round + $0), time: 1) }
            try store.apply([own] + others)
            wanted.append(number)
            number += Int64(1 + between)
        }
        let row = try #require(try await store.row(id: ToldEvent.uuid(1000)))
        #expect(try await store.events(of: row).map(\.number) == wanted)
        #expect(try await store.events(of: row, after: wanted[1], bytesMax: 1).map(\.number) == [wanted[2]])
    }

    @Test func `classes of no row any more go`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        func apply(_ organizations: Range<Int>, _ seconds: Int64) throws {
            try store.apply(
                organizations.map { number in
                    var event = ToldEvent(id: ToldEvent.uuid(number), time: 0, type: "tunnel")
                    event.organization = ToldEvent.uuid(5000 + number)
                    return event
                }, arrival: Self.arrival(seconds))
        }
        func classes() throws -> Int {
            try store.write { (_, database) in try database.all("SELECT class FROM classes") { $0.int(0) }.count }
        }
        try apply(0..<700, 1)
        try apply(700..<800, 10 * Self.day)
        _ = try Self.letGo(store, before: 5 * Self.day)
        #expect(try classes() == 800)
        try store.tidy()
        #expect(try classes() == 100)
        try apply(0..<10, 11 * Self.day)
        #expect(try classes() == 110)
        #expect(try await store.everything().count == 110)
    }
}

/// Clocks that tests set.
final class SetClocks: WallTime {
    let wall: Mutex<Nanoseconds>
    let counted = Mutex(Duration.zero)

    init(_ wall: Nanoseconds) { self.wall = Mutex(wall) }

    func now() -> Nanoseconds { wall.withLock { $0 } }

    func pass(_ seconds: Int64) {
        counted.withLock { $0 += .seconds(seconds) }
        jump(seconds)
    }

    /// What does not fit becomes the end of all times.
    func jump(_ seconds: Int64) {
        wall.withLock { wall in
            let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, overflowsToo) = wall.addingReportingOverflow(product)
            wall = overflows || overflowsToo ? (seconds < 0 ? .min : .max) : sum
        }
    }
}

/// The machine's clock jumps: nothing goes that would not have gone without.
@Suite struct ClockJumpTests {
    /// An hour, 31 days, 2 and 400 years, either way.
    private static let hours: [Int64] = [1, 744, 17_520, 3_504_000]
    private static let jumps: [Int64] = hours.map { $0 * 3600 } + hours.map { $0 * -3600 }

    private struct Run {
        let folder = StoreFolder()
        let clocks = SetClocks((ToldEvent.start) * 1_000_000_000)

        /// A hundred connections, one each ten minutes, kept for 30 days.
        func holder(rows: Int = 100) throws -> StoreHolder {
            let clocks = clocks
            let time = SteadyTime(clocks) { clocks.counted.withLock { $0 } }
            let holder = StoreHolder(
                folder.file, cacheBytes: 1 << 20, retention: .init(age: .seconds(30 * 86_400)),
                lostAfter: .seconds(30 * 86_400), time: time)
            for number in 0..<rows {
                try holder.open().apply([ToldEvent(id: ToldEvent.uuid(number), time: 0)], arrival: time.latest())
                clocks.pass(600)
                _ = time.now()
            }
            return holder
        }
    }

    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        func add(_ line: String) { kept.withLock { $0.append(line) } }
        var all: [String] { kept.withLock { $0 } }
    }

    private func rows(_ holder: StoreHolder) async throws -> Int {
        try await holder.open().count(RowQuery(), cap: 0)
    }

    @Test(arguments: jumps) func `a clock that is wrong for a while lets nothing go, and is told`(jump: Int64)
        async throws
    {
        let run = Run()
        let holder = try run.holder()
        let lines = Lines()
        let keeper = StoreKeeper(holder) { _, line in lines.add(line) }
        try keeper.retain()
        let before = holder.bounds().lostBefore
        run.clocks.jump(jump)
        for _ in 0..<300 {
            try keeper.retain()
            run.clocks.pass(10)
        }
        #expect(try await rows(holder) == 100)
        #expect(lines.all.count { $0.contains("clock has jumped") } == 1)
        #expect(holder.bounds().lostBefore.since(before) / 1_000_000 == 3000)
        // Right again.
        run.clocks.wall.withLock { $0 = ToldEvent.start * 1_000_000_000 + (100 * 600 + 3000) * 1_000_000_000 }
        for _ in 0..<1000 {
            try keeper.retain()
            run.clocks.pass(10)
        }
        #expect(try await rows(holder) == 100)
        #expect(holder.time.isInDoubt == false)
    }

    @Test(arguments: jumps) func `a daemon that begins while the clock is wrong lets nothing go when it is set right`(
        jump: Int64
    ) async throws {
        let run = Run()
        _ = try run.holder()
        run.clocks.jump(jump)
        let clocks = run.clocks
        let time = SteadyTime(clocks) { clocks.counted.withLock { $0 } }
        let holder = StoreHolder(
            run.folder.file, cacheBytes: 1 << 20, retention: .init(age: .seconds(30 * 86_400)), lostAfter: nil,
            time: time)
        let keeper = StoreKeeper(holder) { _, _ in }
        for _ in 0..<300 {
            try keeper.retain()
            clocks.pass(10)
        }
        let late = ToldEvent.batch([ToldEvent(id: ToldEvent.uuid(500), time: 0)])
        #expect(!time.isProven)
        _ = try holder.open().apply(late, at: nil, arrival: time.latest(), isCertain: time.isProven)
        clocks.wall.withLock { $0 = ToldEvent.start * 1_000_000_000 + (100 * 600 + 3000) * 1_000_000_000 }
        for _ in 0..<1000 {
            try keeper.retain()
            clocks.pass(10)
        }
        #expect(try await rows(holder) == 101)
    }

    @Test func `more than usual goes when it has been due for an hour, and is told before and after`() async throws {
        let run = Run()
        let holder = try run.holder()
        let lines = Lines()
        let keeper = StoreKeeper(holder) { _, line in lines.add(line) }
        run.clocks.pass(40 * 86_400)
        try keeper.retain()
        #expect(try await rows(holder) == 100)
        #expect(lines.all.count { $0.contains("more than usual") } == 1)
        run.clocks.pass(3590)
        try keeper.retain()
        #expect(try await rows(holder) == 100)
        run.clocks.pass(10)
        try keeper.retain()
        #expect(try await rows(holder) == 0)
        #expect(lines.all.count { $0.contains("more than usual") } == 1)
        #expect(lines.all.last == "retention: let go of 100 connections and 100 events as received")
    }

    @Test func `what is usual goes at once, day after day`() async throws {
        let run = Run()
        let holder = try run.holder(rows: 1000)
        let keeper = StoreKeeper(holder) { _, _ in }
        // After the first day's are 30 days old, six of each hour go.
        run.clocks.pass(30 * 86_400 - 1000 * 600 + 1)
        var last = 1000
        for _ in 0..<50 {
            run.clocks.pass(3600)
            try keeper.retain()
            let now = try await rows(holder)
            #expect(last - now <= 12)
            last = now
        }
        #expect(last < 1000 - 6 * 40)
    }

    @Test(arguments: [(0, 1), (1, 1), (19, 1), (20, 1), (40, 2), (1000, 50)])
    func `a twentieth is usual where much is kept`(rows: Int, usual: Int) {
        #expect(RetentionGuard.usual(rows: rows, age: .seconds(365 * 86_400)) == usual)
    }

    @Test(arguments: [(3600, 500), (6 * 3600, 500), (30 * 3600, 100), (60 * 3600, 50), (86_400 * 3650, 50)])
    func `three hours' worth is usual where little is kept, and never more than half`(age: Int, usual: Int) {
        #expect(RetentionGuard.usual(rows: 1000, age: .seconds(age)) == usual)
    }
}
#endif
