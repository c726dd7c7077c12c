import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSources

/// Entries of several lines, and lines in parts, at the end of a file: in silence, over rotations, over restarts.
@Suite struct OpenEntryTests {
    private static let cri = "2026-10-05T08:00:01.000000001Z stderr"

    private func bench(_ patterns: String) throws -> FollowerBench {
        let bench = try FollowerBench(patterns)
        bench.makeDecoder = { StreamDecoder(EventDecoder()) }
        bench.restart()
        return bench
    }

    private static func human(_ number: Int, reason: String? = nil) -> String {
        "2026-10-05 08:00:02.123 [info]  coderd: connection_log  ID=\(TestEvents.id(number))  WorkspaceName=dev"
            + "  AgentName=main  Type=ssh  Code=1  Ip=203.0.113.7  ConnectionID=c0000000-0000-4000-8000-000000000002"
            + "  Time=\"2026-10-05T08:00:02.123456789Z\"  ConnectionStatus=disconnected"
            + (reason == nil ? "  DisconnectReason=\"\"\n" : " ...\n")
    }

    private static let reason = [
        "    DisconnectReason= ssh: handshake failed\n", "                      read tcp: reset\n",
    ]

    private func numbers(_ bench: FollowerBench) -> [Int] { bench.lines.compactMap(TestEvents.number) }

    @Test func `an entry of several lines is delivered after some seconds of silence, with all of them`() throws {
        let bench = try bench("a.log")
        bench.append("a.log", OpenEntryTests.human(1) + OpenEntryTests.human(2, reason: "") + OpenEntryTests.reason[0])
        for _ in 0..<40 { bench.poll(after: .milliseconds(100)) }
        #expect(numbers(bench) == [1])
        bench.append("a.log", OpenEntryTests.reason[1])
        for _ in 0..<45 { bench.poll(after: .milliseconds(100)) }
        #expect(numbers(bench) == [1])
        for _ in 0..<20 { bench.poll(after: .milliseconds(100)) }
        #expect(numbers(bench) == [1, 2])
        #expect(bench.lines.last?.contains("handshake failed\\nread tcp: reset") == true, "\(bench.lines)")
        bench.restart()
        bench.append("a.log", OpenEntryTests.human(3))
        bench.settleAll()
        #expect(numbers(bench) == [1, 2, 3])
    }

    @Test func `the follower asks to be called again when the silence is over`() throws {
        let bench = try bench("a.log")
        bench.append("a.log", OpenEntryTests.human(2, reason: "") + OpenEntryTests.reason[0])
        var calls = 0
        let start = bench.now
        while numbers(bench).isEmpty, calls < 100 {
            let wait = bench.poll(after: .milliseconds(1)).wait
            bench.now += wait
            calls += 1
        }
        #expect(numbers(bench) == [2] && bench.now - start < .seconds(7) && calls < 40)
    }

    @Test func `a line without its end is not taken for complete by silence`() throws {
        let bench = try bench("a.log")
        let line = TestEvents.line(1)
        bench.append("a.log", String(line.prefix(100)))
        for _ in 0..<5 { bench.settleAll() }
        #expect(bench.lines.isEmpty)
        bench.append("a.log", String(line.dropFirst(100)) + "\n")
        bench.settle()
        #expect(numbers(bench) == [1])
    }

    /// A line in two parts, and an entry of several lines, each with a rotation in the middle.
    private func parts(_ isBlock: Bool) -> (before: String, after: String) {
        let cri = OpenEntryTests.cri
        if isBlock {
            return (
                "\(cri) F " + OpenEntryTests.human(1) + "\(cri) F " + OpenEntryTests.human(2, reason: ""),
                OpenEntryTests.reason.map { "\(cri) F \($0)" }.joined() + "\(cri) F " + OpenEntryTests.human(3)
            )
        }
        let line = TestEvents.line(2)
        return (
            "\(cri) F \(TestEvents.line(1))\n\(cri) P \(line.prefix(300))\n",
            "\(cri) F \(line.dropFirst(300))\n\(cri) F \(TestEvents.line(3))\n"
        )
    }

    private func play(_ bench: FollowerBench, _ isBlock: Bool, _ rotated: String) {
        let (before, after) = parts(isBlock)
        bench.append("0.log", before)
        for _ in 0..<3 { bench.poll() }
        bench.rename("0.log", rotated)
        for _ in 0..<2 { bench.poll() }
        bench.append("0.log", "")
        for _ in 0..<2 { bench.poll() }
        bench.append("0.log", after)
        for _ in 0..<3 { bench.poll() }
        bench.append("0.log", OpenEntryTests.cri + " F " + TestEvents.line(4) + "\n")
        for _ in 0..<3 { bench.settleAll() }
    }

    @Test(arguments: [false, true], ["0.log", "*.log*"])
    func `what a rotation cuts in two is one event, in its place, over a restart at any moment too`(
        isBlock: Bool, pattern: String
    ) throws {
        let rotated = "0.log.20261005-080002"
        let whole = try bench(pattern)
        play(whole, isBlock, rotated)
        #expect(numbers(whole) == [1, 2, 3, 4])
        #expect(!isBlock || whole.lines[1].contains("handshake failed"), "\(whole.lines)")
        #expect(whole.counts.skipped.isEmpty && whole.counts.malformed.isEmpty)
        for crashAt in 0..<min(whole.polls, 40) {
            let bench = try bench(pattern)
            bench.crashAt = crashAt
            play(bench, isBlock, rotated)
            #expect(numbers(bench).sorted() == [1, 2, 3, 4], "crash at poll \(crashAt)")
            #expect(bench.lines.contains { $0.contains("handshake failed") } == isBlock, "crash at poll \(crashAt)")
        }
    }

    @Test func `two rotations within one entry are one event too`() throws {
        let bench = try bench("0.log")
        let cri = OpenEntryTests.cri
        let line = TestEvents.line(2)
        bench.append("0.log", "\(cri) F \(TestEvents.line(1))\n\(cri) P \(line.prefix(200))\n")
        bench.settle()
        bench.rename("0.log", "0.log.1")
        bench.append("0.log", "\(cri) P \(line.dropFirst(200).prefix(100))\n")
        for _ in 0..<5 { bench.poll() }
        bench.rename("0.log.1", "0.log.2")
        bench.rename("0.log", "0.log.1")
        bench.append("0.log", "\(cri) F \(line.dropFirst(300))\n\(cri) F \(TestEvents.line(3))\n")
        for _ in 0..<3 { bench.settleAll() }
        #expect(numbers(bench) == [1, 2, 3])
        bench.restart()
        bench.settleAll()
        #expect(numbers(bench) == [1, 2, 3])
    }

    @Test func `late lines of the old file come before what the new one goes on with`() throws {
        let bench = try bench("0.log")
        let (before, after) = parts(false)
        bench.append("0.log", String(before.prefix(700)))
        bench.settle()
        bench.append("0.log", String(before.dropFirst(700)))
        bench.rename("0.log", "0.log.1")
        bench.append("0.log", after)
        bench.settleAll()
        #expect(numbers(bench) == [1, 2, 3])
    }

    @Test func `once takes an entry that goes on in another file as one`() throws {
        let bench = try bench("0.log")
        let (before, after) = parts(true)
        bench.append("0.log", before)
        bench.poll()
        bench.rename("0.log", "0.log.20261005-080002")
        bench.append("0.log", after)
        bench.settings.once = true
        bench.restart()
        for _ in 0..<50 where bench.poll().isDone { break }
        #expect(numbers(bench).sorted() == [1, 2, 3])
        #expect(bench.lines.contains { $0.contains("handshake failed") })
    }
}

/// Events of all sizes through the source: nothing that is read in pieces may depend on where the pieces end.
@Suite struct SourceSizeTests {
    private static let lineMax = 8 << 10

    private func bench(_ batchBytes: Int) throws -> FollowerBench {
        let bench = try FollowerBench("a.log", batchBytes: batchBytes)
        bench.makeDecoder = { StreamDecoder(EventDecoder(maxLine: SourceSizeTests.lineMax)) }
        bench.restart()
        return bench
    }

    static let sizes =
        [0, 1, 2]
        + [64, 1024, 2048, 4096, lineMax].flatMap { [$0 - 1, $0, $0 + 1] }.filter { $0 <= lineMax }

    @Test(arguments: sizes, [true, false])
    func `a line of any size is read whole, alone and among small ones, in pieces of any size`(
        size: Int, isAlone: Bool
    ) throws {
        // A line that is no event is passed over, however short.
        let long = size < TestEvents.shortest ? String(repeating: "x", count: size) : TestEvents.line(5, bytes: size)
        let small = (1...4).map { TestEvents.line($0) + "\n" }.joined()
        let text = isAlone ? long + "\n" : small + long + "\n" + TestEvents.line(6) + "\n"
        let expected =
            (isAlone ? [] : [1, 2, 3, 4]) + (size < TestEvents.shortest ? [] : [5]) + (isAlone ? [] : [6])
        for piece in [size - 1, size, size + 1, 4095, 4096, 4097] where piece > 0 {
            let bench = try bench(piece)
            bench.crashAt = piece % 7
            bench.append("a.log", text)
            bench.settle()
            #expect(bench.lines.compactMap(TestEvents.number) == expected, "size \(size), pieces of \(piece)")
            #expect(!expected.contains(5) || bench.lines.contains(long), "size \(size), pieces of \(piece)")
        }
    }

    @Test(arguments: sizes)
    func `a line that is written in two pieces is read whole, wherever it is cut`(size: Int) throws {
        guard size >= TestEvents.shortest else { return }
        let line = TestEvents.line(5, bytes: size) + "\n"
        for cut in [1, FilePosition.markerMax, FilePosition.prefixMax - 1, FilePosition.prefixMax, size - 1, size] {
            guard cut > 0, cut < line.utf8.count else { continue }
            for isRestarted in [false, true] {
                let bench = try bench(1 << 20)
                bench.append("a.log", TestEvents.line(1) + "\n" + line.prefix(cut))
                bench.settle()
                if isRestarted { bench.restart() }
                bench.append("a.log", line.dropFirst(cut) + TestEvents.line(6) + "\n")
                bench.settle()
                #expect(bench.lines.compactMap(TestEvents.number) == [1, 5, 6], "size \(size), cut at \(cut)")
            }
        }
    }
}
