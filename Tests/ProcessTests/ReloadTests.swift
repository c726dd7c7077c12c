import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// SIGHUP on the real daemon, with real files.
    @Suite struct ReloadTests {
        private let workplace: Workplace
        private let log: GeneratedLog
        /// What the source reads: parts of `log`, as the test gives them.
        private let live: URL
        private let parts: [Data]

        init() throws {
            workplace = try Workplace()
            log = try GeneratedLog(lines: 6000, seed: 21, in: workplace)
            live = try workplace.write("", to: "live.log")
            let lines = try Data(contentsOf: log.log).split(separator: UInt8(ascii: "\n"))
            parts = stride(from: 0, to: lines.count, by: 500).map { start in
                Data(lines[start..<min(start + 500, lines.count)].flatMap { $0 + [UInt8(ascii: "\n")] })
            }
        }

        private func give(_ part: Int) throws {
            let handle = try FileHandle(forWritingTo: live)
            try handle.seekToEnd()
            try handle.write(contentsOf: parts[part])
            try handle.close()
        }

        /// Starts it, and waits until it listens to signals, which it does before it opens its queue.
        private func start(_ daemon: Daemon) throws -> Child {
            let child = try daemon.start()
            try eventually("it has opened its queue") {
                !child.isRunning || FileManager.default.fileExists(atPath: workplace.path("data/queue/lock"))
            }
            return child
        }

        /// Gives the daemon another configuration and waits until it is in force.
        private func reload(_ child: Child, sections: String, settings: String = "") throws {
            _ = try Daemon(reading: live, sections: sections, settings: settings, in: workplace)
            let before = child.errors.components(separatedBy: "the configuration is in force").count
            child.signal(SIGHUP)
            try eventually("the configuration is in force") {
                !child.isRunning || child.errors.components(separatedBy: "the configuration is in force").count > before
            }
            #expect(child.isRunning, "\(child.errors)")
        }

        private func expectExact(_ prefix: String, _ child: Child.End) throws {
            let got = try Identifiers.files(named: prefix, in: workplace).compared(with: log.identifiers, in: workplace)
            #expect(got.isExact, "\(prefix): \(got)\n\(child.errors)")
        }

        /// Ends it once everything is delivered.
        private func finish(_ child: Child, _ daemon: Daemon) throws -> Child.End {
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            // What the source had not seen yet.
            let rest = try daemon.once()
            #expect(rest.status == 0, "\(rest.errors)")
            return end
        }

        /// A file sink that removes no rotated file, so that its events can be counted.
        private func sink(_ name: String, _ keys: String = "rotate_size = 10GiB") -> String {
            Daemon.file("\(name).jsonl", in: workplace, "\(keys)\nkeep = 0")
        }

        @Test func `nothing is lost and nothing comes twice in files, whatever is changed while events flow`() throws {
            let steady = sink("steady")
            let daemon = try Daemon(
                reading: live, sections: steady + sink("changing") + sink("leaving"), in: workplace)
            let child = try start(daemon)
            for part in parts.indices {
                try give(part)
                // Every part meets another configuration: rotation, compression, a new sink that comes and goes.
                let changing = part % 2 == 0 ? "rotate_size = 64KiB\ncompress = none" : "rotate_size = 10GiB"
                let third = part % 3 == 0 ? "" : sink("leaving", "rotate_size = \(part % 3)MiB")
                try reload(child, sections: steady + sink("changing", changing) + third)
            }
            try reload(child, sections: steady + sink("changing") + sink("leaving"))
            let end = try finish(child, daemon)
            for name in ["steady", "changing", "leaving"] { try expectExact(name, end) }
            #expect(
                !end.errors.contains("sink steady-jsonl: changed") && !end.errors.contains("sink steady.jsonl: changed")
            )
        }

        @Test func `a source that is changed goes on where it was`() throws {
            let sections = sink("events")
            let daemon = try Daemon(reading: live, sections: sections, in: workplace)
            let child = try start(daemon)
            for part in parts.indices {
                try give(part)
                let max = part % 2 == 0 ? "64KiB" : "1MiB"
                _ = try Daemon(reading: live, sections: sections, in: workplace)
                let text = workplace.text("connlog.ini").replacing(
                    "type = file\npath = \(live.path)",
                    with:
                        "type = file\nmax_line = \(max)\npath = \(live.path)")
                try workplace.write(text, to: "connlog.ini")
                let before = child.errors.components(separatedBy: "in force").count
                child.signal(SIGHUP)
                try eventually("in force") { child.errors.components(separatedBy: "in force").count > before }
            }
            try eventually("every event is there") {
                workplace.lines("events.jsonl").count >= log.events
            }
            #expect(child.errors.contains("source coderd: changed"))
            let end = try finish(child, daemon)
            try expectExact("events", end)
        }

        @Test func `a mistake keeps all of the old configuration, and is told with its place`() throws {
            let daemon = try Daemon(reading: live, sections: sink("events"), in: workplace)
            let child = try start(daemon)
            try give(0)
            _ = try Daemon(
                reading: live, sections: sink("events", "filter = type:nonsense\nfoo = 1") + sink("other"),
                in: workplace)
            child.signal(SIGHUP)
            try eventually("it says that nothing has changed") { child.errors.contains("stays as it was") }
            #expect(child.errors.contains("connlog.ini:"))
            #expect(child.errors.contains("foo"))
            for part in parts.indices.dropFirst() { try give(part) }
            try eventually("every event is there") {
                workplace.lines("events.jsonl").count >= log.events
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            #expect(!FileManager.default.fileExists(atPath: workplace.path("other.jsonl")))
            try expectExact("events", end)
        }

        @Test func `keys that only a start can change are named, and another data_dir is refused`() throws {
            let daemon = try Daemon(reading: live, sections: sink("events"), in: workplace)
            let child = try start(daemon)
            try give(0)
            try reload(child, sections: sink("events"), settings: "segment_size = 2MiB\nlog_level = debug")
            #expect(child.errors.contains("segment_size is changed by a restart only"))
            #expect(child.errors.contains("is in force, but for segment_size, which a restart changes"))
            let text = workplace.text("connlog.ini")
            try workplace.write(
                text.replacing(workplace.path("data"), with: workplace.path("other")), to: "connlog.ini")
            child.signal(SIGHUP)
            try eventually("it refuses") { child.errors.contains("data_dir cannot change while connlog runs") }
            #expect(!FileManager.default.fileExists(atPath: workplace.path("other")))
            #expect(try child.stop().status == 0)
            withExtendedLifetime(daemon) {}
        }

        @Test func `a filter and limits that change apply from then on, without losing the place`() throws {
            let port = try #require(try Ports.free(1, in: workplace).first)
            let dead = { (keys: String) in
                Daemon.syslog("siem", "transport = tcp\naddress = 127.0.0.1:\(port)\n\(keys)")
            }
            let daemon = try Daemon(reading: live, sections: sink("events") + dead(""), in: workplace)
            let child = try start(daemon)
            try give(0)
            let first = workplace.lines("live.log").count { $0.contains("connection_log") }
            try eventually("the first part is there") {
                workplace.lines("events.jsonl").count >= first * 8 / 10
            }
            try reload(
                child,
                sections: sink("events", "filter = type:reconnecting_pty")
                    + dead("queue_size = 1MiB\non_full = drop_oldest"))
            #expect(child.errors.contains("changed; it finishes what it has in hand"))
            // The queue alone looks at these: the sink goes on.
            #expect(!child.errors.contains("sink siem: changed"))
            for part in parts.indices.dropFirst() { try give(part) }
            try reload(child, sections: sink("events", "filter = type:reconnecting_pty") + sink("all"))
            try eventually("the removed sink is named") { child.errors.contains("connlog queue forget-sink siem") }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            #expect(workplace.lines("events.jsonl").count < log.events)
            withExtendedLifetime(daemon) {}
        }

        @Test func `a sink whose receiver hangs is replaced, and holds up nobody meanwhile`() throws {
            let silent = try LoopbackListener { while !$0.read(atMost: 1 << 20).isEmpty {} }
            let daemon = try Daemon(
                reading: live, sections: sink("events") + Daemon.splunk("splunk", port: silent.port),
                settings: "shutdown_timeout = 2s", in: workplace)
            let child = try start(daemon)
            try give(0)
            try eventually("the file has some events") { !workplace.lines("events.jsonl").isEmpty }
            let splunk = try Receiver(.hec, named: "hec", in: workplace)
            try reload(
                child, sections: sink("events", "rotate_size = 1GiB") + Daemon.splunk("splunk", port: splunk.port),
                settings: "shutdown_timeout = 2s")
            for part in parts.indices.dropFirst() { try give(part) }
            try eventually("the file has every event") {
                workplace.lines("events.jsonl").count >= log.events
            }
            // The old sink keeps its two seconds; the new one gets as long as this machine needs once they are over.
            try reload(
                child, sections: sink("events", "rotate_size = 1GiB") + Daemon.splunk("splunk", port: splunk.port),
                settings: "shutdown_timeout = 600s")
            let end = try finish(child, daemon)
            try expectExact("events", end)
            _ = try splunk.stop()
            let got = try splunk.identifiers.compared(with: log.identifiers, in: workplace)
            #expect(got.isComplete, "\(got)")
            silent.stop()
        }

        @Test func `many SIGHUPs in a row are one or two reloads, and do no harm`() throws {
            let daemon = try Daemon(reading: live, sections: sink("events"), in: workplace)
            let child = try start(daemon)
            for part in parts.indices {
                try give(part)
                for _ in 0..<20 { child.signal(SIGHUP) }
            }
            try eventually("every event is there") {
                workplace.lines("events.jsonl").count >= log.events
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            try expectExact("events", end)
            withExtendedLifetime(daemon) {}
        }
    }
}
