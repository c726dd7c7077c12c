import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@Suite struct RFC3164EncoderTests {
    private func encoded(
        _ line: String, _ change: (inout RFC5424Options, inout RFC3164Options) -> Void = { _, _ in }
    ) -> (text: String, bytes: Int, truncations: UInt64)? {
        var options = testOptions()
        options.bytesMax = RFC3164Encoder.bytesMax
        var legacy = RFC3164Options()
        legacy.zone = .utc
        change(&options, &legacy)
        var encoder = RFC3164Encoder(options, legacy)
        var output = ByteBuffer()
        guard encoder.append(Array(line.utf8).span, to: &output) else { return nil }
        return (output.text, output.count, encoder.truncations)
    }

    @Test func `a message has time, host, tag, sentence and id`() throws {
        let line = record([
            ("ID", "\"7\""), ("Type", "\"ssh\""), ("WorkspaceName", "\"dev\""), ("Time", "\"2025-07-03T05:09:41.9Z\""),
        ])
        let message = try #require(encoded(line) { options, _ in options.hostname = "coder-1.example.com" })
        #expect(message.text == "<134>Jul  3 05:09:41 coder-1 coder[4711]: ssh session to dev eid=7")
        let local = try #require(encoded(line) { $1.hasHostname = false })
        #expect(local.text == "<134>Jul  3 05:09:41 coder[4711]: ssh session to dev eid=7")
    }

    @Test func `the JSON line can be the content`() throws {
        let line = record([("ID", "\"7\"")])
        let message = try #require(encoded(line) { options, _ in options.message = .json })
        #expect(message.text.hasSuffix("coder[4711]: " + line))
    }

    @Test func `local time is what the machine's zone says`() throws {
        let line = record([("ID", "\"7\""), ("Time", "\"2025-07-13T05:09:41Z\"")])
        let time = try #require(EventTime.parse("2025-07-13T05:09:41Z")) / 1_000_000_000
        let shifted = EventTime.text((time + LocalTime.offset(at: time)) * 1_000_000_000)
        let message = try #require(encoded(line) { $1.zone = .local })
        #expect(message.text.contains(String(shifted.dropFirst(11).prefix(8))))
    }

    @Test(arguments: 1000..<1016)
    func `a long message is cut at 1024 bytes, between two characters`(length: Int) throws {
        let name = String(repeating: "x", count: length - 900) + String(repeating: "ä", count: 600)
        let message = try #require(encoded(record([("Type", "\"ssh\""), ("WorkspaceName", quoted(name))])))
        #expect((1023...1024).contains(message.bytes))
        #expect(!message.text.contains("\u{fffd}"))
        #expect(message.truncations == 1)
    }

    @Test func `what would end a message or a line is rewritten`() throws {
        let message = try #require(
            encoded(record([("Type", "\"ssh\""), ("WorkspaceName", "\"a\\nb\\u0000c\\u007f\\u009b\u{202e}\"")])))
        #expect(message.text.contains("a#012b#000c#177#302#233#342#200#256"))
    }
}
