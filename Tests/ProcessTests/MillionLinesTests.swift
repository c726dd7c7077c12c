import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// A million lines of coderd's log go to a file, a syslog receiver and Splunk at once.
    @Suite struct MillionLinesTests {
        /// `CONNLOG_TEST_LINES` makes it shorter where connlog itself was built for debugging.
        private static let lines =
            ProcessInfo.processInfo.environment["CONNLOG_TEST_LINES"].flatMap { Int($0) } ?? 1_000_000
        private static let input = Result {
            try GeneratedLog(lines: lines, seed: 1, in: Workplace(keptAs: "process-test-input"))
        }

        /// The input, the three receivers, and connlog between them.
        private struct Run {
            let workplace: Workplace
            let log: GeneratedLog
            let syslog: Receiver
            let splunk: Receiver
            let daemon: Daemon

            init(splunkBusy seconds: Int = 0, fileKeys: String = "rotate_size = 10GiB") throws {
                log = try MillionLinesTests.input.get()
                workplace = try Workplace()
                syslog = try Receiver(.syslog, named: "syslog", in: workplace)
                splunk = try Receiver(
                    .hec, ["--token", "test-token", "--busy", "\(seconds)"], named: "splunk", in: workplace)
                daemon = try Daemon(
                    reading: log.log,
                    sections: Daemon.file("events.jsonl", in: workplace, fileKeys)
                        + Daemon.syslog("syslog", "transport = tcp\naddress = 127.0.0.1:\(syslog.port)")
                        + Daemon.splunk("splunk", port: splunk.port), in: workplace)
            }

            var file: Identifiers { .files(named: "events", in: workplace) }

            /// How many bytes of events the file holds; rotated and compressed ones do not count.
            var fileBytes: Int {
                (try? FileManager.default.attributesOfItem(atPath: workplace.path("events.jsonl"))[.size] as? Int) ?? 0
            }

            func compared(_ identifiers: Identifiers) throws -> Identifiers.Comparison {
                try identifiers.compared(with: log.identifiers, in: workplace)
            }

            /// Stops the receivers, expects no complaint, and compares what the three have.
            func comparisons() throws -> (
                file: Identifiers.Comparison, syslog: Identifiers.Comparison, splunk: Identifiers.Comparison
            ) {
                for counts in [try syslog.stop(), try splunk.stop()] {
                    #expect(counts.complaints == 0, "\(counts.first)")
                }
                return (try compared(file), try compared(syslog.identifiers), try compared(splunk.identifiers))
            }
        }

        @Test(arguments: [0, 5])
        func `all three have every event exactly once, with Splunk busy at first too`(busySeconds: Int) throws {
            let run = try Run(splunkBusy: busySeconds)
            let begun = ContinuousClock.now
            let end = try run.daemon.once()
            let took = ContinuousClock.now - begun
            #expect(end.status == 0, "\(end.errors)")
            let got = try run.comparisons()
            #expect(got.file.isExact, "file: \(got.file)")
            #expect(got.syslog.isExact, "syslog: \(got.syslog)")
            #expect(got.splunk.isExact, "splunk: \(got.splunk)")
            print("\(Self.lines) lines, Splunk busy for \(busySeconds) s: \(run.log.events) events in \(took)")
        }

        @Test func `killed ten times on the way, nothing is missing anywhere and nothing is in the file twice`() throws
        {
            let run = try Run()
            let perEvent = 700
            var kills = 0
            for kill in 1...10 {
                let child = try run.daemon.start(["--once"])
                let goal = run.log.events * perEvent / 12 * (kill - 1)
                try eventually("connlog is past \(goal) bytes") {
                    !child.isRunning || run.fileBytes > goal
                }
                guard child.isRunning else { break }
                let end = try child.stop(SIGKILL)
                if end.status == -SIGKILL { kills += 1 }
            }
            #expect(kills == 10, "connlog was done before it could be killed ten times")
            let end = try run.daemon.once()
            #expect(end.status == 0, "\(end.errors)")
            let got = try run.comparisons()
            #expect(got.file.isExact, "file: \(got.file)")
            #expect(got.syslog.isComplete, "syslog: \(got.syslog)")
            #expect(got.splunk.isComplete, "splunk: \(got.splunk)")
            print("killed \(kills) times: syslog has \(got.syslog.repeats) repeats, Splunk \(got.splunk.repeats)")
        }
    }
}
