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

        /// A receiver that is killed again and again, and what it may lose by that.
        private struct Victim {
            enum Loss {
                case nothing
                /// What its kernel had acknowledged and its process had not written.
                case whatItHeld
                /// With an empty kernel: then it ends as one that is done, with a FIN, and nothing is sent again.
                case whatItsProcessHeld
            }

            let peer: SyslogPeer
            let way: Way
            let keys: String
            let loss: Loss
            private(set) var deaths = 0
            /// Deaths with more to come.
            private(set) var deathsInMidStream = 0
            private(set) var isDead = false
            /// How much it has written when it dies, and when it has all of what is under way.
            private var mark = 0
            private var end = 0

            init(_ peer: SyslogPeer, _ way: Way, keys: String, loses loss: Loss) {
                self.peer = peer
                self.way = way
                self.keys = keys
                self.loss = loss
            }

            var output: URL { peer.output(way) }
            var hasTail: Bool { keys.contains("resend_tail") }

            /// It dies when it has written so many bytes more.
            mutating func await(_ bytes: Int, of count: Int) {
                (mark, end) = (peer.bytes(way) + bytes, peer.bytes(way) + count)
                isDead = false
            }

            mutating func killIfDue() {
                guard !isDead, peer.bytes(way) > mark else { return }
                peer.kill()
                isDead = true
                deaths += 1
                if peer.bytes(way) < end * 9 / 10 { deathsInMidStream += 1 }
            }
        }

        private func victims() throws -> [Victim] {
            // A receiver is away for a moment only.
            let patience = "retry_initial = 50ms\nretry_max = 500ms\n"
            func victim(
                _ kind: SyslogPeer.Kind, _ way: Way, _ keys: String = "", _ name: String = "", loses: Victim.Loss
            ) throws -> Victim {
                let name = "\(kind.rawValue)-\(way.rawValue)\(name)"
                let peer = try SyslogPeer(kind, named: name, certificates, in: workplace)
                let all = way.keys(port: peer.ports[way] ?? 0, certificates) + patience + keys
                return Victim(peer, way, keys: all, loses: loses)
            }
            let tail = "resend_tail = 8MiB\n"
            return [
                try victim(.rsyslog, .relp, loses: .nothing), try victim(.rsyslog, .relpTLS, loses: .nothing),
                try victim(.rsyslog, .octets, loses: .whatItHeld), try victim(.rsyslog, .tls, loses: .whatItHeld),
                try victim(.syslogNG, .tls, loses: .whatItHeld),
                try victim(.rsyslog, .tls, tail, "-tail", loses: .nothing),
                try victim(.rsyslog, .octets, tail, "-tail", loses: .whatItsProcessHeld),
            ]
        }

        /// The most bytes that a receiver's process may have read and not written.
        private static let processHeldMax = 1 << 20
        /// With the largest receive buffer that its kernel grows to.
        private static let heldMax: Int = {
            let sizes = read(URL(filePath: "/proc/sys/net/ipv4/tcp_rmem")).split(whereSeparator: \.isWhitespace)
            return (sizes.last.flatMap { Int($0) } ?? 6 << 20) + processHeldMax
        }()
        /// On the wire, on average and with its frame; the message is about as long for every event.
        private static let messageBytes = 580

        @Test func `receivers that are killed ten times in the middle: RELP loses nothing, TCP what they held`() throws
        {
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
                try eventually("every receiver has died once more") {
                    for place in victims.indices { victims[place].killIfDue() }
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
            print("killed \(victims.count) receivers \(Self.deaths) times each in \(ContinuousClock.now - begun)")
            for (victim, found) in zip(victims, try compare("ids", victims.map(\.output))) {
                try expect(victim, found)
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

        private func expect(_ victim: Victim, _ found: Comparison) throws {
            let (gaps, missing) = (try #require(found.gaps), try #require(found.missing))
            print(
                "\(victim.peer.name), killed \(victim.deaths) times, \(victim.deathsInMidStream) in mid-stream: "
                    + "\(missing) of \(found.expected) missing in gaps of \(gaps), \(found.repeats ?? 0) repeats")
            #expect(victim.deaths == Self.deaths)
            // One that gets many again has no middle that could be told by what it has written.
            #expect(victim.hasTail || victim.deathsInMidStream >= Self.deaths / 3)
            #expect(found.foreign == 0)
            let heldMax =
                switch victim.loss {
                case .nothing: 0
                case .whatItHeld: Self.heldMax
                case .whatItsProcessHeld: Self.processHeldMax
                }
            #expect(gaps.count <= Self.deaths, "\(victim.peer.name): \(found)")
            #expect(gaps.allSatisfy { $0 * Self.messageBytes <= heldMax }, "\(victim.peer.name): \(found)")
        }
    }
}
