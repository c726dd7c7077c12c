import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Lines that come in parts, each in a wrapper of its own.
@Suite struct WrappedPartsTests {
    private static let human = WrappedRecordTests.human
    private static let json = WrappedRecordTests.json
    private static let quoted = WrappedShape.quoted

    private static func journal(_ text: String, stream: String = "a1", _ lineBreak: String? = nil) -> String {
        "{\(WrappedShape.journalHead.replacing("\"a1\"", with: "\"\(stream)\""))"
            + (lineBreak.map { "\"_LINE_BREAK\":\"\($0)\"," } ?? "") + "\"MESSAGE\":\(quoted(text))}\n"
    }

    private static func fluentd(_ text: String, _ number: Int, last: Bool, id: String = "p") -> String {
        #"{"container_id":"c1","container_name":"/coder","source":"stderr","partial_message":"true","partial_id":"\#(id)","#
            + #""partial_ordinal":"\#(number)","partial_last":"\#(last)","log":\#(quoted(text))}"# + "\n"
    }

    private static func split(_ text: String, _ index: Int, of total: Int) -> String {
        #"{"logName":"l","resource":{"labels":{}},"split":{"uid":"u","index":\#(index),"totalSplits":\#(total)},"#
            + #""textPayload":\#(quoted(text))}"# + "\n"
    }

    private static func tagged(_ text: String, _ tag: String, pod: String = "coder-0") -> String {
        #"{"stream":"stderr","_p":"\#(tag)","log":\#(quoted(text)),"kubernetes":{"pod_name":"\#(pod)"}}"# + "\n"
    }

    private static func flagged(_ text: String, isPart: Bool) -> String {
        #"{"@timestamp":"x","agent":{},"message":\#(quoted(text)),"log":{"flags":[\#(isPart ? "\"partial\"" : "")]}}"#
            + "\n"
    }

    private static func vector(_ text: String, isPart: Bool) -> String {
        #"{"timestamp":"x","source_type":"docker_logs","message":\#(quoted(text))\#(isPart ? ",\"_partial\":true" : "")}"#
            + "\n"
    }

    @Test(arguments: [json, human]) func `parts in order are one line, and what follows a part never begins one`(
        entry: String
    ) {
        let (first, second) = (String(entry.prefix(60)), String(entry.dropFirst(60)))
        let lines: [(String, String, String)] = [
            (Self.journal(first, "line-max"), Self.journal(second), Self.journal(entry)),
            (Self.tagged(first, "P"), Self.tagged(second, "F"), Self.tagged(entry, "F")),
            (
                Self.flagged(first, isPart: true), Self.flagged(second, isPart: false),
                Self.flagged(entry, isPart: false)
            ),
            (Self.vector(first, isPart: true), Self.vector(second, isPart: false), Self.vector(entry, isPart: false)),
        ]
        let foreign: [String] = [
            Self.journal("foreign", "line-max"), Self.tagged("foreign", "P"), Self.flagged("foreign", isPart: true),
            Self.vector("foreign", isPart: true),
        ]
        for (number, (head, tail, whole)) in lines.enumerated() {
            let run = DecodeRun(head + tail)
            #expect(run.counts.events == 1, "\(number)")
            #expect(run.counts.malformed.isEmpty, "\(number)")
            let bytes = Array((head + tail).utf8)
            for cut in stride(from: 0, to: bytes.count, by: 37) {
                #expect(DecodeRun(bytes, pieces: [cut]).records == run.records, "\(number), cut at \(cut)")
            }
            let forged = DecodeRun(foreign[number] + whole)
            #expect(forged.counts.events == 0, "\(number)")
            let open = DecodeRun(head)
            #expect(open.counts.events == 0)
            #expect(open.counts.partial == 1)
        }
    }

    @Test func `parts of two streams do not mix`() {
        let (first, second) = (String(Self.json.prefix(60)), String(Self.json.dropFirst(60)))
        let run = DecodeRun(
            Self.journal(first, "line-max") + Self.journal(TestEvents.line(2), stream: "b2") + Self.journal(second))
        #expect(run.records.count == 2)
        #expect(
            DecodeRun(
                Self.tagged(first, "P") + Self.tagged(TestEvents.line(2), "F", pod: "b") + Self.tagged(second, "F")
            ).records.count == 2)
        let block = DecodeRun(
            Self.journal(Self.human + " ...") + Self.journal(TestEvents.line(2), stream: "b2")
                + Self.journal("    r= one") + Self.journal("       two") + Self.journal("x"))
        #expect(block.counts.events == 2)
        #expect(block.records.contains { $0.contains(#""r":"one\ntwo""#) })
    }

    @Test func `what follows a NUL or fills a line is no entry, and is told`() {
        let block = Self.journal("2025-07-03 06:57:16.157 [info]  coderd: other ...") + Self.journal("    r= x", "nul")
        for entry in [Self.human, Self.json] {
            let run = DecodeRun(block + Self.journal(entry))
            #expect(run.counts.events == 0)
            #expect(run.counts.malformed == [.unfinished: 1])
            #expect(DecodeRun(block + Self.journal(entry, "nul") + Self.journal(entry)).counts.events == 0)
            #expect(DecodeRun(block + Self.journal(entry) + Self.journal(entry)).counts.events == 1)
            let filled = DecodeRun(
                Self.journal(String(repeating: "x", count: 49_152), "line-max") + Self.journal(entry))
            #expect(filled.counts.events == 0)
        }
        // A JSON line of exactly that length has no successor: both are whole.
        let exact = DecodeRun(Self.journal(TestEvents.line(1), "line-max") + Self.journal(TestEvents.line(2)))
        #expect(exact.records == [TestEvents.line(1), TestEvents.line(2)])
    }

    @Test func `numbered parts come in any order, with other lines in between`() {
        let pieces = [Self.json.prefix(50), Self.json.dropFirst(50).prefix(50), Self.json.dropFirst(100)].map(
            String.init)
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
            let between = #"{"container_id":"c1","container_name":"/coder","source":"stderr","log":"x"}"# + "\n"
            let docker = order.map { Self.fluentd(pieces[$0], $0 + 1, last: $0 == 2) }.joined(separator: between)
            #expect(DecodeRun(docker).records == [Self.json], "\(order)")
            let cloud = order.map { Self.split(pieces[$0], $0, of: 3) }.joined()
            #expect(DecodeRun(cloud).records == [Self.json], "\(order)")
            let bytes = Array(docker.utf8)
            for cut in stride(from: 0, to: bytes.count, by: 41) {
                #expect(DecodeRun(bytes, pieces: [cut]).records == [Self.json], "\(order), cut at \(cut)")
            }
            let missing = DecodeRun(order.dropLast().map { Self.fluentd(pieces[$0], $0 + 1, last: $0 == 2) }.joined())
            #expect(missing.counts.events == 0)
            #expect(missing.counts.partial == 1)
        }
    }

    @Test func `numbered parts that are too long or repeat are one line at most`() {
        let big = String(repeating: "x", count: 700)
        let run = DecodeRun(
            Self.fluentd(big, 1, last: false) + Self.fluentd(big, 2, last: false)
                + Self.fluentd(Self.json, 3, last: true)
                + Self.fluentd(Self.json, 1, last: true, id: "q"), maxLine: 1000)
        #expect(run.counts.tooLong == 1)
        #expect(run.records == [Self.json])
        let again = DecodeRun(
            Self.fluentd(Self.json, 1, last: true) + Self.fluentd(Self.json, 1, last: true, id: "q"))
        #expect(again.records.count == 2)
    }

    @Test func `more streams than are kept lose nothing that is whole, and forge nothing`() {
        var text = ""
        for pod in 0..<600 { text += Self.tagged("text \(pod)", "P", pod: "pod-\(pod)") }
        // The parts of the first pods are forgotten; what goes on with them must not begin an entry.
        for pod in 0..<600 { text += Self.tagged(Self.human, "F", pod: "pod-\(pod)") }
        let run = DecodeRun(text)
        #expect(run.counts.events == 0)
        var whole = ""
        for pod in 0..<600 { whole += Self.tagged(TestEvents.line(pod), "F", pod: "pod-\(pod)") }
        #expect(DecodeRun(whole).records.count == 600)
    }
}
