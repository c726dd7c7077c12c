import Foundation
import Testing

extension ProcessTests {
    /// Killed again and again under load, with everything rotating and the receivers coming and going.
    ///
    /// `CONNLOG_TEST_KILLS` asks for more kills than 200, `CONNLOG_TEST_SEED` for others.
    @Suite struct KillTests {
        private static let kills = Setting.number("CONNLOG_TEST_KILLS", default: 200)
        private static let seed = Setting.number("CONNLOG_TEST_SEED", default: 11)

        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        /// A receiver that is there, then is not, then is there again at the same port.
        private final class ComingAndGoing {
            let kind: Receiver.Kind
            let port: Int
            private let workplace: Workplace
            private var lives = 0
            private var receiver: Receiver?
            private(set) var complaints: [String] = []
            private var files: [URL] = []

            init(_ kind: Receiver.Kind, port: Int, in workplace: Workplace) {
                self.kind = kind
                self.port = port
                self.workplace = workplace
            }

            func come() throws {
                guard receiver == nil else { return }
                lives += 1
                let options = kind == .hec ? ["--token", "test-token"] : ["--graceful"]
                let new = try Receiver(
                    kind, ["--port", "\(port)"] + options, named: "\(kind.rawValue)-\(lives)", in: workplace)
                files += new.identifiers.files
                receiver = new
            }

            func go() throws {
                guard let old = receiver else { return }
                let counts = try old.stop()
                complaints += counts.first
                receiver = nil
            }

            var identifiers: Identifiers { Identifiers(files: files) }
        }

        private func sections(syslog: Int, hec: Int) -> String {
            // Small files, so that many kills fall into a rotation or the packing of what was rotated.
            let rotation = "rotate_size = 512KiB\nkeep = 0"
            return Daemon.file("json.log", in: workplace, rotation)
                + Daemon.file("human.log", in: workplace, rotation + "\nformat = human\ncompress = none")
                + Daemon.file("cef.log", in: workplace, rotation + "\nformat = cef")
                + Daemon.file("rfc5424.log", in: workplace, "format = rfc5424\nrotate_size = 10GiB")
                + Daemon.syslog("siem", "transport = tcp\naddress = 127.0.0.1:\(syslog)")
                + Daemon.splunk("splunk", port: hec, "retry_initial = 100ms\nretry_max = 1s")
        }

        @Test func `nothing is missing anywhere and nothing is in a file twice, wherever it was killed`() throws {
            print("kill test: \(Self.kills) kills, seed \(Self.seed)")
            let ports = try Ports.free(2, in: workplace)
            let siem = ComingAndGoing(.syslog, port: ports[0], in: workplace)
            let splunk = ComingAndGoing(.hec, port: ports[1], in: workplace)
            let feeder = try Feeder(rate: 3000, seed: Self.seed, in: workplace)
            let daemon = try Daemon(
                reading: feeder.pattern, sections: sections(syslog: siem.port, hec: splunk.port),
                settings: "segment_size = 1MiB\nqueue_size = 1GiB", in: workplace)
            let begun = ContinuousClock.now
            try splunk.come()
            let killer = try kill(daemon)
            for phase in 1...10 {
                try eventually("\(phase) of 10 parts of the kills are done") {
                    !killer.isRunning || killer.output.split(separator: "\n").count >= Self.kills * phase / 10
                }
                try phase % 3 == 0 ? splunk.go() : splunk.come()
                try phase % 2 == 0 ? siem.go() : siem.come()
            }
            let killed = try killer.wait()
            #expect(killed.status == 0, "\(killed.output.suffix(200)) \(workplace.text("lives.err").suffix(2000))")
            #expect(killed.output.split(separator: "\n").count { $0.hasPrefix("killed") } == Self.kills)
            let fed = try feeder.stop()
            try siem.come()
            try splunk.come()
            let end = try daemon.once()
            #expect(end.status == 0, "\(end.errors)")
            try siem.go()
            try splunk.go()
            #expect(siem.complaints.isEmpty && splunk.complaints.isEmpty, "\(siem.complaints) \(splunk.complaints)")
            print("\(Self.kills) kills in \(ContinuousClock.now - begun): \(fed.events) events in \(fed.files) files")
            try expectAllThere(siem, splunk, fed)
        }

        private func kill(_ daemon: Daemon) throws -> Child {
            try Child(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "kill_again.py").path, "--kills", "\(Self.kills)",
                    "--seed", "\(Self.seed)", "--errors", workplace.path("lives.err"), "--", Project.connlog.path,
                    "run", "--config", daemon.configuration.path,
                ], in: workplace, named: "killer")
        }

        /// Accounts for every event by its ID at every sink.
        private func expectAllThere(_ siem: ComingAndGoing, _ splunk: ComingAndGoing, _ fed: Feeder.Counts) throws {
            let sent = workplace.url("fed.ids")
            for name in ["json", "human", "cef", "rfc5424"] {
                let got = try Identifiers.files(named: name, in: workplace).compared(with: sent, in: workplace)
                #expect(got.expected == fed.events)
                #expect(got.isExact, "\(name): \(got)")
            }
            for receiver in [siem, splunk] {
                let got = try receiver.identifiers.compared(with: sent, in: workplace)
                #expect(got.isComplete, "\(receiver.kind): \(got)")
                print("\(receiver.kind): \(got.arrived) of \(got.expected) events, \(got.repeats) of them repeats")
            }
        }
    }
}
