import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// What a commit of each syslog transport proves, against rsyslog and syslog-ng.
    @Suite struct SyslogProofTests {
        /// What compare_messages.py has found.
        struct Comparison: Decodable {
            let expected: Int
            let arrived: Int
            var different: Int?
            var missing: Int?
            var repeats: Int?
            var foreign: Int?
            /// How many messages are missing together, for each place where some are.
            var gaps: [Int]?
            let examples: [String]
        }

        /// More than a hundred thousand events, and what a receiver must see of them.
        private static let input = Result {
            try GeneratedLog(
                lines: 118_500, seed: 11, withMessages: true, in: Workplace(keptAs: "process-test-messages"))
        }

        private let workplace: Workplace
        private let generated: GeneratedLog
        private let certificates: TestCertificates

        init() throws {
            workplace = try Workplace()
            generated = try Self.input.get()
            certificates = try .forPeers()
            try #require(generated.events >= 100_000)
        }

        private func compare(_ how: String, _ got: [URL]) throws -> [Comparison] {
            let text = try Child.tool(
                "compare_messages.py", [how, generated.messages.path] + got.map(\.path), in: workplace)
            return try JSONDecoder().decode([Comparison].self, from: Data(text.utf8))
        }

        @Test func `a hundred thousand events arrive with every field over every stream`() throws {
            let begun = ContinuousClock.now
            let peers = try SyslogPeer.Kind.allCases.map { try SyslogPeer($0, certificates, in: workplace) }
            let streams = peers.flatMap { peer in peer.kind.ways.filter { $0 != .udp }.map { (peer: peer, way: $0) } }
            let sections = streams.map { peer, way in
                Daemon.syslog("\(peer.name)-\(way.rawValue)", way.keys(port: peer.ports[way] ?? 0, certificates))
            }
            let end = try Daemon(reading: generated.log, sections: sections.joined(), in: workplace).once()
            #expect(end.status == 0, "\(end.errors)")
            for (peer, way) in streams { try peer.wait(for: generated.events, way) }
            for peer in peers { try peer.stop() }
            for ((peer, way), found) in zip(streams, try compare("fields", streams.map { $0.peer.output($0.way) })) {
                #expect(found.arrived == generated.events, "\(peer.name) \(way): \(found)")
                #expect(found.different == 0, "\(peer.name) \(way): \(found)")
            }
            print("\(streams.count) streams, \(generated.events) events each, in \(ContinuousClock.now - begun)")
        }

        /// How a receiver goes away.
        enum End: CaseIterable {
            /// At once, by SIGKILL.
            case killed
            /// In good order, by SIGTERM, as for a restart.
            case stopped

            var signal: Int32 { self == .killed ? SIGKILL : SIGTERM }
        }

        /// A receiver that ends and comes back again and again.
        private struct Victim {
            let peer: SyslogPeer
            let way: Way
            let keys: String
            private(set) var deaths = 0
            /// Deaths with more to come.
            private(set) var deathsInMidStream = 0
            private(set) var isDead = false
            /// How much it has written when it dies, and when it has all of what is under way.
            private var mark = 0
            private var end = 0

            init(_ peer: SyslogPeer, _ way: Way, keys: String) {
                self.peer = peer
                self.way = way
                self.keys = keys
            }

            var output: URL { peer.output(way) }

            /// It dies when it has written so many bytes more.
            mutating func await(_ bytes: Int, of count: Int) {
                (mark, end) = (peer.bytes(way) + bytes, peer.bytes(way) + count)
                isDead = false
            }

            mutating func endIfDue(_ how: End) {
                guard !isDead, peer.bytes(way) > mark else { return }
                peer.signal(how.signal)
                isDead = true
                deaths += 1
                if peer.bytes(way) < end * 9 / 10 { deathsInMidStream += 1 }
            }
        }

        /// With the configuration that connlog has by default, but for the receivers' being away for a moment only.
        private func victims() throws -> [Victim] {
            try [
                (.rsyslog, .relp), (.rsyslog, .relpTLS), (.rsyslog, .octets), (.rsyslog, .tls), (.syslogNG, .octets),
                (.syslogNG, .tls),
            ].map { (kind: SyslogPeer.Kind, way: Way) in
                let peer = try SyslogPeer(kind, named: "\(kind.rawValue)-\(way.rawValue)", certificates, in: workplace)
                let keys = way.keys(port: peer.ports[way] ?? 0, certificates)
                return Victim(peer, way, keys: keys + "retry_initial = 50ms\nretry_max = 500ms\n")
            }
        }

        @Test(arguments: End.allCases)
        func `receivers that end ten times in the middle lose nothing`(how: End) throws {
            let begun = ContinuousClock.now
            var victims = try victims()
            let parts = try logInParts(Self.deaths + 1)
            let log = try workplace.write("", to: "coderd.log")
            let daemon = try Daemon(
                reading: log, sections: victims.map { Daemon.syslog($0.peer.name, $0.keys) }.joined(), in: workplace)
            let child = try daemon.start()
            // A part of the log for each death, which falls into it before half of the part has been written.
            var generator = SeededGenerator(seed: 17)
            for part in parts.dropLast() {
                try eventually("every receiver listens") { victims.allSatisfy(\.peer.isListening) }
                try append(part, to: log)
                for place in victims.indices {
                    let half = Int.random(in: 0..<part.count / 2, using: &generator)
                    victims[place].await(half, of: part.count)
                }
                try eventually("every receiver has ended once more") {
                    for place in victims.indices { victims[place].endIfDue(how) }
                    return !child.isRunning || victims.allSatisfy(\.isDead)
                }
                #expect(child.isRunning, "\(child.errors)")
                for victim in victims { try victim.peer.startAgain() }
            }
            if let last = parts.last { try append(last, to: log) }
            // Delivers the rest, here or at the next start.
            try child.stop()
            let end = try daemon.once()
            #expect(end.status == 0, "\(end.errors)")
            for victim in victims { try victim.peer.stop() }
            print("\(victims.count) receivers \(how) \(Self.deaths) times each in \(ContinuousClock.now - begun)")
            for (victim, found) in zip(victims, try compare("ids", victims.map(\.output))) {
                try expect(victim, how, found)
            }
        }

        private static let deaths = 10

        /// The generated log, cut at line ends.
        private func logInParts(_ count: Int) throws -> [Data] {
            var rest = try Data(contentsOf: generated.log)
            let size = rest.count / count
            var parts: [Data] = []
            while parts.count < count - 1 {
                let near = rest.startIndex + size
                let end = try #require(rest[near...].firstIndex(of: UInt8(ascii: "\n"))) + 1
                parts.append(rest[..<end])
                rest = rest[end...]
            }
            return parts + [rest]
        }

        private func append(_ part: Data, to file: URL) throws {
            let handle = try FileHandle(forWritingTo: file)
            try handle.seekToEnd()
            try handle.write(contentsOf: part)
            try handle.close()
        }

        private func expect(_ victim: Victim, _ how: End, _ found: Comparison) throws {
            let missing = try #require(found.missing)
            print(
                "\(victim.peer.name), \(how) \(victim.deaths) times, \(victim.deathsInMidStream) in mid-stream: "
                    + "\(missing) of \(found.expected) missing, \(found.repeats ?? 0) repeats")
            #expect(victim.deaths == Self.deaths)
            #expect(missing == 0, "\(victim.peer.name): \(found)")
            #expect(found.foreign == 0)
        }
    }
}
