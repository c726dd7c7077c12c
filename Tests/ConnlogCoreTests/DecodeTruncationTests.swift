import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Lines longer than a line may be.
@Suite struct DecodeTruncationTests {
    private static let maxLine = 2000
    private static let fillers = ["x", "\\u003c", "\\\"", "\\\\", "é", "€", "😀", "\\ud83d\\ude00", "\\u003cé😀\\n"]

    /// An event of so many bytes, because one of its fields is long.
    private func event(_ bytes: Int, field: String, filler: String) -> String {
        let short = TestEvents.line(7, type: "workspace_app").replacing(#""Code":null,"#, with: "")
        guard let key = short.firstRange(of: "\"\(field)\":\"") else { return short }
        var end = key.upperBound
        while short[end] != "\"" { end = short.index(after: end) }
        let room = bytes - short.utf8.count + short[key.upperBound..<end].utf8.count
        let value =
            String(repeating: filler, count: max(0, room) / filler.utf8.count)
            + String(repeating: "y", count: max(0, room) % filler.utf8.count)
        return short.replacingCharacters(key.upperBound..<end, with: value)
    }

    @Test(arguments: [-1, 0, 1, 2, 100, maxLine, 99 * maxLine])
    func `an event is kept whatever its length, and only what is too long is cut`(more: Int) {
        let bytes = DecodeTruncationTests.maxLine + more
        for field in ["UserAgent", "DisconnectReason", "WorkspaceName", "ConnectionStatus", "caller", "ts"] {
            for filler in DecodeTruncationTests.fillers {
                check(event(bytes, field: field, filler: filler), bytes, "\(field) of \(filler)")
            }
        }
    }

    private func check(_ line: String, _ bytes: Int, _ what: String) {
        #expect(line.utf8.count == bytes)
        let text = Array("\(Vectors.json[0])\n\(line)\n\(Vectors.json[1])\n".utf8)
        let whole = DecodeRun(text, maxLine: DecodeTruncationTests.maxLine)
        #expect(whole.records.count == 3, "\(what)")
        guard whole.records.count == 3 else { return }
        let record = whole.records[1]
        let isCut = bytes > DecodeTruncationTests.maxLine
        #expect(whole.counts.truncated == (isCut ? 1 : 0), "\(what)")
        #expect(isCut || record == line, "\(what)")
        #expect(record.hasSuffix(#""truncated":true}}"#) == isCut, "\(what)")
        #expect(record.utf8.count <= DecodeTruncationTests.maxLine, "\(what)")
        // As little as it takes: an escape, a character and the mark.
        #expect(!isCut || record.utf8.count > DecodeTruncationTests.maxLine - 40, "\(what)")
        #expect(TestEvents.number(record) == 7)
        #expect(ConnectionEvent(line: record) != nil)
        #expect(!record.contains("\u{fffd}") && SlowJSON.accepts(Array(record.utf8)), "\(what)")
        for pieces in [[1500, 1500, 700], (0..<200).map { _ in 613 }] {
            let run = DecodeRun(text, maxLine: DecodeTruncationTests.maxLine, pieces: pieces)
            #expect(run.records == whole.records, "\(what)")
            #expect(run.counts.truncated == whole.counts.truncated)
        }
    }

    @Test(arguments: [0, 1, 2000, 50_000]) func `after a prefix, in a container, in text: kept too`(more: Int) {
        let line = event(DecodeTruncationTests.maxLine + more + 1, field: "UserAgent", filler: "x")
        let time = "2025-07-03T05:09:41.929840747Z"
        let human = "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=\(TestEvents.id(7))  UserAgent="
        let tail = "  ConnectionStatus=connected"
        let filler = String(repeating: "v", count: DecodeTruncationTests.maxLine + more)
        let escaped = line.replacing("\"", with: "\\\"")
        let parts = stride(from: 0, to: line.count, by: 500).map { start in
            let part = line.dropFirst(start).prefix(500)
            return "\(time) stderr \(start + 500 < line.count ? "P" : "F") \(part)\n"
        }
        let inputs = [
            "coder-1  | \(line)\n", "\(time) stderr F \(line)\n", parts.joined(),
            #"{"log":"\#(escaped)\n","stream":"stderr","time":"\#(time)"}"# + "\n", human + filler + tail + "\n",
            human + "\"a \(filler)\"" + tail + "\n", human + "x" + tail + " ...\n    r= \(filler)\n",
            Vectors.json[23].replacing(#""UserAgent":"""#, with: #""UserAgent":"\#(filler)""#) + "\n",
        ]
        for (number, input) in inputs.enumerated() {
            // Docker's wrapping is read at once, and has room for what it escapes.
            if number == 3, input.utf8.count > 2 * DecodeTruncationTests.maxLine + 1 << 16 { continue }
            for pieces in [[], [900, 4000], (0..<500).map { _ in 977 }] {
                let run = DecodeRun(
                    Array((input + Vectors.json[1] + "\n").utf8), maxLine: DecodeTruncationTests.maxLine, pieces: pieces
                )
                #expect(run.records.count == 2, "input \(number)")
                #expect(run.records.first?.contains(#""truncated":true"#) == true, "input \(number)")
                #expect(run.records.allSatisfy { $0.utf8.count <= DecodeTruncationTests.maxLine }, "input \(number)")
                #expect(run.records.last == Vectors.json[1])
            }
        }
    }

    @Test func `text that grows when it is escaped is cut, too`() {
        let value = String(repeating: "<", count: 1500)
        let run = DecodeRun(
            "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=a  UserAgent=\(value)  ConnectionStatus=connected\n",
            maxLine: DecodeTruncationTests.maxLine)
        #expect(run.records.count == 1)
        #expect(run.records.allSatisfy { $0.utf8.count <= DecodeTruncationTests.maxLine })
        #expect(run.counts.truncated == 1)
    }

    @Test func `many long values are cut alike, and short ones never`() {
        let members = (0..<40).map { "\"k\($0)\":\"" + String(repeating: "z", count: 100 + 50 * $0) + "\"" }
        let line = TestEvents.line(7).replacing(#""Code":null"#, with: members.joined(separator: ","))
        let run = DecodeRun(line + "\n", maxLine: 4600)
        #expect(run.records.count == 1)
        #expect(run.records.first.map { $0.utf8.count > 4500 && $0.utf8.count <= 4600 } == true)
        #expect(TestEvents.number(run.records.first ?? "") == 7)
    }

    @Test func `a line that is read as it comes takes little memory`() {
        var decoder = EventDecoder(maxLine: 1000)
        let head = TestEvents.line(7).replacing(#""UserAgent":"""#, with: "\"UserAgent\":\"")
        let split = head.firstRange(of: "\"UserAgent\":\"")?.upperBound ?? head.endIndex
        var batch = EventBatch()
        var rest: [UInt8] = Array(head[..<split].utf8)
        for _ in 0..<1000 {
            batch.removeAll()
            batch.bytes.append(contentsOf: rest + [UInt8](repeating: 0x78, count: 1000))
            let input = 0..<batch.bytes.count
            let consumed = decoder.decode(input, in: &batch, isEnd: false)
            rest = Array(batch.bytes.array[consumed..<input.upperBound])
            #expect(rest.count <= 2000)
        }
        #expect(decoder.restartDistance > 900_000)
        batch.removeAll()
        batch.bytes.append(contentsOf: rest + Array("\"\(head[split...].dropFirst())\n".utf8))
        _ = decoder.decode(0..<batch.bytes.count, in: &batch, isEnd: false)
        #expect(decoder.restartDistance == 0)
    }
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
