import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// What a commit of each syslog transport proves, against rsyslog and syslog-ng.
    @Suite(.enabled(if: Project.runsProofs, "a proof of minutes: CONNLOG_PROOFS=1 runs it"))
    struct SyslogProofTests {
        /// What compare_messages.py has found.
        struct Comparison: Decodable {
            let expected: Int
            let arrived: Int
            var different: Int?
            var missing: Int?
            var repeats: Int?
            var foreign: Int?
            var unreadable: Int?
            let examples: [String]
        }

        private func compare(
            _ how: String, _ expected: URL, _ got: URL, in workplace: Workplace
        ) throws -> Comparison {
            let text = try Child.tool("compare_messages.py", [how, expected.path, got.path], in: workplace)
            return try JSONDecoder().decode(Comparison.self, from: Data(text.utf8))
        }

        @Test func `a hundred thousand events arrive with every field over every stream`() throws {
            let workplace = try Workplace()
            let generated = try GeneratedLog(lines: 118_500, seed: 11, withMessages: true, in: workplace)
            try #require(generated.events >= 100_000)
            let certificates = try TestCertificates.forPeers()
            let peers = try SyslogPeer.Kind.allCases.map { try SyslogPeer($0, certificates, in: workplace) }
            var sections = ""
            for peer in peers {
                for (way, port) in peer.ports where way != .udp {
                    sections += Daemon.syslog("\(peer.name)-\(way.rawValue)", way.keys(port: port, certificates))
                }
            }
            let end = try Daemon(reading: generated.log, sections: sections, in: workplace).once(limit: .seconds(180))
            #expect(end.status == 0, "\(end.errors)")
            for peer in peers {
                for way in peer.kind.ways where way != .udp {
                    try peer.wait(for: generated.events, way, within: .seconds(60))
                    let found = try compare("fields", generated.messages, peer.output(way), in: workplace)
                    #expect(
                        found.arrived == generated.events && found.different == 0, "\(peer.name) \(way): \(found)")
                }
                try peer.stop()
            }
        }

        /// How many bytes a receiver's kernel and process may hold that nobody has written yet, at each of its deaths:
        /// the largest receive buffer that the kernel grows to, and a megabyte of the process's own.
        private static let heldMax: Int = {
            let sizes = read(URL(filePath: "/proc/sys/net/ipv4/tcp_rmem")).split(whereSeparator: \.isWhitespace)
            return (sizes.last.flatMap { Int($0) } ?? 6 << 20) + 1 << 20
        }()

        @Test func `receivers that are killed ten times in the middle: RELP loses nothing, TCP what they held`() throws
        {
            let deaths = 10
            let workplace = try Workplace()
            let generated = try GeneratedLog(lines: 235_300, seed: 12, withMessages: true, in: workplace)
            let certificates = try TestCertificates.forPeers()
            let victims: [(peer: SyslogPeer, way: Way)] = try [
                (.rsyslog, .relp), (.rsyslog, .relpTLS), (.rsyslog, .octets), (.rsyslog, .tls), (.syslogNG, .tls),
            ].map { kind, way in
                (try SyslogPeer(kind, named: "\(kind.rawValue)-\(way.rawValue)", certificates, in: workplace), way)
            }
            let sections = victims.map { peer, way in
                Daemon.syslog(peer.name, way.keys(port: peer.ports[way] ?? 0, certificates))
            }
            let daemon = try Daemon(reading: generated.log, sections: sections.joined(), in: workplace)
                .start(["--once"])
            // Each dies whenever it has written another twelfth; a message makes a line of some 900 bytes.
            let step = generated.events * 700 / (deaths + 2)
            var died = victims.map { _ in 0 }
            try eventually("every receiver has died \(deaths) times", within: .seconds(150)) {
                for (place, (peer, way)) in victims.enumerated() where died[place] < deaths {
                    guard peer.bytes(way) >= step * (died[place] + 1) else { continue }
                    try peer.killAndStart()
                    died[place] += 1
                }
                return died.allSatisfy { $0 == deaths } || !daemon.isRunning
            }
            let end = try daemon.wait(.seconds(120))
            #expect(end.status == 0, "\(end.errors)")
            #expect(died == victims.map { _ in deaths })
            let messageBytes = 600
            for (peer, way) in victims {
                try peer.stop()
                let found = try compare("ids", generated.messages, peer.output(way), in: workplace)
                let missing = try #require(found.missing)
                print("\(peer.name), killed \(deaths) times: \(found)")
                #expect(found.foreign == 0)
                if way == .relp || way == .relpTLS {
                    #expect(missing == 0, "\(peer.name): \(found)")
                } else {
                    #expect(missing * messageBytes <= deaths * Self.heldMax, "\(peer.name): \(found)")
                }
            }
        }
    }
}
