import ConnlogCore
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogSources

@Suite struct FileFollowerTests {
    @Test func `a growing file is read as it grows, a line when its end is there`() throws {
        let bench = try FollowerBench("*.log")
        bench.poll()
        let text = "one\ntwo\n\nthree is longer\n"
        for end in text.indices {
            bench.append("a.log", String(text[end]))
            bench.settle()
            let whole = text[...end].split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(
                String.init)
            #expect(bench.lines == whole)
        }
        #expect(bench.counts.lines == 4)
        #expect(bench.counts.bytes == text.utf8.count)
    }

    @Test func `a change is read with the next poll when the watcher tells of it`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "one\n")
        bench.settle()
        bench.append("a.log", "two\n")
        var batch = EventBatch()
        let changes = FileChanges(paths: [bench.path("a.log")])
        _ = bench.follower.poll(now: bench.now, changes: changes, into: &batch)
        #expect(batch.count == 1)
    }

    @Test func `a new name that the watcher tells of is read with the next poll`() throws {
        let bench = try FollowerBench("*.log")
        bench.settle()
        bench.append("new.log", "one\n")
        var batch = EventBatch()
        let changes = FileChanges(paths: [bench.path("new.log")])
        _ = bench.follower.poll(now: bench.now + .milliseconds(20), changes: changes, into: &batch)
        #expect(batch.count == 1)
    }

    @Test func `a silent file is looked at once a second`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "one\n")
        for _ in 0..<200 { bench.poll(after: .milliseconds(10)) }
        var wakes = 0
        let start = bench.now
        while bench.now < start + .seconds(10) {
            let wait = bench.poll(after: .milliseconds(1)).wait
            bench.now += wait
            wakes += 1
        }
        #expect(wakes <= 25)
    }

    @Test(arguments: [1, 5, 16, 100, 1 << 20]) func `chunks of any size give the same lines`(size: Int) throws {
        let bench = try FollowerBench("*.log", batchBytes: size)
        let lines = (0..<50).map { String(repeating: "x", count: $0 * 7 % 90) + "\($0)" }
        bench.append("a.log", lines.joined(separator: "\n") + "\n")
        bench.settle()
        #expect(bench.lines == lines)
    }

    @Test func `many growing files take turns`() throws {
        let bench = try FollowerBench("*.log", batchBytes: 128 << 10)
        let line = String(repeating: "x", count: 999)
        for name in ["a", "b", "c"] {
            bench.append("\(name).log", String(repeating: name + line + "\n", count: 1000))
        }
        for _ in 0..<4 { bench.poll(after: .milliseconds(1)) }
        let read = Set(bench.lines.compactMap(\.first))
        #expect(read == ["a", "b", "c"])
        bench.settle()
        #expect(bench.lines.count == 3000)
    }

    @Test func `what is left in a renamed file comes before what is in the new one`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "1\n2\n")
        bench.settle()
        bench.append("a.log", "3\n")
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "5\n")
        bench.append("a.log.1", "4\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3", "4", "5"])
        #expect(bench.counts.rotations == 1)
    }

    @Test func `late writes to a renamed file are read for some seconds`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "1\n")
        bench.settle()
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "n\n")
        for number in 2..<6 {
            bench.poll(after: .seconds(2))
            bench.append("a.log.1", "\(number)\n")
        }
        bench.settle()
        #expect(bench.lines.sorted() == ["1", "2", "3", "4", "5", "n"])
    }

    @Test func `a partial last line of a renamed file counts once nothing more comes`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "1\nlast.")
        bench.settle()
        bench.rename("a.log", "a.log.1")
        bench.settle()
        bench.settleAll()
        #expect(bench.lines == ["1", "last."])
        bench.restart()
        bench.settleAll()
        #expect(bench.lines == ["1", "last."])
    }

    @Test func `a rename to a name that is read too repeats nothing`() throws {
        let bench = try FollowerBench("*.log*")
        bench.append("a.log", "1\n2\n")
        bench.settle()
        bench.append("a.log", "3\n")
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "4\n")
        bench.settle()
        bench.rename("a.log.1", "a.log.2")
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "5\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3", "4", "5"])
    }

    @Test func `two rotations between two looks lose nothing`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "1\n")
        bench.settle()
        bench.append("a.log", "2\n")
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "3\n")
        bench.rename("a.log.1", "a.log.2")
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "4\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3", "4"])
    }

    @Test func `a truncated file is read from its beginning, with a warning`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "1\n2\n")
        bench.settle()
        bench.truncate("a.log")
        bench.settle()
        bench.append("a.log", "3\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3"])
        #expect(bench.counts.truncations == 1)
        #expect(bench.log.texts.filter { $0.contains("truncated") }.count == 1)
    }

    @Test(arguments: [false, true])
    func `a file that was cut and has grown past the old place is noticed`(isLookedAtBetween: Bool) throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "one\ntwo\n")
        bench.settle()
        bench.truncate("a.log")
        if isLookedAtBetween { bench.settle() }
        bench.append("a.log", "three\nfour\nfive\nsix\n")
        bench.settle()
        #expect(bench.lines == ["one", "two", "three", "four", "five", "six"])
    }

    @Test func `a file that was cut and has grown to the same size is noticed`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "one\ntwo\n")
        bench.settle()
        bench.truncate("a.log")
        bench.append("a.log", "six\nten\n")
        bench.settle()
        #expect(bench.lines == ["one", "two", "six", "ten"])
    }

    @Test(arguments: ["a.log", "a.log*"])
    func `lines that only the copy of a cut file still holds are read there`(pattern: String) throws {
        let bench = try FollowerBench(pattern)
        bench.append("a.log", "1\n2\n")
        bench.settle()
        bench.append("a.log", "3\n4\n")
        bench.copyTruncate("a.log", "a.log.1")
        bench.append("a.log", "5\n6\n7\n8\n9\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3", "4", "5", "6", "7", "8", "9"])
    }

    @Test func `a copy that appears before the file is cut repeats nothing and loses nothing`() throws {
        let bench = try FollowerBench("a.log*", batchBytes: 4)
        bench.append("a.log", "1\n2\n")
        bench.settle()
        bench.append("a.log", "3\n4\n5\n6\n7\n8\n")
        bench.copy("a.log", "a.log.1")
        bench.poll(after: .seconds(2))
        bench.truncate("a.log")
        bench.append("a.log", "9\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3", "4", "5", "6", "7", "8", "9"])
    }

    @Test func `a file that was removed and made anew is read from its beginning`() throws {
        let bench = try FollowerBench("a.log")
        for number in 0..<5 {
            // The file system is free to give the same inode again; content tells them apart.
            bench.append("a.log", "line \(number)\n")
            bench.settle()
            bench.remove("a.log")
            if number % 2 == 0 { bench.settleAll() }
        }
        bench.settleAll()
        #expect(bench.lines == (0..<5).map { "line \($0)" })
    }

    @Test func `a new file in a reused inode is another file`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "old content\nmore of it\n")
        bench.settle()
        // While connlog is away nothing keeps the inode.
        bench.follower = FileFollower(bench.settings, [:], log: { _, _ in }, makeDecoder: { LineDecoder() })
        bench.truncate("a.log")
        bench.rename("a.log", "b.log")
        bench.append("b.log", "new content that is longer than the old one was\n")
        bench.restart()
        bench.settle()
        #expect(bench.lines == ["old content", "more of it", "new content that is longer than the old one was"])
    }

    @Test func `a link that leads elsewhere is a rotation`() throws {
        let bench = try FollowerBench("current.log")
        bench.append("a-1", "1\n")
        bench.link("current.log", to: "a-1")
        bench.settle()
        bench.append("a-1", "2\n")
        bench.append("a-2", "3\n")
        bench.remove("current.log")
        bench.link("current.log", to: "a-2")
        bench.settle()
        bench.append("a-2", "4\n")
        bench.settle()
        #expect(bench.lines == ["1", "2", "3", "4"])
    }

    @Test func `two names of one file are one file`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "1\n")
        bench.link("b.log", to: "a.log")
        bench.settle()
        bench.append("a.log", "2\n")
        bench.settle()
        #expect(bench.lines == ["1", "2"])
    }

    @Test func `files that come later are read from their beginning, packed ones never`() throws {
        let bench = try FollowerBench("*")
        bench.settings.startsAtEnd = true
        bench.append("old.log", "before\npart")
        bench.restart()
        bench.settle()
        bench.append("old.log", "ial\n")
        bench.append("new.log", "1\n")
        for name in ["a.gz", "b.tmp", ".hidden"] { bench.append(name, "no\n") }
        bench.settle()
        bench.restart()
        bench.append("newer.log", "2\n")
        bench.settle()
        #expect(bench.lines == ["partial", "1", "2"])
    }

    @Test func `a first start that finds nothing is a first start all the same`() throws {
        let bench = try FollowerBench("*.log")
        bench.settings.startsAtEnd = true
        bench.restart()
        bench.settle()
        bench.append("a.log", "1\n")
        bench.restart()
        bench.settle()
        #expect(bench.lines == ["1"])
    }

    @Test func `a directory in the place of a file, a missing file and a missing directory are each said once`() throws
    {
        let bench = try FollowerBench("dir.log", "missing.log", "nowhere/*.log", "good.log")
        try FileManager.default.createDirectory(atPath: bench.path("dir.log"), withIntermediateDirectories: true)
        bench.append("good.log", "1\n")
        bench.settleAll()
        #expect(bench.lines == ["1"])
        #expect(bench.log.texts.count == 3)
        #expect(bench.log.texts.contains { $0.contains("dir.log is a directory") })
        #expect(bench.log.texts.contains { $0.contains("missing.log: No such file or directory") })
        bench.remove("dir.log")
        bench.append("dir.log", "2\n")
        bench.append("missing.log", "3\n")
        bench.settleAll()
        #expect(bench.lines == ["1", "2", "3"])
        #expect(bench.log.texts.filter { $0.hasPrefix("info") }.count >= 2)
    }

    @Test func `a line that is too long is passed over, and over a restart too`() throws {
        for crashAt in 0..<12 {
            let bench = try FollowerBench("a.log", batchBytes: 16, lineMax: 20)
            bench.crashAt = crashAt
            bench.append("a.log", "short\n" + String(repeating: "x", count: 200) + "\nafter\n")
            bench.settle()
            #expect(bench.lines == ["short", "after"], "crash at poll \(crashAt)")
        }
    }

    @Test func `once reads to the end and takes a last line without line feed if it is whole`() throws {
        let bench = try FollowerBench("*.log")
        bench.settings.once = true
        bench.append("a.log", "1\nwhole.")
        bench.append("b.log", "2\nhal")
        bench.restart()
        var rounds = 0
        while !bench.poll().isDone, rounds < 100 { rounds += 1 }
        #expect(bench.lines == ["1", "2", "whole."] || bench.lines == ["1", "whole.", "2"])
        bench.append("b.log", "f\n")
        bench.append("a.log", "\n3\n")
        bench.restart()
        while !bench.poll().isDone, rounds < 100 { rounds += 1 }
        #expect(bench.lines.filter { !$0.isEmpty }.sorted() == ["1", "2", "3", "half", "whole."])
        #expect(rounds < 100)
    }

    @Test func `files that are not kept open are read all the same`() throws {
        let bench = try FollowerBench("*.log")
        bench.settings.openMax = 4
        bench.restart()
        for round in 0..<3 {
            for number in 0..<40 { bench.append("\(number).log", "\(round) \(number)\n") }
            bench.settle()
            #expect(bench.follower.files.values.count { $0.file != nil } <= 5)
        }
        #expect(Set(bench.lines).count == 120 && bench.lines.count == 120)
        bench.append("7.log", "late\n")
        bench.rename("7.log", "7.log.1")
        bench.append("7.log", "new\n")
        bench.settle()
        #expect(bench.lines.suffix(2) == ["late", "new"])
    }

    @Test func `positions of a file without events are stored now and then only`() throws {
        let bench = try FollowerBench("a.log", lineMax: 0)
        bench.append("a.log", "chatter\n")
        bench.poll()
        var stored = 0
        for _ in 0..<100 {
            bench.append("a.log", "chatter\n")
            stored += bench.poll(after: .milliseconds(20)).checkpoints.count
        }
        #expect((1...3).contains(stored))
        #expect(!bench.follower.finalCheckpoints(bench.now).isEmpty || stored > 0)
    }

    @Test func `a file that is gone is forgotten after its time`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "1\n")
        bench.settle()
        bench.rename("a.log", "kept")
        bench.settleAll()
        #expect(bench.checkpoints.count == 2)
        bench.now += .seconds(25 * 3600)
        bench.settle()
        #expect(Set(bench.checkpoints.keys) == [FileFollower.startedKey])
        bench.append("b.log", "2\n")
        bench.settle()
        bench.remove("b.log")
        bench.settleAll()
        #expect(Set(bench.checkpoints.keys) == [FileFollower.startedKey])
    }

    @Test func `a position survives being stored`() throws {
        var position = FilePosition(path: "/var/log/a b.log", identity: FileIdentity(device: 1 << 40, inode: 7))
        position.offset = 123_456_789_012
        position.prefixLength = 1024
        position.prefixHash = .max
        position.markerHash = 42
        position.isCopy = true
        let bytes = position.checkpoint
        #expect(FilePosition(checkpoint: bytes) == position)
        for length in 0..<50 { #expect(FilePosition(checkpoint: Array(bytes.prefix(length))) == nil) }
        #expect(FilePosition(checkpoint: [9] + bytes.dropFirst()) == nil)
    }
}
