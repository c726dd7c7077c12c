import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSources

/// What grows with the number of files, counted in calls, and what happens when they are more than descriptors.
@Suite struct ManyFilesTests {
    private func fill(_ bench: FollowerBench, _ count: Int) {
        for number in 0..<count { bench.append("\(number).log", "line of \(number)\n") }
    }

    @Test(arguments: [100, 1000]) func `a file more costs a few calls more, however many there are`(count: Int) throws {
        let bench = try FollowerBench("*.log")
        bench.settings.openMax = 32
        bench.restart()
        fill(bench, count)
        bench.settle()
        #expect(Set(bench.lines).count == count && bench.lines.count == count)
        #expect(bench.opener.opens <= 3 * count)
        let before = bench.opener.opens
        bench.restart()
        bench.settle()
        #expect(bench.lines.count == count)
        #expect(bench.opener.opens - before <= 3 * count)
        let later = bench.opener.opens
        bench.append("7.log", "one more\n")
        bench.settle()
        #expect(bench.lines.count == count + 1)
        #expect(bench.opener.opens - later <= 8)
    }

    @Test(arguments: [100, 500]) func `rotating all of them at once costs a few calls for each`(count: Int) throws {
        let bench = try FollowerBench("*.log")
        bench.settings.openMax = 32
        bench.restart()
        fill(bench, count)
        bench.settle()
        let before = bench.opener.opens
        for number in 0..<count {
            bench.append("\(number).log", "last of \(number)\n")
            bench.rename("\(number).log", "\(number).log.1")
            bench.append("\(number).log", "first of \(number)\n")
        }
        bench.settleAll()
        #expect(Set(bench.lines).count == 3 * count && bench.lines.count == 3 * count)
        #expect(bench.opener.opens - before <= 10 * count)
    }

    @Test(arguments: [50, 400]) func `a storm of rotations to names that are read too costs a few calls for each`(
        count: Int
    ) throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "0 begin\n")
        bench.settle()
        let before = bench.opener.opens
        for number in 1...count {
            bench.rename("a.log", "a-\(number).log")
            bench.append("a.log", "\(number) x\n\(number) y\n")
            if number % 10 == 0 { bench.poll(after: .milliseconds(20)) }
        }
        bench.settleAll()
        #expect(Set(bench.lines).count == 2 * count + 1 && bench.lines.count == 2 * count + 1)
        #expect(bench.opener.opens - before <= 8 * count)
    }

    @Test(arguments: [4, 5, 16, 60]) func `fewer descriptors than files: all are read, and that is told once`(
        most: Int
    ) throws {
        let bench = try FollowerBench("*.log")
        bench.opener.limit(most)
        bench.restart()
        for round in 0..<3 {
            for number in 0..<60 { bench.append("\(number).log", "\(round) \(number)\n") }
            bench.settle()
        }
        #expect(Set(bench.lines).count == 180 && bench.lines.count == 180)
        #expect(bench.opener.openNow <= most)
        let told = bench.log.texts
        #expect(told.count == (most < 60 ? 1 : 0) && told.allSatisfy { $0.contains("LimitNOFILE") })
    }

    @Test func `files that left are finished early when they hold all descriptors`() throws {
        let bench = try FollowerBench("a.log")
        bench.opener.limit(8)
        bench.restart()
        for number in 0..<40 {
            bench.append("a.log", "\(number)\n")
            bench.poll(after: .milliseconds(20))
            bench.poll(after: .milliseconds(20))
            bench.rename("a.log", "old-\(number)")
        }
        bench.settleAll()
        #expect(bench.lines == (0..<40).map(String.init))
    }

    @Test func `the files whose turn it is are all read, whichever grow`() throws {
        let bench = try FollowerBench("*.log", batchBytes: 100)
        let text = String(repeating: "x", count: 150) + "\n"
        for number in 0..<9 { bench.append("\(number).log", "\(number)\n") }
        bench.settle()
        for _ in 0..<30 {
            // The first ones never come to an end.
            for number in 0..<4 { bench.append("\(number).log", text) }
            bench.poll(after: .milliseconds(20))
        }
        for number in 4..<9 { bench.append("\(number).log", "\(number) again\n") }
        for _ in 0..<120 {
            for number in 0..<4 { bench.append("\(number).log", text) }
            bench.poll(after: .milliseconds(20))
        }
        for number in 4..<9 { #expect(bench.lines.contains("\(number) again")) }
    }

    @Test(arguments: [1, 64, 96, 97, 256, 1024, 1 << 20])
    func `some descriptors are left for others, whatever the limit is`(limit: Int) {
        let (most, roof) = (FileSettings.openMax(of: limit), FileSettings.descriptorRoof(of: limit))
        #expect(most >= 4 && most <= 512 && roof <= limit)
        if limit >= 64 { #expect(roof <= limit - 16 && most <= roof) }
    }

    @Test func `the soft limit of descriptors is raised to the hard one`() {
        let before = Machine.descriptorLimit
        let after = Machine.raiseDescriptorLimit()
        #expect(after >= before && after == Machine.descriptorLimit)
    }
}

/// Files that are replaced by longer copies of themselves, as rsync does it.
@Suite struct ReplacedFileTests {
    private func replace(_ bench: FollowerBench, with text: String) {
        bench.append(".a.log.tmp", text)
        bench.rename(".a.log.tmp", "a.log")
    }

    @Test(arguments: [20, 400, 1500, 2000, 6000, 30_000])
    func `a file that is replaced by a longer copy again and again is read once`(milliseconds: Int) throws {
        let bench = try FollowerBench("*.log")
        let all = (1...12).map { "line \($0)" }
        for count in 1...12 {
            replace(bench, with: all.prefix(count).map { $0 + "\n" }.joined())
            bench.poll(after: .milliseconds(milliseconds))
            bench.poll(after: .milliseconds(20))
        }
        bench.settleAll()
        #expect(bench.lines == all)
        bench.restart()
        bench.settleAll()
        #expect(bench.lines == all)
    }

    @Test(arguments: [20, 2000, 30_000])
    func `a copy that ends in the middle of a line does not tear it`(milliseconds: Int) throws {
        let bench = try FollowerBench("*.log")
        let text = (1...6).map { "line number \($0) of six\n" }.joined()
        for end in stride(from: 30, through: text.count, by: 13) + [text.count] {
            replace(bench, with: String(text.prefix(end)))
            bench.poll(after: .milliseconds(milliseconds))
            bench.poll(after: .milliseconds(20))
        }
        bench.settleAll()
        #expect(bench.lines == (1...6).map { "line number \($0) of six" })
    }

    @Test func `a copy that was found while it was still empty repeats nothing`() throws {
        let bench = try FollowerBench("a.log*")
        bench.append("a.log", "1\n2\n")
        bench.settle()
        bench.append("a.log.1", "")
        bench.poll(after: .seconds(2))
        bench.append("a.log.1", "1\n2\n")
        bench.poll(after: .milliseconds(20))
        bench.truncate("a.log")
        bench.append("a.log", "3\n4\n5\n")
        bench.settleAll()
        #expect(bench.lines == ["1", "2", "3", "4", "5"])
    }

    @Test func `a name that is not UTF-8 is told, and with once nothing is promised for later`() throws {
        let bench = try FollowerBench("*.log", "none/*.txt")
        try OddFiles.makeFile(named: [0x61, 0xff] + Array(".log".utf8), in: bench.path(""))
        bench.settings.once = true
        bench.restart()
        bench.settle()
        #expect(bench.log.texts.filter { $0.contains("is not UTF-8") }.count == 1)
        #expect(bench.log.texts.allSatisfy { !$0.contains("every second") })
    }

    @Test func `a file that cannot be opened is told once, though one that had its name is still read`() throws {
        let bench = try FollowerBench("a.log")
        bench.append("a.log", "1\n")
        bench.settle()
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "5\n")
        bench.opener.deny(bench.path("a.log"))
        for number in 2..<5 {
            bench.append("a.log.1", "\(number)\n")
            bench.settle()
        }
        #expect(bench.lines == ["1", "2", "3", "4"])
        #expect(bench.log.texts.filter { $0.contains("Permission denied") }.count == 1)
        #expect(bench.log.texts.allSatisfy { !$0.contains("can be read now") })
        bench.opener.deny(bench.path("a.log"), false)
        bench.settleAll()
        #expect(bench.lines == ["1", "2", "3", "4", "5"])
        #expect(bench.log.texts.last?.contains("can be read now") == true)
    }
}

extension StrideThrough {
    fileprivate static func + (steps: StrideThrough, last: [Element]) -> [Element] { Array(steps) + last }
}
