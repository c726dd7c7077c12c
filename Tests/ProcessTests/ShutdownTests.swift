import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// However things stand, SIGTERM ends connlog within its time, with the status that says what is left, and the next
    /// start delivers the rest.
    @Suite struct ShutdownTests {
        private let workplace: Workplace
        private let log: GeneratedLog

        init() throws {
            workplace = try Workplace()
            log = try GeneratedLog(lines: 3000, seed: 11, in: workplace)
        }

        private func file(_ keys: String = "rotate_size = 10GiB") -> String {
            Daemon.file("events.jsonl", in: workplace, keys)
        }

        private func untilFileIsWhole(_ child: Child) throws {
            try eventually("the file has every event") {
                !child.isRunning || workplace.lines("events.jsonl").count >= log.events
            }
            #expect(child.isRunning, "\(child.errors)")
        }

        private func expectWhole(_ identifiers: Identifiers) throws {
            let got = try identifiers.compared(with: log.identifiers, in: workplace)
            #expect(got.isExact, "\(got)")
        }

        /// A tenth of the long `shutdown_timeout` of these tests, and so much longer than their short one that only a
        /// daemon that does not keep to it takes that long.
        private static let soon = Duration.seconds(60)

        /// Signals, and looks how long it took.
        private func stop(_ child: Child, _ signal: Int32 = SIGTERM) throws -> Child.End {
            let asked = ContinuousClock.now
            let end = try child.stop(signal)
            let took = ContinuousClock.now - asked
            #expect(took < Self.soon, "\(took): \(end.errors)")
            return end
        }

        @Test func `with everything delivered it ends at once with status 0`() throws {
            let daemon = try Daemon(
                reading: log.log, sections: file(), settings: "shutdown_timeout = 600s", in: workplace)
            let child = try daemon.start()
            try untilFileIsWhole(child)
            let end = try stop(child)
            #expect(end.status == 0, "\(end.errors)")
            try expectWhole(.files(named: "events", in: workplace))
        }

        @Test func `with a sink that is away and has nothing to deliver it ends at once with status 0`() throws {
            try workplace.write("in the way", to: "plain")
            let daemon = try Daemon(
                reading: log.log,
                sections: file()
                    + Daemon.file("plain/below.jsonl", in: workplace, "filter = type:ssh type:vscode"),
                settings: "shutdown_timeout = 600s", in: workplace)
            try "".write(to: log.log, atomically: false, encoding: .utf8)
            let child = try daemon.start()
            try eventually("stderr names the file in the way") { child.errors.contains(workplace.path("plain")) }
            let end = try stop(child)
            #expect(end.status == 0, "\(end.errors)")
        }

        @Test func `with a request that hangs it ends in time with status 3`() throws {
            // It takes connections and never answers.
            let silent = try LoopbackListener { while !$0.read(atMost: 1 << 20).isEmpty {} }
            let daemon = try Daemon(
                reading: log.log, sections: file() + Daemon.splunk("splunk", port: silent.port),
                settings: "shutdown_timeout = 2s", in: workplace)
            let child = try daemon.start()
            try untilFileIsWhole(child)
            let end = try stop(child)
            #expect(end.status == 3, "\(end.errors)")
            try expectWhole(.files(named: "events", in: workplace))
            silent.stop()
        }

        @Test func `while a sink holds it ends in time with status 3, and nothing is lost`() throws {
            try workplace.write("<html><body>Please log in</body></html>", to: "login.html")
            let portal = try Receiver(.hec, ["--reply", workplace.path("login.html")], named: "portal", in: workplace)
            let daemon = try Daemon(
                reading: log.log, sections: file() + Daemon.splunk("splunk", port: portal.port),
                settings: "shutdown_timeout = 2s", in: workplace)
            let child = try daemon.start()
            try untilFileIsWhole(child)
            try eventually("it holds") { child.errors.contains("everything is kept until this is mended") }
            let end = try stop(child)
            #expect(end.status == 3, "\(end.errors)")
            _ = try portal.stop()
            let splunk = try Receiver(.hec, ["--port", "\(portal.port)"], named: "splunk", in: workplace)
            #expect(try daemon.once().status == 0)
            _ = try splunk.stop()
            try expectWhole(splunk.identifiers)
        }

        @Test func `with a full queue and the source waiting it ends in time with status 3, and nothing is lost`()
            throws
        {
            let many = try GeneratedLog(lines: 80_000, seed: 12, in: workplace)
            let port = try #require(try Ports.free(1, in: workplace).first)
            let daemon = try Daemon(
                reading: many.log, sections: Daemon.syslog("siem", "transport = tcp\naddress = 127.0.0.1:\(port)"),
                settings: "queue_size = 4MiB\nsegment_size = 1MiB\nshutdown_timeout = 2s", in: workplace)
            let child = try daemon.start()
            try eventually("the queue is full") {
                !child.isRunning || child.errors.contains("has reached queue_size")
            }
            let end = try stop(child)
            #expect(end.status == 3, "\(end.errors)")
            let receiver = try Receiver(.syslog, ["--port", "\(port)"], named: "siem", in: workplace)
            #expect(try daemon.once().status == 0)
            _ = try receiver.stop()
            let got = try receiver.identifiers.compared(with: many.identifiers, in: workplace)
            #expect(got.isExact, "\(got)")
        }

        @Test(.enabled(if: getuid() == 0, "mounting a file system takes root"))
        func `with a full disk under the queue it ends in time with status 3, and nothing is lost`() throws {
            let many = try GeneratedLog(lines: 30_000, seed: 13, in: workplace)
            let data = workplace.path("data")
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try mount(["-t", "tmpfs", "-o", "size=2m", "tmpfs", data])
            defer { _ = try? Child.run("/usr/bin/env", ["umount", "--lazy", data], in: workplace) }
            // The dead receiver keeps the queue from getting room.
            let port = try #require(try Ports.free(1, in: workplace).first)
            let daemon = try Daemon(
                reading: many.log, sections: Daemon.syslog("siem", "transport = tcp\naddress = 127.0.0.1:\(port)"),
                settings: "segment_size = 1MiB\nshutdown_timeout = 2s", in: workplace)
            let child = try daemon.start()
            try eventually("it says that the disk is full") {
                !child.isRunning || child.errors.contains("so sources wait")
            }
            let end = try stop(child)
            #expect(end.status == 3, "\(end.errors)")
            try mount(["-o", "remount,size=64m", data])
            let receiver = try Receiver(.syslog, ["--port", "\(port)"], named: "siem", in: workplace)
            let again = try daemon.once()
            #expect(again.status == 0, "\(again.errors)")
            _ = try receiver.stop()
            let got = try receiver.identifiers.compared(with: many.identifiers, in: workplace)
            #expect(got.isExact, "\(got)")
        }

        private func mount(_ arguments: [String]) throws {
            let end = try Child.run("/usr/bin/env", ["mount"] + arguments, in: workplace)
            guard end.status == 0 else { throw Child.Failure(description: "mount: \(end.errors)") }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func `a second signal ends the draining at once, with status 3, and nothing is lost`(
            second: Int32
        ) throws {
            let port = try #require(try Ports.free(1, in: workplace).first)
            let daemon = try Daemon(
                reading: log.log,
                sections: file() + Daemon.syslog("siem", "transport = tcp\naddress = 127.0.0.1:\(port)"),
                settings: "shutdown_timeout = 600s", in: workplace)
            let child = try daemon.start()
            try untilFileIsWhole(child)
            child.signal(SIGTERM)
            try eventually("it says that it drains") { child.errors.contains("reading stops") }
            #expect(child.isRunning)
            let end = try stop(child, second)
            #expect(end.status == 3, "\(end.errors)")
            let receiver = try Receiver(.syslog, ["--port", "\(port)"], named: "siem", in: workplace)
            #expect(try daemon.once().status == 0)
            _ = try receiver.stop()
            try expectWhole(receiver.identifiers)
            try expectWhole(.files(named: "events", in: workplace))
        }

        @Test func `with a request that hangs a second signal ends it at once`() throws {
            let silent = try LoopbackListener { while !$0.read(atMost: 1 << 20).isEmpty {} }
            let daemon = try Daemon(
                reading: log.log, sections: file() + Daemon.splunk("splunk", port: silent.port),
                settings: "shutdown_timeout = 600s", in: workplace)
            let child = try daemon.start()
            try untilFileIsWhole(child)
            child.signal(SIGINT)
            try eventually("it says that it drains") { child.errors.contains("reading stops") }
            let end = try stop(child, SIGINT)
            #expect(end.status == 3, "\(end.errors)")
            silent.stop()
        }
    }
}
