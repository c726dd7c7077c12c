import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// What power cuts, full disks and other programs leave in a log.
@Suite struct DecodeDamageTests {
    private let one = TestEvents.line(1)
    private let two = TestEvents.line(2)
    private let three = TestEvents.line(3)
    private func human(_ number: Int) -> String {
        "2025-07-03 06:57:16.\(100 + number) [info]  coderd: connection_log  ID=\(TestEvents.id(number))  WorkspaceName=dev  UserAgent=\"a b\"  ConnectionStatus=connected"
    }

    @Test func `a byte order mark is no part of the first line`() {
        #expect(DecodeRun("\u{feff}\(one)\n\(two)\n").records == [one, two])
        #expect(DecodeRun("\u{feff}\(human(1))\n").counts.slogHuman == 1)
    }

    @Test(arguments: [1, 2, 512, 999, 1000, 1001, 5000, 100_000])
    func `a hole of NULs is passed over, whatever its size`(length: Int) {
        let hole = String(repeating: "\0", count: length)
        let text = Array("\(one)\n\(hole)\(two)\n\(hole)\u{feff}\(human(3))\n".utf8)
        for pieces in [[], [700, 300, 300], (0..<40).map { _ in 97 }] {
            let run = DecodeRun(text, maxLine: 1000, pieces: pieces)
            #expect(run.records.count == 3)
            #expect(run.counts.slogHuman == 1)
            #expect(run.counts.lines == 3)
            #expect(run.counts.bytes == text.count)
            #expect(run.counts.truncated == 0)
        }
    }

    @Test func `lines in UTF-16 are told`() {
        for isBig in [false, true] {
            var bytes: [UInt8] = isBig ? [0xfe, 0xff] : [0xff, 0xfe]
            for unit in "\(one)\n\(human(2))\n".utf16 {
                let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xff))
                bytes += isBig ? [high, low] : [low, high]
            }
            let run = DecodeRun(bytes)
            #expect(run.counts.events == 0)
            #expect(run.counts.malformed == [.utf16: 2])
        }
    }

    @Test func `whatever the place where a JSON line is torn, the next entry is taken`() {
        var lost: [Int] = []
        for length in 1..<one.utf8.count {
            let run = DecodeRun("\(one.prefix(length))\(two)\n\(three)\n")
            #expect(run.records.last == three)
            #expect(run.counts.malformed.values.reduce(0, +) == 1, "torn at \(length)")
            if run.records != [two, three] { lost.append(length) }
        }
        // Where a value may stand, an object is one: it could be somebody's text.
        #expect(lost.allSatisfy { ":[{,".contains(one.prefix($0).last ?? " ") }, "\(lost)")
        let hole = DecodeRun("\(one.prefix(300))\0\0\0\(two)\n")
        #expect(hole.records == [two])
        for prefix in ["coder-1  | ", "2026-09-08T01:19:09.357Z ", "2025-07-03T05:09:41.929840747Z stderr F "] {
            let run = DecodeRun("\(prefix)\(one.prefix(110))\(prefix)\(two)\n")
            #expect(run.records == [two], "\(prefix)")
        }
    }

    @Test func `entries that stand on one line are all taken, up to a limit`() {
        #expect(DecodeRun(one + two + "\n").records == [one, two])
        #expect(DecodeRun(one + " " + two + three + "\n").records == [one, two, three])
        let many = DecodeRun(String(repeating: one, count: 100) + "\n\(two)\n")
        #expect(many.records.count == 17)
        #expect(many.counts.malformed == [.trailingBytes: 1])
    }

    @Test func `a torn line of Docker's is told, and the next is taken`() {
        func docker(_ line: String) -> String {
            #"{"log":"\#(line.replacing("\"", with: "\\\""))\n","stream":"stderr","time":"2025-07-03T05:09:41Z"}"#
        }
        for length in [9, 20, 200, 400] {
            let run = DecodeRun("\(docker(one).prefix(length))\(docker(two))\n\(docker(three))\n")
            #expect(run.records == [two, three], "\(length)")
            #expect(run.counts.malformed.values.reduce(0, +) == 1)
        }
    }

    @Test func `after a torn human entry the next is taken, unless a quote is open`() {
        let event = human(1)
        let quoted =
            event.firstRange(of: "\"a b\"").map { event.distance(from: event.startIndex, to: $0.lowerBound) } ?? 0
        let start = event.firstRange(of: "  ID=").map { event.distance(from: event.startIndex, to: $0.lowerBound) } ?? 0
        for length in (start + 5)...quoted {
            let run = DecodeRun("\(event.prefix(length))\(human(2))\n")
            #expect(run.counts.slogHuman == 1, "torn at \(length): \(event.prefix(length))")
        }
        for length in (quoted + 1)..<(quoted + 4) {
            let run = DecodeRun("\(event.prefix(length))\(human(2))\n\(human(3))\n")
            #expect(run.counts.slogHuman == 1)
            #expect(run.counts.malformed == [.badHumanLine: 1])
        }
    }

    @Test(arguments: ["", "x ", "\\n", "\\\" "]) func `text inside a value of a torn entry is never an event`(
        before: String
    ) {
        let forged = #"2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=forged  ConnectionStatus=connected"#
        let event = human(1).replacing("a b", with: before + forged)
        for length in 60...event.count {
            for tail in ["", human(2), three, "2025-07-03 06:57:16.157 [info]  other"] {
                let run = DecodeRun("\(event.prefix(length))\(tail)\n")
                #expect(run.records.allSatisfy { !$0.contains(#""ID":"forged""#) }, "\(length) \(tail)")
            }
        }
        var escaped = ByteBuffer()
        JSONText.escape(TestEvents.line(66), into: &escaped)
        let inString = one.replacing(#""UserAgent":"""#, with: #""UserAgent":"\#(escaped.text)""#)
        let inObject = one.replacing("\"connection_log\"", with: "\"other\"")
            .replacing(#""Code":null"#, with: #""Code":[\#(TestEvents.line(66)),{"a":\#(TestEvents.line(66))}]"#)
        for line in [inString, inObject] {
            for length in 1...line.utf8.count {
                for tail in ["", two, "\0\0", "\"", "}}"] {
                    let run = DecodeRun("\(line.prefix(length))\(tail)\n")
                    #expect(
                        run.records.allSatisfy { TestEvents.number($0) != 66 || $0.contains(#""Code":["#) },
                        "\(length) \(tail)")
                }
            }
        }
    }

    @Test func `two human entries that ran together are no event`() {
        let forged = "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=forged  ConnectionStatus=connected"
        for between in [" ...", " ", " \(forged)"] {
            let line = "\(human(1).replacing("b\"", with: ""))\(human(2).replacing("a b", with: "\(between)\(forged)"))"
            let run = DecodeRun(line + "\n\(human(3))\n")
            #expect(run.counts.events == 1)
            #expect(run.records.allSatisfy { TestEvents.number($0) == 3 })
        }
    }
}
