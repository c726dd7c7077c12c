import Foundation
import Testing

extension ProcessTests {
    /// Debian's rsyslog and syslog-ng, each started by the test, understand what is sent to them.
    @Suite struct SyslogPeerTests {
        @Test(arguments: SyslogPeer.Kind.allCases)
        func `the daemons and their configurations give back what a plain sender sent`(kind: SyslogPeer.Kind) throws {
            let workplace = try Workplace()
            let expected = try Self.expectedMessages(in: workplace)
            let peer = try SyslogPeer(kind, in: workplace)
            for way in Way.allCases {
                let port = try #require(peer.ports[way])
                _ = try Child.tool("send_messages.py", [expected.path, way.rawValue, "\(port)"], in: workplace)
                let messages = try Message.all(in: expected)
                // The plain sender writes '#' and the code for control characters; the comparison leaves them out.
                let plain = messages.filter { $0.sd.values.allSatisfy { $0.values.allSatisfy(Self.isPlain) } }
                let received = try peer.messages(way, count: messages.count)
                expectSame(received.filter { m in plain.contains { $0.eventID == m.eventID } }, plain, "\(kind) \(way)")
            }
            try peer.stop()
        }

        private static func isPlain(_ text: String) -> Bool {
            text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
        }

        /// What receivers must see of examples/coderd.log.
        static func expectedMessages(in workplace: Workplace) throws -> URL {
            let text = try Child.tool("make_example.py", ["messages", "coderd.example.com"], in: workplace)
            return try workplace.write(text, to: "expected.jsonl")
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
