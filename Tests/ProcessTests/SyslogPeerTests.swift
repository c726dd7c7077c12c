import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// Debian's rsyslog and syslog-ng, each started by the test, understand what is sent to them.
    @Suite struct SyslogPeerTests {
        @Test(arguments: SyslogPeer.Kind.allCases)
        func `the daemons and their configurations give back what a plain sender sent`(kind: SyslogPeer.Kind) throws {
            let workplace = try Workplace()
            let file = try Self.exampleMessages(in: workplace)
            let expected = try Message.all(in: file)
            let peer = try SyslogPeer(kind, try .forPeers(), in: workplace)
            for way in Way.plain {
                let port = try #require(peer.ports[way])
                _ = try Child.tool("send_messages.py", [file.path, "\(way)", "\(port)"], in: workplace)
                expectSame(try peer.messages(way, count: expected.count), expected, "\(kind) \(way)")
            }
            try peer.stop()
        }

        @Test(arguments: ["sentence", "json"])
        func `rsyslog and syslog-ng get every field of every event as it was`(message: String) throws {
            let workplace = try Workplace()
            let generated = try GeneratedLog(lines: 400, seed: 7, withMessages: true, in: workplace)
            let logs = try workplace.write(read(Project.exampleLog) + read(generated.log), to: "coderd.log")
            let expected =
                try Message.all(in: Self.exampleMessages(in: workplace)) + Message.all(in: generated.messages)

            let certificates = try TestCertificates.forPeers()
            let peers = try SyslogPeer.Kind.allCases.map { try SyslogPeer($0, certificates, in: workplace) }
            let plain = try Receiver(
                .syslog, ["--out", workplace.path("plain.jsonl")], named: "plain", in: workplace)
            let keys = "message = \(message)\nmax_size = 60KiB\n"
            var sections = Daemon.syslog("plain", "transport = tcp\naddress = 127.0.0.1:\(plain.port)\n\(keys)")
            for peer in peers {
                for (way, port) in peer.ports {
                    sections += Daemon.syslog("\(peer.name)-\(way.rawValue)", way.keys(port: port, certificates) + keys)
                }
            }
            let end = try Daemon(reading: logs, sections: sections, in: workplace).once()
            #expect(end.status == 0, "\(end.errors)")

            let counts = try plain.stop()
            #expect(counts.complaints == 0, "\(counts.first)")
            // The messages as they were on the wire: against them the daemons' free text is held too.
            let sent = try Message.all(in: workplace.url("plain.jsonl"))
            expectSame(sent, expected, "on the wire")
            #expect(Set(sent.map(\.procid)).count == 1)
            for peer in peers {
                for way in peer.kind.ways {
                    expectSame(try peer.messages(way, count: expected.count), sent, "\(peer.kind) \(way)")
                }
                try peer.stop()
            }
            if message == "json" { Self.expectLines(of: sent, from: logs) }
        }

        /// What receivers must see of examples/coderd.log.
        private static func exampleMessages(in workplace: Workplace) throws -> URL {
            let text = try Child.tool("make_example.py", ["messages", "coderd.example.com"], in: workplace)
            return try workplace.write(text, to: "example.messages")
        }

        /// With `message = json` the free text of an event that came as slog JSON is its line, byte for byte.
        private static func expectLines(of sent: [Message], from log: URL) {
            let lines = Set(read(log).split(separator: "\n").filter { $0.hasPrefix("{\"ts\"") }.map(String.init))
            let asReceived = sent.count { lines.contains($0.msg ?? "") }
            #expect(asReceived > 400, "only \(asReceived) of \(sent.count) messages are lines of the log")
        }
    }
}

/// Expects the same messages in the same order, and says of the first few that differ what does.
func expectSame(
    _ got: [Message], _ expected: [Message], _ place: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(got.count == expected.count, "\(place)", sourceLocation: sourceLocation)
    let different = zip(got, expected).lazy.map { ($0.differences(from: $1), $1.eventID) }.filter { !$0.0.isEmpty }
    for (differences, event) in different.prefix(3) {
        Issue.record("\(place), event \(event): \(differences.joined(separator: "; "))", sourceLocation: sourceLocation)
    }
}
