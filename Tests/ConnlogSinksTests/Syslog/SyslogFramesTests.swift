import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// Frames by themselves; what arrives at a receiver is tested with the sink.
@Suite struct SyslogFramesTests {
    /// Events whose messages have lengths of two to five digits, in any order.
    private func batch(_ seed: UInt64) -> EventBatch {
        var generator = SeededGenerator(seed: seed)
        var batch = EventBatch()
        for number in 0..<300 {
            let length = [0, 5, 700, 900, 8000, 12_000].randomElement(using: &generator) ?? 0
            let agent = String(repeating: "a", count: Int.random(in: 0...length, using: &generator))
            let line =
                #"{"ts":"2025-07-03T05:09:41.9Z","level":"INFO","msg":"connection_log","fields":{"ID":"\#(number)","#
                + #""UserAgent":"\#(agent)"}}"#
            batch.append(Array(line.utf8).span)
        }
        return batch
    }

    @Test(arguments: SyslogOptions.Framing.allCases, 0..<4 as Range<UInt64>)
    func `each message stands after its length, however many digits that has`(
        framing: SyslogOptions.Framing, seed: UInt64
    ) {
        var options = SyslogOptions([.init(host: "127.0.0.1", port: 1)])
        options.framing = framing
        options.messages.bytesMax = 1 << 20
        let batch = batch(seed)
        var frames = SyslogFrames(options)
        var encoder = SyslogEncoder(options)
        var (place, ends, sent, wanted) = (0, [UInt64](), [UInt8](), [UInt8]())
        var stop = SyslogFrames.Stop.full
        while stop == .full {
            stop = frames.add(batch, from: &place, start: UInt64(sent.count), &ends)
            sent += frames.bytes.array
            frames.removeAll()
        }
        #expect(stop == .done && place == batch.count)
        var wantedEnds: [UInt64] = []
        for place in 0..<batch.count {
            var message = ByteBuffer()
            #expect(encoder.append(batch, place, to: &message))
            switch framing {
            case .octetCounting: wanted += Array("\(message.count) ".utf8) + message.array
            case .lf: wanted += message.array + [0x0a]
            }
            wantedEnds.append(UInt64(wanted.count))
        }
        #expect(sent == wanted, "seed \(seed)")
        #expect(ends == wantedEnds, "seed \(seed)")
    }

    @Test func `a record that is no event stops before it, and leaves nothing of itself`() {
        var batch = EventBatch()
        for line in [#"{"msg":"connection_log","fields":{"ID":"1"}}"#, "no event"] {
            batch.append(Array(line.utf8).span)
        }
        var frames = SyslogFrames(SyslogOptions([.init(host: "127.0.0.1", port: 1)]))
        var (place, ends) = (0, [UInt64]())
        #expect(frames.add(batch, from: &place, start: 7, &ends) == .rejected)
        #expect(place == 1 && ends == [7 + UInt64(frames.bytes.count)])
        #expect(frames.bytes.text.hasSuffix("]") || frames.bytes.text.contains("eid=\"1\""))
    }
}
