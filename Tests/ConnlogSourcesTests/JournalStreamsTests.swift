import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSources

/// Entries as journald makes them of what a program writes to one stream, and what is made of them.
final class StreamsBench {
    /// `LineMax=` of journald.conf.
    static let lineMax = 49_152

    var streams: JournalStreams
    var batch = EventBatch()
    var number = 0

    init(maxLine: Int = 1 << 20, hasContainers: Bool = false) {
        streams = JournalStreams(
            maxLine: maxLine, hasContainers: hasContainers, makeDecoder: JournaldSource.decoder(.auto, maxLine))
    }

    /// One entry.
    func take(_ message: String, _ fields: [JournalField: String] = [:]) {
        take(Array(message.utf8), fields)
    }

    func take(_ message: [UInt8], _ fields: [JournalField: String] = [:]) {
        var entry = JournalEntry()
        entry.add(.message, message.span)
        for (field, value) in fields { entry.add(field, Array(value.utf8).span) }
        if fields[.streamID] == nil, fields[.containerID] == nil {
            entry.add(.streamID, Array(JournalFiles.Entry.stream.utf8).span)
        }
        streams.take(entry, number, .zero, &batch)
        number += 1
    }

    /// journald's own notice.
    func notice(dropped: Int) {
        var entry = JournalEntry()
        entry.add(.messageID, Array(JournalSettings.suppressedID.utf8).span)
        entry.add(.dropped, Array("\(dropped)".utf8).span)
        entry.add(.message, Array("Suppressed \(dropped) messages from coder.service".utf8).span)
        streams.take(entry, number, .zero, &batch)
        number += 1
    }

    /// What a program writes, with its line feeds, in the pieces that journald makes of it.
    func write(_ text: String, stream: String = JournalFiles.Entry.stream) {
        for (message, lineBreak) in StreamsBench.entries(Array(text.utf8)) {
            var fields: [JournalField: String] = [.streamID: stream]
            fields[.lineBreak] = lineBreak
            take(message, fields)
        }
    }

    /// White space at the end of an entry is cut, and what is empty then is dropped.
    static func entries(_ text: [UInt8]) -> [(message: [UInt8], lineBreak: String?)] {
        var entries: [(message: [UInt8], lineBreak: String?)] = []
        var rest = text[...]
        while !rest.isEmpty {
            let end = rest.firstIndex { $0 == 10 || $0 == 0 } ?? rest.endIndex
            let length = min(end - rest.startIndex, lineMax)
            let isCut = length == lineMax
            let message = Array(rest.prefix(length))
            let lineBreak: String? =
                isCut ? "line-max" : end == rest.endIndex ? "eof" : rest[end] == 0 ? "nul" : nil
            if !message.isEmpty { entries.append((message, lineBreak)) }
            rest = rest.dropFirst(isCut ? length : length + 1)
        }
        return entries
    }

    /// All that there is, taken for complete.
    func finish() -> [String] {
        streams.settle(&batch) { _ in true }
        return (0..<batch.count).map { batch.bytes.text(batch.records[$0].range) }
    }

    func numbers() -> [Int] { finish().compactMap(TestEvents.number) }

    func counts() -> SourceCounts { streams.takeCounts("test") }
}

@Suite struct JournalStreamsTests {
    private static let lineMax = StreamsBench.lineMax

    /// An event of the human sink, in one line.
    static func human(_ number: Int, agent: String = "curl") -> String {
        "2026-10-05 08:00:02.123 [info]  coderd: connection_log  ID=\(TestEvents.id(number))  Type=ssh  Code=1  "
            + "UserAgent=\"\(agent)\"  ConnectionStatus=connected"
    }

    /// One with a value of several lines.
    static func block(_ number: Int, _ lines: [String]) -> String {
        "2026-10-05 08:00:02.123 [info]  coderd: connection_log  ID=\(TestEvents.id(number))  Type=ssh  Code=1  "
            + "ConnectionStatus=disconnected ...\n    DisconnectReason= " + lines.joined(separator: "\n" + pad)
    }

    private static let pad = String(repeating: " ", count: 22)
    private static let foreign = "2026-10-05 08:00:02.123 [warn]  coderd: something else "

    @Test func `events of both formats, with colours, and with a byte that is no UTF-8`() {
        let bench = StreamsBench()
        bench.take(TestEvents.line(1))
        bench.take("\u{1b}[90m2026-10-05 08:00:02.123\u{1b}[0m" + Self.human(2).dropFirst(23))
        var bytes = Array(Self.human(3).utf8)
        bytes[bytes.count - 40] = 0xff
        bench.take(bytes)
        #expect(bench.numbers() == [1, 2, 3])
    }

    @Test func `a block is read whole although another stream writes in between`() throws {
        let bench = StreamsBench()
        bench.write(Self.block(1, ["one"]) + "\n")
        bench.write(TestEvents.line(2) + "\n", stream: "00000000000000000000000000000001")
        bench.write(Self.pad + "two\n" + Self.human(3) + "\n")
        let records = bench.finish()
        #expect(records.compactMap(TestEvents.number) == [2, 1, 3])
        #expect(try #require(records.dropFirst().first).contains(#""DisconnectReason":"one\ntwo""#))
    }

    @Test func `text after a NUL is no event, and counted`() {
        let bench = StreamsBench()
        for event in [TestEvents.line(1), Self.human(2)] {
            bench.write("\(Self.foreign)...\n    text= a\0\(event)\n")
            bench.write("\(Self.foreign)a\0\(event)\0\(event)\n")
        }
        bench.write(TestEvents.line(3) + "\n")
        #expect(bench.numbers() == [3])
        let counts = bench.counts()
        #expect(counts.malformed["nul"] == 4)
        #expect(counts.malformed["continuation"] == 6)
    }

    @Test(arguments: [-1, 0, 1]) func `text that fills a line to its end makes none of its rest`(more: Int) {
        for event in [TestEvents.line(1), Self.human(2)] {
            let bench = StreamsBench()
            let filler = String(repeating: "x", count: Self.lineMax - Self.foreign.utf8.count + more)
            bench.write(Self.foreign + filler + event + "\n")
            bench.write(TestEvents.line(3) + "\n")
            #expect(bench.numbers() == [3])
            #expect(bench.counts().lines == 2)
        }
    }

    @Test func `a prompt of many pieces, each of which looks like an event, is none`() {
        for event in [TestEvents.line(1), Self.human(2)] {
            var text = Self.foreign + "interception log"
            for piece in 1...4 {
                text += String(repeating: "x", count: piece * Self.lineMax - text.utf8.count) + event
            }
            let bench = StreamsBench()
            bench.write(text + "\n" + TestEvents.line(3) + "\n")
            #expect(bench.numbers() == [3])
            #expect(bench.counts().malformed.isEmpty)
        }
    }

    @Test(arguments: [1, 2, 3], [-1, 0, 1])
    func `a JSON line of about a multiple of LineMax is one event, and the next one is another`(times: Int, more: Int) {
        let bench = StreamsBench()
        let line = TestEvents.line(1, bytes: times * Self.lineMax + more)
        bench.write("\(line)\n\(TestEvents.line(2))\n\(Self.human(3))\n")
        #expect(bench.finish().first == line)
        #expect(bench.numbers() == [1, 2, 3])
        #expect(bench.counts().malformed.isEmpty)
    }

    @Test func `a whole JSON entry ends a JSON line whose end is missing`() {
        let bench = StreamsBench()
        let line = TestEvents.line(1, bytes: 60_000)
        bench.take(String(line.prefix(Self.lineMax)), [.lineBreak: "line-max"])
        bench.take(TestEvents.line(2))
        #expect(bench.numbers() == [2])
        #expect(bench.counts().malformed == ["truncated": 1])
    }

    @Test func `a human line of exactly LineMax and the next one are taken for one, which is told`() {
        let bench = StreamsBench()
        let length = Self.lineMax - Self.human(1, agent: "").utf8.count
        bench.write(Self.human(1, agent: String(repeating: "x", count: length)) + "\n")
        bench.write("\(Self.human(2))\n\(Self.human(3))\n")
        // What was torn is known for it, and the entry after is read.
        #expect(bench.numbers() == [2, 3])
        #expect(bench.counts().malformed == ["bad_human_line": 1])
    }

    @Test func `a human line of exactly LineMax is whole when nothing follows`() {
        let bench = StreamsBench()
        let length = Self.lineMax - Self.human(1, agent: "").utf8.count
        bench.write(Self.human(1, agent: String(repeating: "x", count: length)) + "\n")
        #expect(bench.numbers() == [1])
        bench.batch = EventBatch()
        bench.write("\(Self.human(2))\n\(Self.human(3))\n")
        #expect(bench.numbers() == [3])
        #expect(bench.counts().malformed == ["continuation": 1])
    }

    @Test func `pieces that were cut inside a character are put together`() throws {
        let bench = StreamsBench()
        let line = TestEvents.line(1, bytes: 60_000, filler: "é")
        bench.write(line + "\n" + TestEvents.line(2, bytes: 100 << 10, filler: "€") + "\n")
        let records = bench.finish()
        #expect(records == [line, TestEvents.line(2, bytes: 100 << 10, filler: "€")])
    }

    @Test(arguments: [-1, 0, 1]) func `a line longer than max_line has its longest value cut`(more: Int) {
        let bench = StreamsBench(maxLine: 1 << 18)
        bench.write(TestEvents.line(1, bytes: 1 << 18 + more) + "\n" + TestEvents.line(2, bytes: 1 << 20) + "\n")
        bench.write(TestEvents.line(3) + "\n")
        let records = bench.finish()
        #expect(records.compactMap(TestEvents.number) == [1, 2, 3])
        #expect(bench.counts().cut == (more > 0 ? 2 : 1))
        #expect(records.allSatisfy { $0.utf8.count <= 1 << 18 })
    }

    @Test func `a stream's end and a new stream begin a line anew`() {
        let bench = StreamsBench()
        bench.take("\(Self.foreign)x", [.lineBreak: "eof"])
        bench.take(TestEvents.line(1))
        bench.take("\(Self.foreign)x", [.lineBreak: "line-max"])
        bench.take(TestEvents.line(2), [.streamID: "00000000000000000000000000000001"])
        #expect(bench.numbers() == [1, 2])
    }

    @Test func `what a process writes after another one broke into its line is the rest of that`() {
        let bench = StreamsBench()
        bench.take("\(Self.foreign)x", [.lineBreak: "pid-change", .processID: "7"])
        bench.take(TestEvents.line(1), [.processID: "8"])
        bench.take(TestEvents.line(2), [.processID: "7"])
        bench.take(TestEvents.line(3), [.processID: "7"])
        #expect(bench.numbers() == [1, 3])
        #expect(bench.counts().malformed == ["continuation": 1])
    }

    @Test func `a line break of a later systemd is not trusted`() {
        let bench = StreamsBench()
        bench.take("x", [.lineBreak: "new-kind"])
        bench.take(TestEvents.line(1))
        bench.take(TestEvents.line(2))
        #expect(bench.numbers() == [2])
    }

    @Test func `a message of several lines is one entry and its block`() {
        let bench = StreamsBench()
        bench.take("\(Self.foreign)\n\(TestEvents.line(1))\n\(Self.human(2))\n    \(Self.human(3))")
        bench.take(Self.block(4, ["one", "two"]))
        bench.take(Self.human(5))
        #expect(bench.numbers() == [4, 5])
        #expect(bench.counts().malformed == ["line_feed": 2])
    }

    @Test func `dropped messages are told, and what comes next may be a rest`() {
        for (text, expected) in [(Self.human(1), [4]), (TestEvents.line(1), [2, 4])] {
            let bench = StreamsBench()
            bench.take(text.replacing(TestEvents.id(1), with: TestEvents.id(9)))
            #expect(bench.numbers() == [9])
            bench.batch = EventBatch()
            bench.notice(dropped: 82_501)
            #expect(bench.streams.takeSuppressed() == 82_501)
            bench.take(TestEvents.line(2))
            bench.take(TestEvents.line(4))
            #expect(bench.numbers() == expected)
            #expect(bench.counts().malformed["suppressed"] == 82_501)
        }
    }

    @Test func `the same event in a second format and a second stream comes once`() {
        let bench = StreamsBench()
        bench.take(TestEvents.line(1))
        bench.take(Self.human(1), [.streamID: "00000000000000000000000000000001"])
        #expect(bench.numbers() == [1])
        #expect(bench.counts().duplicates == 1)
    }

    @Test func `an open line keeps the entries from its first piece on undone, and no others`() {
        let bench = StreamsBench()
        bench.take(TestEvents.line(1))
        bench.take(String(TestEvents.line(2, bytes: 60_000).prefix(Self.lineMax)), [.lineBreak: "line-max"])
        bench.streams.endRun(&bench.batch)
        #expect(bench.streams.oldestUndone == 1)
        bench.take(String(TestEvents.line(2, bytes: 60_000).dropFirst(Self.lineMax)))
        bench.streams.endRun(&bench.batch)
        #expect(bench.streams.oldestUndone == nil)
        #expect(bench.streams.lastEvent == 2)
    }

    @Test func `a stream that is passed over is so as of the entries in between, and no others`() {
        let bench = StreamsBench()
        bench.take(TestEvents.line(1))
        bench.take("x", [.lineBreak: "nul"])
        bench.take("y", [.lineBreak: "nul"])
        bench.take("z")
        let passed = (0..<4).map { bench.streams.interruptions.asOf($0).count }
        #expect(passed == [0, 1, 1, 0])
    }

    @Test func `streams that ended are forgotten`() {
        let bench = StreamsBench()
        for number in 0..<1000 {
            let id = String(number, radix: 16)
            bench.take("x", [.streamID: String(repeating: "0", count: 32 - id.count) + id, .lineBreak: "nul"])
            bench.streams.endRun(&bench.batch)
        }
        #expect(bench.streams.streams.count <= 256)
        #expect(bench.streams.interruptions.asOf(999).count <= 256)
    }

    // MARK: Containers

    private func part(_ line: String?, _ ordinal: Int, isLast: Bool, _ container: String = "0123456789ab")
        -> [JournalField:
        String]
    {
        var fields: [JournalField: String] = [.containerID: container, .priority: "3"]
        if let line {
            fields[.partialID] = line
            fields[.partialOrdinal] = "\(ordinal)"
        }
        if !isLast { fields[.partial] = "true" }
        return fields
    }

    @Test func `parts of a container's line are put together, by their numbers`() {
        let bench = StreamsBench(hasContainers: true)
        let line = TestEvents.line(1, bytes: 40_000)
        let pieces = [line.prefix(16_384), line.dropFirst(16_384).prefix(16_384), line.dropFirst(32_768)].map(
            String.init)
        for (ordinal, piece) in pieces.enumerated() {
            bench.take(piece, part("id", ordinal + 1, isLast: ordinal == 2))
            bench.take(TestEvents.line(2 + ordinal), [.containerID: "other", .priority: "3"])
        }
        // Older ones give no numbers.
        for (ordinal, piece) in pieces.enumerated() {
            bench.take(piece.replacing(TestEvents.id(1), with: TestEvents.id(9)), part(nil, 0, isLast: ordinal == 2))
        }
        bench.take(TestEvents.line(10) + "\r", part(nil, 0, isLast: true))
        #expect(Set(bench.numbers()) == [1, 2, 3, 4, 9, 10])
        #expect(bench.counts().malformed.isEmpty)
    }

    @Test func `a container's line of which a part is missing is passed over and told`() {
        for missing in 1...3 {
            let bench = StreamsBench(hasContainers: true)
            for ordinal in 1...3 where ordinal != missing {
                bench.take(TestEvents.line(ordinal), part("id", ordinal, isLast: ordinal == 3))
            }
            bench.take(TestEvents.line(4), part(nil, 0, isLast: true))
            #expect(bench.numbers() == [4])
            #expect(bench.counts().malformed["unfinished"] == 1)
        }
    }
}
