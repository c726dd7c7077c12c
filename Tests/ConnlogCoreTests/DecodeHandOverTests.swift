import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Entries that a silence or a rotation leaves open.
@Suite struct DecodeHandOverTests {
    private let time = "2025-07-03T05:09:41.929840747Z"
    private let head = "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=a  ConnectionStatus=disconnected ..."

    private func decode(_ text: String, _ decoder: inout EventDecoder) -> (records: [String], rest: String) {
        var batch = EventBatch()
        batch.bytes.append(text)
        let end = batch.bytes.count
        let consumed = decoder.decode(0..<end, in: &batch, isEnd: false)
        return (batch.records.map { batch.bytes.text($0.range) }, batch.bytes.text(consumed..<end))
    }

    @Test func `after a silence an open entry is complete`() {
        var decoder = EventDecoder()
        let open = decode(TestEvents.line(1) + "\n\(head)\n    r= one\n", &decoder)
        #expect(open.records == [TestEvents.line(1)])
        var batch = EventBatch()
        batch.bytes.append(open.rest)
        #expect(decoder.flushPending(0..<open.rest.utf8.count, in: &batch) == open.rest.utf8.count)
        #expect(batch.count == 1)
        #expect(batch.bytes.text(batch.records[0].range).contains(#""r":"one""#))
        // What comes late is still the block's.
        let late = decode("       \(TestEvents.line(2))\n\(TestEvents.line(3))\n", &decoder)
        #expect(late.records == [TestEvents.line(3)])
        #expect(decoder.takeCounts().unreadMentions == 0)
    }

    @Test func `a line that is being written, and one whose last part is missing, wait on`() {
        for text in ["\(head)\n    r= on", "\(time) stderr P {\"ts\":\n"] {
            var decoder = EventDecoder()
            let open = decode(text, &decoder)
            #expect(open.rest == text)
            var batch = EventBatch()
            batch.bytes.append(text)
            #expect(decoder.flushPending(0..<text.utf8.count, in: &batch) == 0)
            #expect(batch.isEmpty)
        }
    }

    @Test func `cut anywhere by a rotation, the two files give what one would`() {
        let one = TestEvents.line(1)
        let text = """
            \(time) stderr F \(TestEvents.line(5))
            \(time) stderr P \(one.prefix(200))
            \(time) stdout F \(TestEvents.line(6))
            \(time) stderr P \(one.dropFirst(200).prefix(100))
            \(time) stderr F \(one.dropFirst(300))
            \(time) stderr F \(head)
            \(time) stdout F \(TestEvents.line(7))
            \(time) stderr F     r= first
            \(time) stderr F        second
            \(time) stderr F \(TestEvents.line(8))

            """
        let whole = DecodeRun(text)
        #expect(whole.records.count == 6)
        let lines = text.split(separator: "\n").map { $0 + "\n" }
        for cut in 0...lines.count {
            var (old, new) = (EventDecoder(), EventDecoder())
            let before = decode(lines[..<cut].joined(), &old)
            old.handOver(to: &new)
            #expect(new.hasInherited == !before.rest.isEmpty)
            let after = decode(lines[cut...].joined(), &new)
            #expect(before.records + after.records == whole.records, "cut at \(cut)")
            #expect(cut == lines.count || !new.hasInherited)
            var counts = old.takeCounts()
            counts.merge(new.takeCounts())
            #expect(counts.other == 0)
        }
    }

    @Test func `what is presented again in small pieces is not decoded again`() {
        var decoder = EventDecoder()
        var batch = EventBatch()
        batch.bytes.append(head + "\n    r= block\n")
        var lines = 0
        for number in 0..<2000 {
            batch.bytes.append("    line \(number) of a block\n")
            _ = decoder.decode(0..<batch.bytes.count, in: &batch, isEnd: false)
            lines = max(lines, decoder.lineNumber)
        }
        #expect(lines == 2002)
        #expect(decoder.linesLookedAt == 2002)
        batch.bytes.append(TestEvents.line(1) + "\n")
        let end = batch.bytes.count
        #expect(decoder.decode(0..<end, in: &batch, isEnd: false) == end)
        #expect(batch.count == 2)
    }

    @Test func `other bytes than before are decoded anew`() {
        var decoder = EventDecoder()
        let open = decode("\(head)\n    r= one\n", &decoder)
        #expect(!open.rest.isEmpty)
        let other = decode(TestEvents.line(1) + "\n" + TestEvents.line(2) + "\n" + TestEvents.line(3) + "\n", &decoder)
        #expect(other.records == [TestEvents.line(1), TestEvents.line(2), TestEvents.line(3)])
        #expect(decoder.takeCounts().lines == 3)
    }

    @Test func `refused lines are known by their number, however much is handed over at once`() {
        var decoder = EventDecoder(samplesMax: 100)
        let bad = "{\"broken\":\n"
        var text = ""
        for _ in 0..<50 { text += TestEvents.line(1) + "\n" + bad }
        _ = decode(text, &decoder)
        #expect(decoder.takeCounts().samples.map(\.line) == (1...50).map { 2 * $0 })
        _ = decode(bad, &decoder)
        #expect(decoder.takeCounts().samples.map(\.line) == [101])
    }
}
