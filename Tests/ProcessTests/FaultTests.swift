import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// Something outside is broken: one sentence says so, the others go on, and nothing is lost.
    @Suite struct FaultTests {
        private let workplace: Workplace
        private let log: GeneratedLog

        init() throws {
            workplace = try Workplace()
            log = try GeneratedLog(lines: 2000, seed: 3, in: workplace)
        }

        private func compared(_ identifiers: Identifiers) throws -> Identifiers.Comparison {
            try identifiers.compared(with: log.identifiers, in: workplace)
        }

        private var file: Identifiers { .files(named: "events", in: workplace) }

        /// Starts connlog and waits until the file that nothing is wrong with has every event.
        private func startUntilFileIsWhole(_ daemon: Daemon) throws -> Child {
            let child = try daemon.start()
            do {
                try eventually("the file has every event") {
                    !child.isRunning || workplace.lines("events.jsonl").count >= log.events
                }
            } catch {
                throw Child.Failure(description: "\(error); connlog said: \(child.errors)")
            }
            #expect(child.isRunning, "\(child.errors)")
            return child
        }

        @Test func `with a receiver down SIGTERM ends in time with status 3, and nothing is lost after the next start`()
            throws
        {
            let port = try #require(try Ports.free(1, in: workplace).first)
            let daemon = try Daemon(
                reading: log.log,
                sections: Daemon.file("events.jsonl", in: workplace)
                    + Daemon.syslog("siem", "transport = tcp\naddress = 127.0.0.1:\(port)"),
                settings: "shutdown_timeout = 2s", in: workplace)
            let child = try startUntilFileIsWhole(daemon)
            try eventually("stderr names the receiver") { child.errors.contains("127.0.0.1:\(port)") }
            let end = try child.stop()
            #expect(end.status == 3, "\(end.errors)")

            let receiver = try Receiver(.syslog, ["--port", "\(port)"], named: "siem", in: workplace)
            let again = try daemon.once()
            #expect(again.status == 0, "\(again.errors)")
            #expect(try receiver.stop().complaints == 0)
            let siem = try compared(receiver.identifiers)
            #expect(siem.isExact, "siem: \(siem)")
            let whole = try compared(file)
            #expect(whole.isExact, "file: \(whole)")
        }

        @Test func `a login page with status 200 is not taken for delivery`() throws {
            try workplace.write("<html><body>Please log in</body></html>", to: "login.html")
            let portal = try Receiver(.hec, ["--reply", workplace.path("login.html")], named: "portal", in: workplace)
            let daemon = try Daemon(
                reading: log.log,
                sections: Daemon.file("events.jsonl", in: workplace) + Daemon.splunk("splunk", port: portal.port),
                settings: "shutdown_timeout = 2s", in: workplace)
            let child = try startUntilFileIsWhole(daemon)
            try eventually("stderr names the endpoint") { child.errors.contains("127.0.0.1:\(portal.port)") }
            #expect(try child.stop().status == 3)
            #expect(try portal.stop().events == 0)

            let splunk = try Receiver(.hec, ["--port", "\(portal.port)"], named: "splunk", in: workplace)
            let again = try daemon.once()
            #expect(again.status == 0, "\(again.errors)")
            #expect(try splunk.stop().complaints == 0)
            let got = try compared(splunk.identifiers)
            #expect(got.isExact, "splunk: \(got)")
        }

        @Test func `a directory in the place of a sink's file, and a file in the place of its directory, stop only it`()
            throws
        {
            try FileManager.default.createDirectory(at: workplace.url("taken"), withIntermediateDirectories: true)
            try workplace.write("in the way", to: "plain")
            let daemon = try Daemon(
                reading: log.log,
                sections: Daemon.file("events.jsonl", in: workplace) + Daemon.file("taken", in: workplace)
                    + Daemon.file("plain/below.jsonl", in: workplace), settings: "shutdown_timeout = 2s", in: workplace)
            let child = try startUntilFileIsWhole(daemon)
            for name in ["taken", "plain"] {
                try eventually("stderr names \(name)") { child.errors.contains(workplace.path(name)) }
            }
            #expect(try child.stop().status == 3)
            let whole = try compared(file)
            #expect(whole.isExact, "file: \(whole)")
            try FileManager.default.removeItem(at: workplace.url("taken"))
            try FileManager.default.removeItem(at: workplace.url("plain"))
            try FileManager.default.createDirectory(at: workplace.url("plain"), withIntermediateDirectories: true)
            let again = try daemon.once()
            #expect(again.status == 0, "\(again.errors)")
            for name in ["taken", "plain/below.jsonl"] {
                let got = try compared(Identifiers(files: [workplace.url(name)]))
                #expect(got.isExact, "\(name): \(got)")
            }
        }

        @Test(.enabled(if: getuid() == 0, "mounting a file system takes root"))
        func `a full disk under one sink is waited for and then written to the end, the others go on`() throws {
            let disk = try SmallDisk(mebibytes: 1, at: "disk", in: workplace)
            let daemon = try Daemon(
                reading: log.log,
                sections: Daemon.file("events.jsonl", in: workplace) + Daemon.file("disk/events.jsonl", in: workplace),
                in: workplace)
            let child = try daemon.start(["--once"])
            try eventually("the file on the large disk has every event") {
                !child.isRunning || workplace.lines("events.jsonl").count >= log.events
            }
            try eventually("stderr names the full one") { child.errors.contains(workplace.path("disk/events.jsonl")) }
            #expect(child.isRunning, "\(child.errors)")
            try disk.resize(mebibytes: 64)
            let end = try child.wait()
            #expect(end.status == 0, "\(end.errors)")
            for name in ["events.jsonl", "disk/events.jsonl"] {
                let got = try compared(Identifiers(files: [workplace.url(name)]))
                #expect(got.isExact, "\(name): \(got)")
            }
        }

        @Test(.enabled(if: getuid() == 0, "mounting a file system takes root"))
        func `a full disk under the queue makes the source wait, and room on it lets it go on`() throws {
            let disk = try SmallDisk(mebibytes: 4, at: "data", in: workplace)
            // Filled up, so that the queue has less room than the events need.
            try Data(count: 3 << 20).write(to: workplace.url("data/ballast"))
            let daemon = try Daemon(
                reading: log.log, sections: Daemon.file("events.jsonl", in: workplace),
                settings: "segment_size = 1MiB", in: workplace)
            let child = try daemon.start(["--once"])
            try eventually("connlog says that the disk is full, or is done") {
                !child.isRunning || child.errors.contains(workplace.path("data"))
            }
            try FileManager.default.removeItem(at: workplace.url("data/ballast"))
            try disk.resize(mebibytes: 256)
            let end = try child.wait()
            #expect(end.status == 0, "\(end.errors)")
            let got = try compared(file)
            #expect(got.isExact, "\(got)")
        }
    }
}
