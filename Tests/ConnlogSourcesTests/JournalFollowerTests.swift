import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSources

/// Real journal files that are made, grown, rotated and vacuumed.
@Suite struct JournalFollowerTests {
    private typealias Entry = JournalFiles.Entry

    private func events(_ numbers: some Sequence<Int>, every microseconds: UInt64 = 1) -> [Entry] {
        numbers.map { Entry(TestEvents.line($0)).later(UInt64($0) * microseconds) }
    }

    @Test func `what is there is read, and what comes`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<100))
        bench.read()
        #expect(bench.numbers == Array(0..<100))
        try bench.files.write(events(100..<150))
        bench.read()
        #expect(bench.numbers == Array(0..<150))
        #expect(bench.counts.events == 150 && bench.counts.lines == 150)
    }

    @Test func `with start_at = end only what comes is read`() throws {
        let bench = try JournalBench { $0.startsAtEnd = true }
        try bench.files.write(events(0..<100))
        bench.read()
        #expect(bench.numbers.isEmpty)
        bench.restart()
        try bench.files.write(events(100..<110))
        bench.read()
        #expect(bench.numbers == Array(100..<110))
    }

    @Test func `a directory in which nothing is yet is read once something comes`() throws {
        let bench = try JournalBench()
        bench.read()
        #expect(bench.log.texts.contains { $0.contains("there is no journal in") })
        try bench.files.write(events(0..<3))
        for _ in 0..<3 { bench.poll(after: .seconds(6)) }
        #expect(bench.numbers == [0, 1, 2])
        #expect(bench.log.texts.contains { $0.contains("can be read now") })
    }

    @Test func `only what the unit itself has written is read`() throws {
        let bench = try JournalBench()
        try bench.files.write([
            Entry(TestEvents.line(1)).with("_SYSTEMD_UNIT", "session-1.scope").with("_TRANSPORT", "syslog"),
            Entry(TestEvents.line(2)).with("_SYSTEMD_UNIT", "evil.service").with("UNIT", "coder.service"),
            Entry(TestEvents.line(3)).with("_TRANSPORT", "journal"),
            Entry("Suppressed 5 messages").with("MESSAGE_ID", JournalSettings.suppressedID).with("N_DROPPED", "5")
                .with("OBJECT_SYSTEMD_UNIT", "coder.service").with("_TRANSPORT", "journal"),
            Entry(TestEvents.line(4)),
            Entry("Suppressed 82501 messages").with("MESSAGE_ID", JournalSettings.suppressedID)
                .with("N_DROPPED", "82501").with("OBJECT_SYSTEMD_UNIT", "coder.service").with("_TRANSPORT", "driver")
                .with("_SYSTEMD_UNIT", "init.scope"),
        ])
        bench.settle()
        #expect(bench.numbers == [4])
        #expect(bench.counts.malformed == ["suppressed": 82_501])
        #expect(bench.log.texts.contains { $0.contains("82501 messages") && $0.contains("LogRateLimitIntervalSec=0") })
    }

    @Test func `an identifier narrows what the unit has written, and nothing else`() throws {
        let bench = try JournalBench { $0.identifiers = ["coder"] }
        try bench.files.write([
            Entry(TestEvents.line(1)).with("_SYSTEMD_UNIT", "other.service"),
            Entry(TestEvents.line(2)).with("SYSLOG_IDENTIFIER", "helper"), Entry(TestEvents.line(3)),
        ])
        bench.settle()
        #expect(bench.numbers == [3])
    }

    @Test func `of a directory only one namespace is read, if one is named`() throws {
        let bench = try JournalBench { $0.namespace = "coder" }
        try bench.files.write([
            Entry(TestEvents.line(1)), Entry(TestEvents.line(2)).with("_NAMESPACE", "other"),
            Entry(TestEvents.line(3)).with("_NAMESPACE", "coder"),
        ])
        bench.settle()
        #expect(bench.numbers == [3])
    }

    @Test func `lines of a container are read from the unit that writes for it alone`() throws {
        let bench = try JournalBench {
            $0.units = ["docker.service"]
            $0.containers = ["coder"]
        }
        let line = { (number: Int) in
            Entry(TestEvents.line(number)).with("_SYSTEMD_UNIT", "docker.service").with("_TRANSPORT", "journal")
                .with("CONTAINER_ID_FULL", String(repeating: "ab", count: 32)).with("CONTAINER_NAME", "coder")
                .with("_STREAM_ID", "")
        }
        let parts = TestEvents.line(5, bytes: 20_000)
        try bench.files.write([
            line(1), line(2).with("CONTAINER_NAME", "workspace"), line(3).with("_SYSTEMD_UNIT", "session-2.scope"),
            line(0).with("MESSAGE", String(parts.prefix(16_384))).with("CONTAINER_PARTIAL_MESSAGE", "true"),
            line(0).with("MESSAGE", String(parts.dropFirst(16_384))),
        ])
        bench.settle()
        #expect(bench.numbers == [1, 5])
    }

    @Test func `a value of any length and any bytes comes whole`() throws {
        let bench = try JournalBench()
        let long = TestEvents.line(1, bytes: 200 << 10)
        try bench.files.write([Entry(long), Entry(Array(TestEvents.line(2, bytes: 1000, filler: "€").utf8))])
        bench.settle()
        #expect(bench.records == [long, TestEvents.line(2, bytes: 1000, filler: "€")])
    }

    @Test func `rotation and vacuuming while it is followed cost nothing and repeat nothing`() throws {
        let bench = try JournalBench()
        for round in 0..<8 {
            try bench.files.write(events(round * 10..<round * 10 + 10))
            bench.read()
            #expect(bench.numbers.count == round * 10 + 10)
            try bench.files.rotate(to: "a@\(round)")
            if round > 2 { try bench.files.remove("a@\(round - 1)") }
        }
        bench.settle()
        #expect(bench.numbers == Array(0..<80))
        #expect(bench.counts.malformed.isEmpty, "\(bench.log.texts)")
    }

    @Test func `a restart anywhere goes on with the next entry`() throws {
        let bench = try JournalBench { $0.batchBytes = 1500 }
        try bench.files.write(events(0..<60))
        for _ in 0..<80 {
            bench.poll()
            bench.restart()
        }
        #expect(bench.numbers == Array(0..<60))
    }

    // MARK: One microsecond

    @Test(arguments: [1, 2, 500, 999])
    func `entries of one microsecond are told apart after a restart`(stopped: Int) throws {
        let bench = try JournalBench { $0.batchBytes = 1 }
        try bench.files.write(events(0..<1000, every: 0))
        while bench.numbers.count < stopped { bench.poll() }
        #expect(bench.numbers.count == stopped)
        bench.restart()
        while bench.poll().hasMore {}
        #expect(bench.numbers == Array(0..<1000))
    }

    @Test(arguments: [1, 2, 500, 999])
    func `they are so after a journal in memory was written to disk too`(stopped: Int) throws {
        let bench = try JournalBench { $0.batchBytes = 1 }
        try bench.files.write(events([0]).map { $0.with("x", "") } + events(1...1000, every: 0).map { $0.later(5) })
        while bench.numbers.count < stopped + 1 { bench.poll() }
        // The same entries in a file with another sequence id.
        try bench.files.remove("a")
        try bench.files.write(
            events([0]).map { $0.with("x", "") } + events(1...1000, every: 0).map { $0.later(5) }, to: "b")
        bench.restart()
        while bench.poll().hasMore {}
        #expect(bench.numbers == Array(0...1000))
        #expect(bench.counts.malformed.isEmpty, "\(bench.log.texts)")
    }

    /// Two sinks of coderd's write to one stream.
    @Test(arguments: [1, 2, 3])
    func `after that an event is known that comes in a second format`(stopped: Int) throws {
        func human(_ number: Int) -> Entry {
            Entry(
                "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=\(TestEvents.id(number))  Type=ssh  "
                    + "ConnectionStatus=connected")
        }
        let bench = try JournalBench { $0.batchBytes = 1 }
        let written = events([0]) + events(1...3, every: 0).map { $0.later(5) }
        try bench.files.write(written)
        while bench.numbers.count < stopped { bench.poll() }
        try bench.files.remove("a")
        try bench.files.write(written + (0...3).map { human($0).later(9) }, to: "b")
        bench.restart()
        bench.settle()
        #expect(bench.numbers == Array(0...3))
        #expect(bench.counts.duplicates == 4)
    }

    // MARK: What another thread sees

    @Test func `what is there and not read is seen from outside, as long as it is not read`() throws {
        let bench = try JournalBench()
        let unread = JournalUnread(bench.settings)
        func note() { unread.note(bench.follower.readUpTo.cursor, hasBegun: bench.follower.hasBegun) }
        try bench.files.write(events(0..<3))
        note()
        #expect(unread.look().isEmpty, "it has not begun")
        bench.read()
        note()
        for _ in 0..<20 { #expect(unread.look().isEmpty) }
        // Written, and nobody reads on: seen within six looks, and each time from then on with the same place.
        try bench.files.write(events(3..<6))
        let seen = (0..<20).map { _ in unread.look() }
        #expect(seen[0..<6].contains { !$0.isEmpty } && seen[6...].allSatisfy { $0.count == 1 })
        #expect(Set(seen.compactMap { $0.first?.place }).count == 1)
        // A rotation changes nothing of it.
        try bench.files.rotate(to: "b")
        bench.read()
        note()
        for _ in 0..<20 { #expect(unread.look().isEmpty) }
    }

    // MARK: Resuming

    @Test func `after vacuuming it goes on with the first entry that is left, and tells the gap`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<10))
        bench.settle()
        try bench.files.write(events(10..<20))
        try bench.files.rotate(to: "old")
        try bench.files.write(events(20..<30))
        try bench.files.remove("old")
        bench.restart()
        bench.settle()
        #expect(bench.numbers == Array(0..<10) + Array(20..<30))
        #expect(bench.counts.malformed == ["gap": 1])
        let first = JournalFollower.time(1_788_830_349_000_009)
        let last = JournalFollower.time(1_788_830_349_000_020)
        #expect(
            bench.log.texts.contains { $0.contains("between \(first) and \(last) were removed") }, "\(bench.log.texts)")
    }

    @Test func `a damaged checkpoint, and one with another cursor, is told and read from the head`() throws {
        for isCursor in [true, false] {
            let bench = try JournalBench()
            try bench.files.write(events(0..<5))
            bench.settle()
            var position = try #require(bench.position)
            position.cursor = JournalCursor("rubbish")
            bench.checkpoints[JournalFollower.key] = isCursor ? position.checkpoint : [9, 9]
            bench.records = []
            bench.restart()
            bench.settle()
            #expect(bench.numbers == Array(0..<5))
            #expect(bench.log.texts.contains { $0.contains("first entry") }, "\(bench.log.texts)")
        }
    }

    @Test func `a new journal whose clock is behind is read from its head, and what follows too`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<5).map { $0.later(1_000_000_000) })
        bench.settle()
        try bench.files.remove("a")
        let boot = "0000000000000000000000000000000a"
        try bench.files.write(events(5..<8).map { $0.with("_BOOT_ID", boot) }, to: "b")
        bench.restart()
        bench.read()
        #expect(bench.numbers == Array(0..<8))
        try bench.files.write(events(8..<12).map { $0.with("_BOOT_ID", boot) }, to: "b")
        bench.settle()
        #expect(bench.numbers == Array(0..<12))
        #expect(bench.log.texts.contains { $0.contains("clock was set back") }, "\(bench.log.texts)")
        bench.restart()
        bench.settle()
        #expect(bench.numbers == Array(0..<12))
    }

    @Test func `with the old journal beside it only the new entries are read`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<10).map { $0.later(1_000_000_000) })
        bench.settle()
        // A power cut took the newest: the rest is still there.
        try bench.files.remove("a")
        try bench.files.write(events(0..<5).map { $0.later(1_000_000_000) })
        bench.restart()
        bench.read()
        try bench.files.write(events(10..<15).map { $0.later(1_000_000_010) })
        bench.settle()
        #expect(bench.numbers == Array(0..<15), "\(bench.log.texts)")
    }

    @Test func `a journal without an entry any more is told, and what comes is read`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<5))
        bench.settle()
        try bench.files.remove("a")
        bench.restart()
        bench.read()
        try bench.files.write(events(5..<8), to: "b")
        for _ in 0..<3 { bench.poll(after: .seconds(6)) }
        bench.settle()
        #expect(bench.numbers == Array(0..<8))
        #expect(bench.counts.malformed["gap"] == 1)
    }

    @Test func `another directory is another journal, other units go on where it was`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<5))
        bench.settle()
        bench.settings.units.append("coder-workspace-proxy.service")
        bench.restart()
        bench.settle()
        #expect(bench.numbers == Array(0..<5))
        let other = try JournalFiles()
        try other.write(events(5..<7))
        bench.settings.place = .directory(other.path)
        bench.restart()
        bench.settle()
        #expect(bench.numbers == Array(0..<7))
    }

    // MARK: What goes on

    @Test func `a restart in the middle of a line or a block reads it whole, and nothing twice`() throws {
        let line = TestEvents.line(50, bytes: 60_000)
        let entries =
            events(0..<3)
            + [
                Entry(String(line.prefix(49_152))).with("_LINE_BREAK", "line-max"),
                Entry(TestEvents.line(3)).with("_STREAM_ID", "00000000000000000000000000000001"),
                Entry(String(line.dropFirst(49_152))),
                Entry(JournalStreamsTests.block(51, ["one"]).components(separatedBy: "\n")[0]),
                Entry(JournalStreamsTests.block(51, ["one"]).components(separatedBy: "\n")[1]),
                Entry("x").with("_LINE_BREAK", "nul"), Entry(TestEvents.line(99)), Entry(TestEvents.line(52)),
            ]
        for stop in 1..<entries.count {
            let bench = try JournalBench()
            try bench.files.write(entries.prefix(stop).enumerated().map { $1.later(UInt64(1000 + $0)) })
            bench.read()
            bench.restart()
            try bench.files.write(entries.enumerated().dropFirst(stop).map { $1.later(UInt64(1000 + $0)) })
            bench.settle()
            #expect(bench.numbers.sorted() == [0, 1, 2, 3, 50, 51, 52], "stopped after \(stop)")
        }
    }

    @Test func `an event after an open block waits for it, and no longer than the silence`() throws {
        let bench = try JournalBench()
        let block = JournalStreamsTests.block(1, ["one"]).components(separatedBy: "\n")
        try bench.files.write([
            Entry(block[0]), Entry(TestEvents.line(2)).with("_STREAM_ID", "00000000000000000000000000000001"),
        ])
        bench.read()
        #expect(bench.numbers.isEmpty)
        bench.settle()
        #expect(bench.numbers.sorted() == [1, 2])
    }

    @Test func `the stream is passed over after a restart when the line that is went before it`() throws {
        let bench = try JournalBench()
        try bench.files.write([Entry("x").with("_LINE_BREAK", "nul")])
        bench.settle()
        try bench.files.write([Entry(TestEvents.line(1)).later(5), Entry(TestEvents.line(2)).later(6)])
        bench.restart()
        bench.settle()
        #expect(bench.numbers == [2])
    }

    @Test func `with once everything is read to its end`() throws {
        let bench = try JournalBench { $0.once = true }
        let block = JournalStreamsTests.block(1, ["one"]).components(separatedBy: "\n")
        try bench.files.write([Entry(block[0]), Entry(block[1])])
        #expect(bench.poll().isDone)
        #expect(bench.numbers == [1])
    }

    @Test func `events before and after a destroyed place are read`() throws {
        let bench = try JournalBench()
        try bench.files.write(events(0..<2000))
        let file = try FileHandle(forUpdating: bench.files.url("a"))
        let size = try file.seekToEnd()
        // Where data is: the file is larger than what is used of it.
        try file.seek(toOffset: min(size / 2, 600_000))
        try file.write(contentsOf: Data(repeating: 0xff, count: 4096))
        try file.close()
        bench.settle()
        #expect(bench.numbers.count > 1900)
        #expect(Set(bench.numbers).count == bench.numbers.count)
    }
}
