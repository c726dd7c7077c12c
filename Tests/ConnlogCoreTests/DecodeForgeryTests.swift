import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// An entry begins at column 0 or after a prefix of the closed list, and nowhere else.
@Suite struct DecodeForgeryTests {
    private static let human =
        "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=a  Type=ssh  ConnectionStatus=connected"
    private static let json = TestEvents.line(1)
    private static let other = "2025-07-03 06:57:16.157 [info]  coderd: something else  a=b ..."

    static let prefixes = [
        "[API] ", "[my_runner-2] ".uppercased(), "[pod/coder-6f7c/coder] ",
        "[pod/coder-0/coder] 2026-09-08T01:19:09.357Z ",
        "coder-1  | ", "coder | ", "coder-1  | 2026-09-08T01:19:09.357Z ", "2026-09-08T01:19:09.357Z ",
        "2026-09-08T01:19:09+02:00 ", "Nov 29 13:24:15 host coder[812]: ", "Nov  5 13:24:15 host coder: ",
        "Nov 29 13:24:15.915910 coder[812]: ", "2026-11-29T13:24:15.634625+00:00 host coder[812]: ",
        "2026-11-29T13:24:15+0000 10.0.0.1 coder[812]: ", "Sun 2026-11-29 13:24:06 UTC host coder.service[812]: ",
        "1795958646.915910 host coder[812]: ", "[ 4809.880142] host coder[812]: ", "[14809.880142] coder[812]: ",
        "<13>1 2026-11-29T13:24:15.634625+00:00 host coder 812 - - ",
        "<13>1 2026-11-29T13:24:15.634625+00:00 host coder 812 - -  ",
        "<13>1 - host coder 812 - [a b=\"c ] \\\" d\"][e] \u{feff}", "<14>", "<14>Nov 29 13:24:15 host coder[812]: ",
        "2026-09-08T01:19:09.357Z {app=\"coder\", pod=\"a b\"} ",
    ]

    @Test(arguments: prefixes) func `an entry after a prefix is taken, human and JSON alike`(prefix: String) {
        #expect(DecodeRun(prefix + DecodeForgeryTests.human + "\n").counts.slogHuman == 1)
        #expect(DecodeRun(prefix + DecodeForgeryTests.json + "\n").records == [DecodeForgeryTests.json])
        #expect(DecodeRun(prefix + Vectors.json[22] + "\n").counts.auditLog == 1)
    }

    @Test(arguments: prefixes) func `one blank more, or a word, makes it text`(prefix: String) {
        for between in ["  ", "x ", "x: ", "- ", "\t"] {
            // After a time that is a tag, as journalctl writes it without host names.
            if between == "x: ", prefix.first == "2", prefix.contains("T"), !prefix.dropLast().contains(" ") {
                continue
            }
            for entry in [DecodeForgeryTests.human, DecodeForgeryTests.json] {
                let run = DecodeRun(prefix + between + entry + "\n")
                #expect(run.counts.events == 0, "\(prefix + between)")
                #expect(run.counts.unreadMentions == 1, "\(prefix + between)")
            }
        }
        for entry in [DecodeForgeryTests.human, DecodeForgeryTests.json] {
            #expect(DecodeRun(" " + prefix + entry + "\n").counts.events == 0)
        }
    }

    @Test(arguments: prefixes) func `a block is its entry's, whatever it holds and whichever entry it is`(
        prefix: String
    ) {
        for entry in [DecodeForgeryTests.human, DecodeForgeryTests.json] {
            for indent in ["    ", "     ", "        ", "    text = "] {
                let block = "\(prefix)\(indent)\(entry)\n\(prefix)\n\(prefix)\(indent)\(entry)\n"
                let foreign = DecodeRun(prefix + DecodeForgeryTests.other + "\n" + block)
                #expect(foreign.counts.events == 0, "\(prefix + indent)")
                #expect(foreign.counts.unreadMentions == 0, "\(prefix + indent)")
                let alone = DecodeRun(block)
                #expect(alone.counts.events == 0, "\(prefix + indent)")
                let own = DecodeRun(prefix + DecodeForgeryTests.human + " ...\n\(prefix)    r= a\n" + block)
                #expect(own.counts.events == 1, "\(prefix + indent)")
                #expect(own.records.first?.contains(#""r":"a\n"#) == true, "\(prefix + indent)")
            }
        }
    }

    @Test(arguments: [
        "time", "2026-09-08 ", "[api] ", "[API]", "[pod/x] ", "coder-1 |", "| ", "  | ", "coder-1| ", "a b | ",
        "<13>1 ",
        "2026-09-08T01:19:09.357Z coder-1  | ", "2026-09-08T01:19:09.357Z [pod/a/b] ", "[API] [API] ",
        "coder | coder | ",
        "Nov 29 13:24:15 a b c: ", "[API] 2026-09-08T01:19:09.357Z ", "2026-09-08T01:19:09.357Z {app=coder} ",
        "pod container ",
        "level=info msg=", "\"", "[", "Nov 5 13:24:15 host coder: ", "Foo 29 13:24:15 host coder: ", "\u{a0}", "\t",
    ])
    func `what is not on the list is no prefix`(prefix: String) {
        for entry in [DecodeForgeryTests.human, DecodeForgeryTests.json] {
            #expect(DecodeRun(prefix + entry + "\n").counts.events == 0)
        }
    }

    @Test func `a block goes on with the same origin only, though process id and time change`() {
        func run(_ first: String, _ second: String) -> String? {
            DecodeRun(first + DecodeForgeryTests.human + " ...\n" + second + "    r= one\n").records.first
        }
        let syslog = "Nov 29 13:24:15 host coder[812]: "
        #expect(run(syslog, "Nov 29 13:24:16 host coder[9]: ")?.contains(#""r":"one""#) == true)
        #expect(run(syslog, "Nov 29 13:24:15 host other[812]: ")?.contains("\"r\"") == false)
        #expect(run("coder-1  | ", "db-1     | ")?.contains("\"r\"") == false)
        #expect(run("coder-1  | ", "")?.contains("\"r\"") == false)
        let structured = "<13>1 2026-11-29T13:24:15+00:00 host coder 812 - -  "
        #expect(run(structured, structured)?.contains(#""r":"one""#) == true)
    }

    @Test func `colours that rsyslog wrote out are taken off after its header only`() {
        let coloured = DecodeForgeryTests.human.replacing("ID", with: "#033[36mID#033[0m")
        let run = DecodeRun("Nov 29 13:24:15 host coder[812]: " + coloured + "\n")
        #expect(run.records.first?.contains(#""ID":"a""#) == true)
        #expect(DecodeRun(coloured + "\n").records.first?.contains("#033") == true)
    }

    @Test func `what containers wrap is judged like any line, and only a value's first line begins an entry`() {
        let time = "2025-07-03T05:09:41.929840747Z"
        for entry in [DecodeForgeryTests.human, DecodeForgeryTests.json] {
            var escaped = ByteBuffer()
            JSONText.escape(entry, into: &escaped)
            func docker(_ log: String) -> String { #"{"log":"\#(log)","stream":"stderr","time":"\#(time)"}"# + "\n" }
            #expect(DecodeRun(docker(escaped.text + "\\n")).counts.events == 1)
            #expect(DecodeRun(docker("    " + escaped.text + "\\n")).counts.events == 0)
            #expect(DecodeRun(docker("text\\n" + escaped.text + "\\n")).counts.events == 0)
            #expect(DecodeRun("\(time) stderr F \(entry)\n").counts.events == 1)
            #expect(DecodeRun("\(time) stderr F     \(entry)\n").counts.events == 0)
            #expect(DecodeRun("\(time) stderr F text \(entry)\n").counts.events == 0)
            let moved = #"{"stream":"stderr","time":"\#(time)","log":"\#(escaped.text)\n"}"# + "\n"
            #expect(DecodeRun(moved).counts.events == 1)
            let own =
                #"{"stream":"stderr","time":"\#(time)","log":"\#(escaped.text)\n","msg":"m","ts":"\#(time)"}"# + "\n"
            #expect(DecodeRun(own).counts.events == 0)
        }
        let entryWithBlock =
            #"{"log":"\#(DecodeForgeryTests.human) ...\n    r= one\n       two\n","stream":"stderr","time":"\#(time)"}"#
        let run = DecodeRun(entryWithBlock + "\n")
        #expect(run.records.first?.contains(#""r":"one\ntwo""#) == true)
    }

    @Test func `a record has no line feed, whatever stands between its tokens`() {
        let spaced = DecodeForgeryTests.json.replacing(",\"level\"", with: ",\\n\"level\"").replacing(
            "\"", with: "\\\""
        )
        .replacing("\\\\", with: "\\")
        let run = DecodeRun(#"{"log":"\#(spaced)\n","stream":"stderr","time":"2025-07-03T05:09:41Z"}"# + "\n")
        #expect(run.records.count == 1)
        #expect(run.records.allSatisfy { !$0.contains("\n") })
    }

    @Test func `what follows a part of a human line is never a beginning, whatever it looks like`() {
        let time = "2025-07-03T05:09:41.929840747Z"
        for entry in [DecodeForgeryTests.human, DecodeForgeryTests.json] {
            let text = """
                \(time) stderr P 2025-07-03 06:57:16.157 [info]  coderd: text of somebody
                \(time) stderr F \(entry)
                \(time) stdout P text of somebody
                \(time) stdout P \(entry)
                \(time) stdout F \(entry)

                """
            #expect(DecodeRun(text).counts.events == 0)
        }
        // An object inside a JSON line that a part begins with is a value, and no entry.
        let nested = #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"x","fields":{"payload":"#
        #expect(
            DecodeRun("\(time) stderr P \(nested)\n\(time) stderr F \(DecodeForgeryTests.json)}}\n").counts.events == 0)
        #expect(
            DecodeRun(
                "\(time) stderr P \(nested)\n\(time) stderr P \(DecodeForgeryTests.json)\n\(time) stderr F }}\n"
            ).counts.events == 0)
    }

    @Test func `a part whose last one never came costs its line and no other`() {
        let time = "2025-07-03T05:09:41.929840747Z"
        let (one, two) = (TestEvents.line(1), TestEvents.line(2))
        let run = DecodeRun("\(time) stderr P \(one.prefix(300))\n\(time) stderr F \(two)\n")
        #expect(run.records == [two])
        #expect(run.counts.malformed == [.unfinished: 1])
        #expect(run.counts.samples.first?.line == 1)
        let parts = DecodeRun(
            "\(time) stderr P \(one.prefix(300))\n\(time) stderr P \(two.prefix(200))\n\(time) stderr F \(two.dropFirst(200))\n"
        )
        #expect(parts.records == [two])
        #expect(parts.counts.malformed == [.unfinished: 1])
    }

    private static let said = "2025-07-03 06:57:16.157 [info]  coderd: said "

    private static func docker(_ log: String, isPart: Bool = false) -> String {
        var escaped = ByteBuffer()
        JSONText.escape(log, into: &escaped)
        return #"{"log":"\#(escaped.text)\#(isPart ? "" : "\\n")","stream":"stderr","time":"2025-07-03T05:09:41Z"}"#
    }

    private static func cri(_ content: String, _ tag: String = "F", second: String = "41.929840747") -> String {
        "2025-07-03T05:09:\(second)Z stderr \(tag) \(content)"
    }

    @Test(arguments: [human, json]) func `a part longer than a line may be is lost with its rest, which begins nothing`(
        entry: String
    ) {
        for length in [999, 1000, 1001, 1200, 5000, 100_000] {
            for filling in ["x", "x ", "{\"", "\\\""] {
                let part = DecodeForgeryTests.cri("x" + String(repeating: filling, count: length), "P").prefix(length)
                let log = "\(part)\n\(DecodeForgeryTests.cri(entry))\n\(DecodeForgeryTests.cri(TestEvents.line(2)))\n"
                for pieces in [[], (0..<400).map { _ in 300 }] {
                    let run = DecodeRun(log, maxLine: 1000, pieces: pieces)
                    #expect(run.records == [TestEvents.line(2)], "\(length) \(filling)")
                }
            }
        }
    }

    @Test(arguments: [human, json]) func `after a damaged line of Docker's the rest of somebody's text is no entry`(
        entry: String
    ) {
        let part = DecodeForgeryTests.docker("text of somebody ", isPart: true)
        let begun = DecodeForgeryTests.docker(DecodeForgeryTests.said)
        for length in 1..<begun.count {
            for middle in [part, ""] {
                let log = begun.prefix(length) + middle + "\n" + DecodeForgeryTests.docker(entry) + "\n"
                let run = DecodeRun(log + DecodeForgeryTests.docker(TestEvents.line(2)) + "\n")
                #expect(run.records == [TestEvents.line(2)], "\(length)")
            }
        }
    }

    @Test func `a part of a message on the line of a damaged part of JSON is known for one`() {
        let begun = #"{"ts":"2025-07-03T06:57:16.157Z","level":"INFO","msg":"x","fields":{"a":""#
        let first = DecodeForgeryTests.docker(begun, isPart: true)
        let second = DecodeForgeryTests.docker("b\"}}").prefix(30)
        let part = DecodeForgeryTests.docker(DecodeForgeryTests.said, isPart: true)
        let log = "\(first)\n\(second)\(part)\n" + DecodeForgeryTests.docker(DecodeForgeryTests.json) + "\n"
        let run = DecodeRun(log + DecodeForgeryTests.docker(TestEvents.line(2)) + "\n")
        #expect(run.records == [TestEvents.line(2)])
    }

    @Test(arguments: [human, json]) func `after a tear that may have swallowed a part its rest is no entry`(
        entry: String
    ) {
        let part = DecodeForgeryTests.cri(DecodeForgeryTests.said + "something", "P")
        for torn in [DecodeForgeryTests.said, DecodeForgeryTests.human, DecodeForgeryTests.json] {
            let line = DecodeForgeryTests.cri(torn)
            for length in 1..<line.count {
                let log = "\(line.prefix(length))\(part)\n\(DecodeForgeryTests.cri(entry))\n"
                let run = DecodeRun(log + DecodeForgeryTests.cri(TestEvents.line(2)) + "\n")
                #expect(run.records.last == TestEvents.line(2))
                #expect(!run.records.dropLast().contains { TestEvents.number($0) == 1 || $0.contains(#""ID":"a""#) })
            }
        }
    }

    @Test func `text that looks like a swallowed part costs nothing, unless its time is that of the line`() {
        let (one, two) = (TestEvents.line(1), TestEvents.line(2))
        func count(_ second: String, _ entry: String) -> Int {
            let text = entry.replacing("Type=ssh", with: "Type=\"ssh\"")
                .replacing("ssh", with: DecodeForgeryTests.cri("x", "P", second: second))
            let log =
                DecodeForgeryTests.cri(text, second: "41.5") + "\n" + DecodeForgeryTests.cri(one, second: "41.6") + "\n"
                + DecodeForgeryTests.cri(two, second: "41.7") + "\n"
            return DecodeRun(log).counts.events
        }
        for second in ["41.4", "41.61", "59"] { #expect(count(second, DecodeForgeryTests.human) == 3) }
        #expect(count("41.55", DecodeForgeryTests.human) == 2)
        // Where nothing but JSON is written a whole line says that there is no tear in it.
        for second in ["41.4", "41.5", "41.55", "59"] { #expect(count(second, DecodeForgeryTests.json) == 3) }
    }

    @Test func `human text that ends a torn JSON string cannot make an event of it`() {
        let rest = #"","msg":"connection_log","fields":{"ID":"a","Type":"ssh","ConnectionStatus":"connected"}}"#
        let head = #"{"ts":"2025-07-03T06:57:16.157Z","#
        for (torn, close) in [(#""level":"INFO","msg":"x"#, ""), (#""le"#, #"":1,"level":"INFO"#)] {
            let run = DecodeRun(head + torn + DecodeForgeryTests.said + close + rest + "\n\(DecodeForgeryTests.json)\n")
            #expect(run.records == [DecodeForgeryTests.json])
            #expect(run.counts.unreadMentions == 1)
        }
    }

    @Test(arguments: [
        #"{"connlog":"checkpoint","ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log","fields":{"ID":"a"}}"#,
        #"{ "connlog" : "checkpoint","msg":"connection_log","fields":{}}"#,
        #"{"connlo\u0067":"checkp\u006fint","msg":"connection_log","fields":{}}"#,
    ])
    func `a mark that only connlog writes is taken from nobody`(line: String) {
        for prefix in ["", "[API] "] {
            let run = DecodeRun(prefix + line + "\n")
            #expect(run.records.isEmpty)
            #expect(run.counts.malformed == [.mark: 1])
        }
    }

    @Test func `lines that mention an event and are none are counted apart and told`() {
        let lines = [
            "(\(TestEvents.line(1)))", #"{"message":"connection_log","x":1}"#, "  \(TestEvents.line(1))",
            "x connection_log",
            "2025-07-03 06:57:16.157 [info]  coderd: another  a=connection_log",
            #"{"ts":"a","msg":"x","fields":{"a":"connection_log"}}"#,
        ]
        let run = DecodeRun(lines.joined(separator: "\n") + "\n")
        #expect(run.counts.other == 6)
        #expect(run.counts.unreadMentions == 4)
        #expect(run.counts.samples.map(\.line) == [1, 2, 3, 4])
        #expect(run.counts.samples.map(\.fault.reason) == [.mention, .mention, .mention, .mention])
    }

    @Test func `what is told of a line ends where an event's values begin, and commands no terminal`() {
        let event = #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log","fields":{"Ip":"192.0.2.1"}"#
        #expect(
            DecodeRun(event + "\n").counts.samples.first?.text
                == #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log",…"#)
        #expect(
            DecodeRun(DecodeForgeryTests.human + "  x\n").counts.samples.first?.text
                == "2025-07-03 06:57:16.157 [info]  coderd: connection_log…")
        #expect(
            DecodeRun("\u{1b}]0;a\u{7}\u{9b}1m\u{202e}\u{2028}\u{feff}é connection_log x\n").counts.samples.first?.text
                == #"\x1b]0;a\x07\x9b1m\u{202e}\u{2028}\u{feff}é connection_log…"#)
    }
}
