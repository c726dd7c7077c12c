import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// Events of every size, at each limit on their way and next to it, alone and among small ones.
@Suite struct SyslogSizesTests {
    /// Limits in bytes of a message: what a datagram may hold, a TLS record, a chunk that is written at once, `max_size`,
    /// a batch, and the longest line.
    private static let limits = [0, 480, 1180, 8192, 16_384, 65_507, 65_536, 128 << 10, 256 << 10, 512 << 10, 1 << 20]
    /// What stands around the text of such an event in a message is less than this.
    private static let around = 300

    /// Paddings that make a message, or a record, one byte less than a limit, as much, and one more.
    private static let paddings: [Int] = {
        var options = RFC5424Options()
        options.bytesMax = 16 << 20
        var encoder = RFC5424Encoder(options)
        var message = ByteBuffer()
        _ = encoder.append(Array(line(1000, 0).utf8).span, to: &message)
        let (inMessage, inRecord) = (message.count, line(1000, 0).utf8.count)
        let all = limits.flatMap { limit in
            [inMessage, inRecord].flatMap { fixed in (-1...1).map { max(0, limit - fixed + $0) } }
        }
        return Set(all).sorted()
    }()

    private static func line(_ number: Int, _ padding: Int) -> String {
        "{\"msg\":\"connection_log\",\"fields\":{\"ID\":\"\(number)\",\"Type\":\"ssh\","
            + "\"ConnectionStatus\":\"disconnected\",\"UserAgent\":\"\(String(repeating: "x", count: padding))\"}}"
    }

    /// A large event alone, and one between two small ones, for each padding; four digits each.
    private static func batches() -> [(batch: EventBatch, padding: Int, ids: Range<Int>)] {
        var next = 1000
        return paddings.flatMap { padding in
            [[padding], [0, padding, 0]].map { sizes in
                var batch = EventBatch()
                for (place, size) in sizes.enumerated() { batch.append(Array(line(next + place, size).utf8).span) }
                defer { next += sizes.count }
                return (batch, padding, next..<next + sizes.count)
            }
        }
    }

    private func expectAll(_ messages: [String], bytesMax: Int, cut: UInt64) {
        let all = Self.batches()
        #expect(eventIDs(messages) == all.flatMap(\.ids))
        var cuts: UInt64 = 0
        for message in messages {
            #expect(message.utf8.count <= bytesMax)
            if message.contains(" trunc=\"1\"]") { cuts += 1 }
        }
        #expect(cuts == cut)
        // What is not cut has all of its text.
        let long = messages.filter { !$0.contains(" trunc=\"1\"]") }.map { $0.utf8.count { $0 == UInt8(ascii: "x") } }
        for (_, padding, _) in all where padding < bytesMax - Self.around {
            #expect(long.contains { $0 >= padding }, "\(padding)")
        }
    }

    /// How many messages must be cut.
    private func cuts(_ options: SyslogOptions) -> UInt64 {
        var encoder = SyslogEncoder(options)
        var output = ByteBuffer()
        for (batch, _, _) in Self.batches() {
            for place in 0..<batch.count {
                output.removeAll()
                _ = encoder.append(batch, place, to: &output)
            }
        }
        return encoder.truncations
    }

    private func sendAll(_ sink: any Sink) async {
        var receipts: [Receipt] = []
        for (batch, padding, _) in Self.batches() {
            switch await sink.send(batch) {
            case .delivered: break
            case .accepted(let receipt): receipts.append(receipt)
            case let outcome: Issue.record("\(padding): \(outcome)")
            }
        }
        for receipt in receipts { #expect(await sink.outcome(of: receipt) == .delivered) }
        await sink.close()
    }

    @Test(arguments: [480, 8192, 65_536, 16 << 20], SyslogOptions.Framing.allCases)
    func `over TCP all arrive, whole or cut to max_size and counted`(
        bytesMax: Int, framing: SyslogOptions.Framing
    ) async throws {
        let server = try SyslogServer()
        let options = syslogOptions(server.port) {
            $0.framing = framing
            $0.messages.bytesMax = bytesMax
        }
        await sendAll(SyslogTCPSink(options) { _, _ in })
        // The server has ended the connection too, so it has read everything.
        let all = server.received.all
        let messages =
            framing == .octetCounting
            ? try octetCounted(all) : String(decoding: all, as: UTF8.self).split(separator: "\n").map(String.init)
        expectAll(messages, bytesMax: bytesMax, cut: cuts(options))
    }

    @Test(.enabled(if: TestCertificates.isAvailable)) func `over TLS all arrive whole`() async throws {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        let server = try SyslogServer(tls: .init("server", of: certificates))
        let options = syslogOptions(server.port) {
            $0.transport = .tls
            $0.tls.authorityFile = certificates.authority
            $0.messages.bytesMax = 16 << 20
        }
        await sendAll(SyslogTCPSink(options) { _, _ in })
        expectAll(try octetCounted(server.received.all), bytesMax: 16 << 20, cut: 0)
    }

    @Test(arguments: [65_536, 16 << 20], [1, 1000])
    func `over RELP all arrive, whole or cut to max_size and counted`(bytesMax: Int, window: Int) async throws {
        let server = try SyslogServer(serve: RELPTalk.serve)
        let options = syslogOptions(server.port) {
            $0.transport = .relp
            $0.window = window
            $0.messages.bytesMax = bytesMax
        }
        await sendAll(SyslogRELPSink(options) { _, _ in })
        expectAll(try octetCounted(server.received.all), bytesMax: bytesMax, cut: cuts(options))
    }

    @Test(.enabled(if: TestCertificates.isAvailable), arguments: [1, 1000])
    func `over RELP with TLS all arrive whole`(window: Int) async throws {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        let server = try SyslogServer(tls: .init("server", of: certificates), serve: RELPTalk.serve)
        let options = syslogOptions(server.port) {
            $0.transport = .relpTLS
            $0.window = window
            $0.tls.authorityFile = certificates.authority
            $0.messages.bytesMax = 16 << 20
        }
        await sendAll(SyslogRELPSink(options) { _, _ in })
        expectAll(try octetCounted(server.received.all), bytesMax: 16 << 20, cut: 0)
    }

    @Test(arguments: [480, 1180, 8192])
    func `over UDP all arrive, whole or cut to max_size and counted`(bytesMax: Int) async throws {
        let server = try UDPReceiver()
        let options = syslogOptions(server.port) {
            $0.transport = .udp
            $0.messages.bytesMax = bytesMax
        }
        await sendAll(SyslogUDPSink(options) { _, _ in })
        let messages = server.datagrams().map { String(decoding: $0, as: UTF8.self) }
        expectAll(messages, bytesMax: bytesMax, cut: cuts(options))
    }

    @Test(arguments: [false, true])
    func `over a local socket all arrive, whole or cut to max_size and counted`(isStream: Bool) async throws {
        let server = try LocalServer(isStream: isStream)
        let options = syslogOptions {
            $0.transport = .unix
            $0.path = server.path
            $0.messages.bytesMax = 8192
        }
        await sendAll(SyslogUnixSink(options) { _, _ in })
        let count = Self.batches().reduce(0) { $0 + $1.ids.count }
        expectAll(await server.messages(count), bytesMax: 8192, cut: cuts(options))
    }
}
