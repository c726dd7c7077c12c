import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// connlog under a service manager, as systemd starts it.
    @Suite struct ServiceTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        private func daemon(_ settings: String = "") throws -> Daemon {
            _ = try workplace.write("", to: "live.log")
            return try Daemon(
                reading: workplace.url("live.log"), sections: Daemon.file("out.jsonl", in: workplace),
                settings: settings, in: workplace)
        }

        @Test(arguments: [false, true]) func `start, reloads and end are told`(isAbstract: Bool) throws {
            let manager = try NoticeReceiver(isAbstract: isAbstract)
            let daemon = try daemon("shutdown_timeout = 20s")
            let child = try Child(
                Project.connlog.path, ["run", "--config", daemon.configuration.path], in: workplace, named: "connlog",
                environment: ["NOTIFY_SOCKET": manager.address])
            func next(_ what: String, _ count: Int) throws {
                try eventually(what) { !child.isRunning || manager.messages.count >= count }
            }
            try next("it is ready", 1)
            child.signal(SIGHUP)
            try next("it has reloaded", 3)
            let good = read(daemon.configuration)
            try workplace.write(good + "\n[sink \"bad\"]\ntype = nonsense\n", to: "connlog.ini")
            child.signal(SIGHUP)
            try next("it has refused", 5)
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            try eventually("its end is told") { manager.messages.count >= 7 }
            let well = "STATUS=1 source, 1 sink; nothing waits"
            let messages = manager.messages.map { $0.replacing(/USEC=\d{6,}$/, with: "USEC=N") }
            #expect(
                messages == [
                    "READY=1\n\(well)", "RELOADING=1\nMONOTONIC_USEC=N", "READY=1\n\(well)",
                    "RELOADING=1\nMONOTONIC_USEC=N",
                    "READY=1\n\(well); the last reload was refused for mistakes in the configuration, see the log",
                    "STOPPING=1\nSTATUS=delivering for 20 s", "EXTEND_TIMEOUT_USEC=N",
                ], "\(end.errors)")
        }

        @Test func `the watchdog hears that nothing hangs`() throws {
            let manager = try NoticeReceiver()
            let child = try Child(
                Project.connlog.path, ["run", "--config", try daemon().configuration.path], in: workplace,
                named: "connlog", environment: ["NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"])
            try eventually("it was heard again and again") {
                !child.isRunning || manager.messages.count { $0 == "WATCHDOG=1" } >= 5
            }
            #expect(child.isRunning)
            try child.stop()
        }

        /// Runs connlog to its end with the journal's variable for its standard error, or for another file.
        private func errors(_ configuration: String, isJournal: Bool) throws -> [Substring] {
            let script = """
                exec 2>"$1"
                JOURNAL_STREAM=$(stat -c %d:%i "$2") exec "$3" run --once --config "$4"
                """
            let (log, other) = (workplace.path("log"), workplace.path("connlog.ini"))
            let end = try Child.run(
                "/bin/sh",
                ["-c", script, "sh", log, isJournal ? log : other, Project.connlog.path, configuration], in: workplace)
            #expect(end.errors.isEmpty)
            return workplace.lines("log")
        }

        @Test func `the journal gets priorities and no second time, a file the time`() throws {
            let configuration = try daemon().configuration.path
            let entries = try errors(configuration, isJournal: true)
            #expect(!entries.isEmpty)
            for entry in entries { #expect(entry.contains(/^<[346]>(connlog|source|sink|queue|data_dir)/), "\(entry)") }
            let lines = try errors(configuration, isJournal: false)
            #expect(!lines.isEmpty)
            for line in lines { #expect(line.contains(/^\d{4}-\d\d-\d\dT[0-9:.]+Z \[[a-z]+\]/), "\(line)") }
        }

        @Test func `JSON stays JSON in the journal`() throws {
            let entries = try errors(try daemon("log_format = json").configuration.path, isJournal: true)
            #expect(!entries.isEmpty)
            for entry in entries { #expect(entry.hasPrefix("{\"ts\":"), "\(entry)") }
        }

        @Test func `a mistake in the configuration is an error in the journal, line by line`() throws {
            let file = try workplace.write("[sink \"bad\"]\ntype = nonsense\n", to: "bad.ini")
            try workplace.write("", to: "connlog.ini")
            let entries = try errors(file.path, isJournal: true)
            #expect(entries.contains { $0.contains("bad.ini:2:") })
            for entry in entries { #expect(entry.hasPrefix("<3>") && !entry.contains("\u{1b}"), "\(entry)") }
        }
    }
}
