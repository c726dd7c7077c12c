import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSources

/// A file that cannot be read for a while.
@Suite struct ReadErrorTests {
    /// As with a descriptor of a file server that came back with another one: every read of it fails, and will.
    @Test func `a descriptor that has become unreadable is not kept`() throws {
        let bench = try FollowerBench("*.log")
        let isReadable = Box()
        bench.settings.open = { (path) throws(SystemError) in
            let forWriting: Int32 = 1
            return isReadable.value.load(ordering: .relaxed)
                ? try LocalFile.openForReading(path) : try LocalFile(path, flags: forWriting, mode: 0)
        }
        bench.restart()
        bench.append("a.log", "one\ntwo\n")
        bench.settle()
        #expect(bench.lines.isEmpty)
        #expect(bench.log.texts.count { $0.contains("its other events wait until it can be read") } == 1)
        isReadable.value.store(true, ordering: .relaxed)
        bench.settle()
        #expect(bench.lines == ["one", "two"])
        #expect(bench.log.texts.last?.contains("can be read now") == true)
    }

    /// A follower of logs whose files can be made unreadable: those that are open, and those that are opened.
    private func breakable(
        _ pattern: String = "*.log", makeDecoder: (@Sendable () -> any EntryDecoder)? = nil
    ) throws -> (bench: FollowerBench, isReadable: Box) {
        let bench = try FollowerBench(pattern)
        let isReadable = Box()
        isReadable.value.store(true, ordering: .relaxed)
        bench.makeDecoder = makeDecoder
        bench.settings.open = { (path) throws(SystemError) in
            isReadable.value.load(ordering: .relaxed)
                ? try LocalFile.openForReading(path) : try ReadErrorTests.broken(path)
        }
        bench.restart()
        return (bench, isReadable)
    }

    private static func broken(_ path: String) throws(SystemError) -> LocalFile {
        let forWriting: Int32 = 1
        return try LocalFile(path, flags: forWriting, mode: 0)
    }

    private func breakAll(_ bench: FollowerBench, _ isReadable: Box) throws {
        isReadable.value.store(false, ordering: .relaxed)
        for (id, file) in bench.follower.files where file.file != nil {
            bench.follower.files[id]?.file = try ReadErrorTests.broken(file.path)
        }
    }

    @Test(arguments: [0, 1, 5]) func `reading goes on at its place, and the file is no new one`(seconds: Int) throws {
        let (bench, isReadable) = try breakable()
        bench.append("a.log", "one\ntwo\nthr")
        bench.settle()
        #expect(bench.lines == ["one", "two"])
        try breakAll(bench, isReadable)
        bench.append("a.log", "ee\nfour\nfi")
        for _ in 0..<seconds { bench.poll(after: .seconds(1)) }
        bench.poll()
        #expect(bench.lines == ["one", "two"])
        isReadable.value.store(true, ordering: .relaxed)
        bench.append("a.log", "ve\n")
        bench.settle()
        #expect(bench.lines == ["one", "two", "three", "four", "five"])
        #expect(bench.counts.rotations == 0 && bench.counts.truncations == 0)
        #expect(bench.follower.files.count == 1)
        bench.restart()
        bench.append("a.log", "six\n")
        bench.settle()
        #expect(bench.lines.last == "six" && bench.lines.count == 6)
    }

    @Test(arguments: [false, true], [1, 20]) func `one that is renamed while it cannot be read is read to its end`(
        isBrokenFirst: Bool, seconds: Int
    ) throws {
        let (bench, isReadable) = try breakable()
        bench.append("a.log", "one\ntwo\n")
        bench.settle()
        if isBrokenFirst { try breakAll(bench, isReadable) }
        bench.append("a.log", "three\nfour\n")
        if isBrokenFirst { bench.settle() }
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "new\n")
        if !isBrokenFirst {
            // It is noticed that the name is another file's, and nothing has been read since.
            isReadable.value.store(false, ordering: .relaxed)
            for (id, file) in bench.follower.files where file.file != nil {
                bench.follower.files[id]?.file = try ReadErrorTests.broken(bench.path("a.log.1"))
                #expect(file.path == bench.path("a.log"))
            }
        }
        for _ in 0..<seconds { bench.poll(after: .seconds(1)) }
        #expect(bench.lines == ["one", "two"])
        #expect(bench.log.texts.contains { $0.contains("which is tried every second") })
        isReadable.value.store(true, ordering: .relaxed)
        bench.settleAll()
        #expect(bench.lines.sorted() == ["four", "new", "one", "three", "two"])
        #expect(bench.lines.firstIndex(of: "three") ?? 9 < bench.lines.firstIndex(of: "four") ?? 0)
        #expect(bench.counts.truncations == 0)
        // All of it is done with: nothing comes again, nothing is waited for.
        bench.restart()
        bench.settleAll()
        #expect(bench.lines.count == 5)
        #expect(!bench.follower.files.values.contains { $0.isUnreadable })
    }

    @Test func `one that is removed while it cannot be read is given up`() throws {
        let (bench, isReadable) = try breakable()
        bench.append("a.log", "one\n")
        bench.settle()
        try breakAll(bench, isReadable)
        bench.append("a.log", "two\n")
        bench.settle()
        bench.remove("a.log")
        bench.settleAll()
        #expect(bench.lines == ["one"])
        #expect(!bench.follower.files.values.contains { $0.state != .missing || $0.isUnreadable })
    }

    @Test func `an entry that is complete by silence comes when its file can be read again, though nothing grows`()
        throws
    {
        let (bench, isReadable) = try breakable(makeDecoder: { StreamDecoder(EventDecoder()) })
        let head = "2026-10-05 08:00:02.123 [info]  coderd: connection_log  ID=\(TestEvents.id(7))  WorkspaceName=dev"
        let fields =
            "  AgentName=main  Type=ssh  Code=1  Ip=203.0.113.7  ConnectionID=c0000000-0000-4000-8000-000000000002"
            + "  Time=\"2026-10-05T08:00:02.123456789Z\"  ConnectionStatus=disconnected ...\n"
        bench.append("a.log", head + fields + "    DisconnectReason= ssh: handshake failed\n")
        bench.poll()
        bench.poll()
        try breakAll(bench, isReadable)
        for _ in 0..<10 { bench.poll(after: .seconds(1)) }
        #expect(bench.lines.isEmpty)
        #expect(bench.log.texts.contains { $0.contains("which is tried every second") }, "\(bench.log.texts)")
        isReadable.value.store(true, ordering: .relaxed)
        for _ in 0..<10 { bench.poll(after: .seconds(1)) }
        #expect(bench.lines.compactMap(TestEvents.number) == [7])
        #expect(bench.log.texts.last?.contains("can be read now") == true)
    }

    private final class Box: Sendable {
        let value = Atomic(false)
    }
}
