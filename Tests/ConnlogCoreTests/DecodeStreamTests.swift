import ConnlogSystem
import Foundation
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Streams as they come: mixed, cut anywhere, wrapped, damaged, unfinished.
@Suite struct DecodeStreamTests {
    /// Everything that coderd may write, with its other lines in between.
    var mixed: String {
        var lines = Vectors.json
        lines += Vectors.human
        lines.append("2023-06-13 03:43:29.233 [info]  coderd: audit_log  ID=95f7c392  Ip=<nil>  Diff=\"{}\"")
        lines.append("2026-03-03 07:10:00.000 [warn]  coderd: connection_log flush failed  error=\"x\"")
        lines.append("2026-03-03 07:10:00.000 [info]  msg ...\n    field= line1\n           line2")
        lines += [
            "", "goroutine 1 [running]:", #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"other","fields":{}}"#,
        ]
        lines += [Vectors.human[5], Vectors.human[5], #"{"broken":"#, Vectors.human[7]]
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func `a mixed stream is told apart line by line`() {
        let run = DecodeRun(mixed)
        #expect(run.counts.slogJSON == 22)
        // J24 is J1 again, and H1 to H8 share ids with some of the JSON lines.
        #expect(run.counts.stackdriver == 0)
        #expect(run.counts.events == run.records.count)
        #expect(run.counts.auditLog == 2)
        #expect(run.counts.malformed == [.truncated: 1])
        #expect(run.counts.other == 7)
        #expect(run.rest.isEmpty)
        #expect(run.counts.bytes == mixed.utf8.count)
        #expect(run.counts.lines == mixed.split(separator: "\n", omittingEmptySubsequences: false).count - 1)
    }

    @Test func `however a stream is cut, the records and counts are the same`() {
        let bytes = Array(mixed.utf8)
        let whole = DecodeRun(bytes)
        for cut in stride(from: 0, to: bytes.count, by: 251) {
            let run = DecodeRun(bytes, pieces: [cut])
            if run.records != whole.records || run.counts != whole.counts {
                Issue.record("cut at \(cut)")
                return
            }
        }
        for seed in 0..<6 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let pieces = (0..<400).map { _ in Int.random(in: 0...(seed < 3 ? 60 : 2000), using: &generator) }
            let run = DecodeRun(bytes, pieces: pieces)
            if run.records != whole.records || run.counts != whole.counts { Issue.record("seed \(seed)") }
        }
    }

    @Test func `every cut inside and around an entry of several lines gives the same`() {
        let text = Array((Vectors.human[5] + "\n" + Vectors.human[6] + "\n").utf8)
        let whole = DecodeRun(text)
        #expect(whole.records.count == 2)
        for cut in 0...text.count where DecodeRun(text, pieces: [cut]).records != whole.records {
            Issue.record("cut at \(cut)")
            return
        }
    }

    @Test func `wrapped streams give the same records, however they are cut and split`() {
        let plain = DecodeRun(mixed)
        for wrap in [Wrapping.docker, .cri] {
            for seed in 0..<12 as Range<UInt64> {
                var generator = SeededGenerator(seed: seed)
                let wrapped = Array(wrap.wrap(mixed, using: &generator).utf8)
                let pieces = (0..<200).map { _ in Int.random(in: 0...3000, using: &generator) }
                for container in [ContainerFormat.auto, wrap.format] {
                    let whole = DecodeRun(wrapped, container: container)
                    #expect(whole.records == plain.records, "\(wrap), seed \(seed)")
                    let cut = DecodeRun(wrapped, container: container, pieces: pieces)
                    #expect(cut.records == plain.records, "\(wrap), seed \(seed)")
                    #expect(cut.counts == whole.counts, "\(wrap), seed \(seed)")
                    #expect(cut.counts.malformed == plain.counts.malformed)
                }
            }
        }
    }

    @Test func `parts of two streams do not mix`() {
        let time = "2025-07-03T05:09:41.929840747Z"
        let (first, second) = (Vectors.json[0], Vectors.json[1])
        let text = """
            \(time) stderr P \(first.prefix(100))
            \(time) stdout F \(second)
            \(time) stderr P \(first.dropFirst(100).prefix(200))
            \(time) stderr F \(first.dropFirst(300))

            """
        let bytes = Array(text.utf8)
        #expect(DecodeRun(bytes).records == [second, first])
        for cut in stride(from: 0, to: bytes.count, by: 11) {
            #expect(DecodeRun(bytes, pieces: [cut]).records == [second, first], "cut at \(cut)")
        }
        let half = bytes[..<(bytes.count / 2)]
        let open = DecodeRun(Array(half), endsOpen: true)
        #expect(open.records.isEmpty)
        #expect(open.rest.count == half.count)
        #expect(open.counts.lines == 0)
    }

    @Test func `an event in two formats is one, twice in one format is two`() {
        let (json, human) = (Vectors.json[7], Vectors.human[0])
        let both = DecodeRun([json, human, json, human, human].joined(separator: "\n") + "\n")
        #expect(both.records == [json, json])
        #expect(both.counts.duplicates == 3)
        let humanFirst = DecodeRun(human + "\n" + json + "\n")
        #expect(humanFirst.counts.slogHuman == 1)
        #expect(humanFirst.counts.duplicates == 1)
        let stackdriver = DecodeRun([Vectors.json[0], Vectors.json[23]].joined(separator: "\n") + "\n")
        #expect(stackdriver.records == [Vectors.json[0]])
    }

    @Test func `the window knows events from before a restart again, and counts nothing`() {
        var decoder = EventDecoder()
        let before = Array(("rest of a line\n" + Vectors.json[7] + "\n").utf8)
        decoder.warm(before.span)
        #expect(decoder.takeCounts() == DecodeCounts())
        var batch = EventBatch()
        batch.bytes.append(Vectors.human[0] + "\n" + Vectors.human[2] + "\n")
        let length = batch.bytes.count
        #expect(decoder.decode(0..<length, in: &batch, isEnd: false) == length)
        #expect(batch.count == 1)
        #expect(decoder.takeCounts().duplicates == 1)
    }

    @Test func `the window holds the last 8192 events and no more`() {
        var fresh = DuplicateWindow()
        for id in 0..<20_000 as Range<UInt64> {
            let isKnown = fresh.isDuplicate(.init(low: id &* 0x9e37_79b9_7f4a_7c15, high: id), .slogJSON)
            #expect(!isKnown)
        }
        for id in (20_000 - 8192)..<20_000 as Range<UInt64> {
            if !fresh.isDuplicate(.init(low: id &* 0x9e37_79b9_7f4a_7c15, high: id), .slogHuman) {
                Issue.record("\(id)")
            }
        }
        for round in 0..<20_000 as Range<UInt64> {
            // Few homes make long chains, which forgetting must not break.
            let key = DuplicateWindow.Key(low: round % 100 * 160, high: round)
            if fresh.isDuplicate(key, .slogJSON) { Issue.record("new: \(round)") }
            let older = round &- 8000
            guard round.isMultiple(of: 500), round > 8000 else { continue }
            let known = DuplicateWindow.Key(low: older % 100 * 160, high: older)
            if !fresh.isDuplicate(known, .slogHuman) { Issue.record("forgotten: \(older)") }
        }
        let isStillKnown = fresh.isDuplicate(.init(low: 5 &* 0x9e37_79b9_7f4a_7c15, high: 5), .slogHuman)
        #expect(!isStillKnown)
    }

    @Test func `a line that is not finished stays, unless the end makes it whole`() {
        let line = Vectors.json[0]
        let open = DecodeRun(line, endsOpen: true)
        #expect(open.records.isEmpty)
        #expect(open.rest == Array(line.utf8))
        #expect(open.counts.partial == 0)
        #expect(DecodeRun(line).records == [line])
        #expect(DecodeRun(Vectors.human[0]).records.count == 1)
        #expect(DecodeRun(Vectors.human[5]).records.count == 1)
        for cut in [1, 20, 300, line.utf8.count - 1] {
            let torn = DecodeRun(Vectors.json[1] + "\n" + line.prefix(cut))
            #expect(torn.records == [Vectors.json[1]])
            #expect(torn.rest.count == cut)
            #expect(torn.counts.partial == 1)
            #expect(torn.counts.malformed.isEmpty)
        }
        for cut in [10, 60, 200, Vectors.human[0].utf8.count - 3] {
            let torn = DecodeRun(String(Vectors.human[0].prefix(cut)))
            #expect(torn.records.isEmpty)
            #expect(torn.rest.count == cut)
        }
    }

    @Test func `lines that are too long and no event even so are counted once, whatever the cuts`() {
        let long = #"{"msg":"connection_log","fields":{"x":["# + String(repeating: "1,", count: 2500) + "1]}}"
        let text = Array(
            [Vectors.json[0], long, Vectors.json[1], long, Vectors.json[2], ""].joined(separator: "\n").utf8)
        for pieces in [[], [900], [1500, 100, 100, 3000], (0..<100).map { _ in 150 }] {
            let run = DecodeRun(text, maxLine: 1000, pieces: pieces)
            #expect(run.records == Array(Vectors.json[..<3]))
            #expect(run.counts.tooLong == 2)
            #expect(run.counts.lines == 5)
            #expect(run.counts.samples.map(\.line) == [2, 4])
        }
    }

    @Test func `while a long line is read a restart begins where the line began`() {
        var decoder = EventDecoder(maxLine: 1000)
        var batch = EventBatch()
        batch.bytes.append(Vectors.json[0] + "\n" + String(repeating: "x", count: 1500))
        let first = batch.bytes.count
        #expect(decoder.decode(0..<first, in: &batch, isEnd: false) == first)
        #expect(decoder.restartDistance == 1500)
        batch.removeAll()
        batch.bytes.append(String(repeating: "x", count: 200))
        #expect(decoder.decode(0..<200, in: &batch, isEnd: false) == 200)
        #expect(decoder.restartDistance == 1700)
        batch.removeAll()
        batch.bytes.append("x\n" + Vectors.json[1] + "\n")
        let last = batch.bytes.count
        #expect(decoder.decode(0..<last, in: &batch, isEnd: false) == last)
        #expect(decoder.restartDistance == 0)
        #expect(batch.count == 1)
        #expect(decoder.takeCounts().other == 1)
    }

    @Test func `a source that presents inputMax bytes always gets on`() {
        let time = "2025-07-03T05:09:41.929840747Z"
        let parts = String(repeating: "\(time) stderr P abc\n", count: 3)
        let others = String(repeating: "\(time) stdout F \(Vectors.json[0])\n", count: 200)
        var decoder = EventDecoder(maxLine: 2000)
        var batch = EventBatch()
        batch.bytes.append(parts + others)
        #expect(batch.bytes.count > decoder.inputMax)
        #expect(decoder.decode(0..<decoder.inputMax, in: &batch, isEnd: false) > 0)
        #expect(decoder.takeCounts().tooLong == 1)
        #expect(batch.count > 50)
    }

    @Test func `the first malformed lines are kept with place and text`() {
        let text = Vectors.json[0] + "\n" + (0..<8).map { "{\"n\":\($0)\u{1b}\n" }.joined()
        let run = DecodeRun(text, pieces: [10, 1000])
        #expect(run.counts.malformed == [.unexpectedByte: 8])
        #expect(run.counts.samples.count == 5)
        #expect(run.counts.samples[1].position == Vectors.json[0].utf8.count + 1 + 8)
        #expect(run.counts.samples[1].line == 3)
        #expect(run.counts.samples[1].text == #"{"n":…"#)
        #expect(run.counts.samples[1].fault == LineFault(.unexpectedByte, at: 6))
    }

    @Test func `a format that is named takes no other`() {
        let text = [Vectors.json[7], Vectors.human[2], Vectors.json[23], ""].joined(separator: "\n")
        #expect(DecodeRun(text, format: .slogJSON).records == [Vectors.json[7]])
        #expect(DecodeRun(text, format: .slogJSON).counts.malformed == [.trailingBytes: 1])
        #expect(DecodeRun(text, format: .slogHuman).counts.slogHuman == 1)
        #expect(DecodeRun(text, format: .slogHuman).records.count == 1)
        #expect(DecodeRun(text, format: .stackdriver).records == [Vectors.json[0]])
        #expect(DecodeRun(text, format: .auto).records.count == 2)
    }

    @Test func `line ends of Windows and blanks after a line belong to no record`() {
        let run = DecodeRun(
            Vectors.json[0] + " \r\n" + Vectors.human[6] + "\r\n"
                + Vectors.human[5].replacingOccurrences(of: "\n", with: "\r\n") + "\r\n")
        #expect(run.records.first == Vectors.json[0])
        #expect(
            run.records
                == DecodeRun([Vectors.json[0], Vectors.human[6], Vectors.human[5], ""].joined(separator: "\n")).records)
    }

    @Test func `random bytes never stop the decoder`() {
        for seed in 0..<40 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var bytes = Array(mixed.utf8)
            for _ in 0..<60 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let run = DecodeRun(bytes, pieces: [Int.random(in: 0..<bytes.count, using: &generator)])
            #expect(run.counts.events == run.records.count)
            #expect(run.counts.bytes + run.rest.count == bytes.count, "seed \(seed)")
            for record in run.records where ConnectionEvent(line: record) == nil {
                Issue.record("seed \(seed): \(record)")
            }
        }
    }
}

/// How a container runtime would have stored a stream.
enum Wrapping {
    case docker, cri

    var format: ContainerFormat { self == .docker ? .docker : .cri }

    /// Long lines are split at random places.
    func wrap(_ text: String, using generator: inout SeededGenerator) -> String {
        var wrapped = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            var rest = Array(line.unicodeScalars)[...]
            repeat {
                let isSplit = rest.count > 200 && Bool.random(using: &generator)
                let length = isSplit ? Int.random(in: 1..<rest.count, using: &generator) : rest.count
                var piece = String.UnicodeScalarView()
                piece.append(contentsOf: rest.prefix(length))
                rest = rest.dropFirst(length)
                wrapped += entry(String(piece), isLast: !isSplit)
            } while !rest.isEmpty
        }
        return wrapped
    }

    private func entry(_ content: String, isLast: Bool) -> String {
        let time = "2025-07-03T05:09:41.929840747Z"
        if self == .cri { return "\(time) stderr \(isLast ? "F" : "P") \(content)\n" }
        var escaped = ByteBuffer()
        JSONText.escape(content + (isLast ? "\n" : ""), into: &escaped)
        return "{\"log\":\"\(escaped.text)\",\"stream\":\"stderr\",\"time\":\"\(time)\"}\n"
    }
}
