import Foundation
import Testing

extension ProcessTests {
    /// The commands that look after the queue, as an admin types them.
    @Suite struct ToolTests {
        private let workplace: Workplace
        private let daemon: Daemon

        init() throws {
            workplace = try Workplace()
            daemon = try Daemon(
                reading: Project.exampleLog,
                sections: Daemon.file("events.jsonl", in: workplace) + Daemon.syslog("siem", "address = 127.0.0.1:1"),
                settings: "shutdown_timeout = 100ms", in: workplace)
        }

        private func connlog(_ arguments: String...) throws -> Child.End {
            try Child.run(Project.connlog.path, arguments, in: workplace)
        }

        /// The queue after a run in which one sink got everything and the other nothing.
        private func run() throws {
            let child = try daemon.start()
            try eventually("the file has the events") {
                workplace.lines("events.jsonl").count == (try expectedCount())
            }
            try child.stop()
        }

        private func expectedCount() throws -> Int {
            try Child.tool("make_example.py", ["ids"], in: workplace).split(separator: "\n").count
        }

        @Test func `verify, inspect and export beside a daemon and without one, and status 1 for damage`() throws {
            let config = daemon.configuration.path
            let before = try connlog("queue", "verify", "--config", config)
            #expect(before.status == 1 && before.errors.hasPrefix("connlog: error: "), "\(before.errors)")
            #expect(before.errors.contains("does not exist"), "\(before.errors)")

            let child = try daemon.start()
            try eventually("the file has the events") {
                workplace.lines("events.jsonl").count == (try expectedCount())
            }
            let online = try connlog("queue", "inspect", "--config", config)
            #expect(
                online.status == 0 && online.output.contains("in use by   process \(child.pid)"), "\(online.output)")
            let busy = try connlog("queue", "forget-sink", "siem", "--data-dir", workplace.path("data"), "--yes")
            #expect(busy.status == 1 && busy.errors.contains("process \(child.pid) is at work"), "\(busy.errors)")
            try child.stop()

            let offline = try connlog("queue", "verify", "--data-dir", workplace.path("data"))
            #expect(offline.status == 0 && offline.output.contains("no damage"), "\(offline.output)")
            let export = try connlog("queue", "export", "--config", config, "--sink", "siem")
            #expect(export.status == 0)
            #expect(export.output == workplace.text("events.jsonl"))

            let folder = workplace.url("data/queue")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".seg") }
            let segment = folder.appending(path: try #require(names.sorted().first))
            var bytes = try Data(contentsOf: segment)
            bytes[3] ^= 1
            try bytes.write(to: segment)
            let damaged = try connlog("queue", "verify", "--config", config)
            #expect(damaged.status == 1 && damaged.output.contains("damage"), "\(damaged.output)")
        }

        @Test func `a sink that is gone from the configuration is let go of`() throws {
            try run()
            let data = workplace.path("data")
            let unsure = try connlog("queue", "forget-sink", "siem", "--data-dir", data)
            #expect(unsure.status == 2 && unsure.errors.contains("--yes"), "\(unsure.errors)")
            let configured = try connlog("queue", "forget-sink", "siem", "--config", daemon.configuration.path, "--yes")
            #expect(
                configured.status == 2 && configured.errors.contains("take its section out"), "\(configured.errors)")
            let done = try connlog("queue", "forget-sink", "siem", "--data-dir", data, "--yes")
            #expect(done.status == 0 && done.output.contains("is forgotten"), "\(done.errors)")
            let left = try connlog("queue", "inspect", "--data-dir", data)
            #expect(!left.output.contains("siem"), "\(left.output)")
        }

        @Test func `replay counts, and refuses what it cannot do`() throws {
            try run()
            let config = daemon.configuration.path
            let dry = try connlog(
                "replay", "--config", config, "--sink", "siem", "--from", "2000-01-01", "--dry-run", "--json")
            #expect(dry.status == 0, "\(dry.errors)")
            #expect(dry.output.contains("\"found\": \(try expectedCount())"), "\(dry.output)")
            let file = try connlog("replay", "--config", config, "--sink", "events.jsonl", "--from", "-24h")
            #expect(file.status == 2 && file.errors.contains("exactly once"), "\(file.errors)")
            let time = try connlog("replay", "--config", config, "--sink", "siem", "--from", "yesterday")
            #expect(time.status == 2 && time.errors.contains("'yesterday' is not a time"), "\(time.errors)")
            let dead = try connlog(
                "replay", "--config", config, "--sink", "siem", "--from", "2000-01-01", "--give-up-after", "0s")
            #expect(dead.status == 1 && dead.errors.contains("was given up"), "\(dead.errors)")
        }

        @Test func `dead letters, when there are none`() throws {
            try run()
            let config = daemon.configuration.path
            let list = try connlog("dead-letter", "list", "--config", config)
            #expect(list.status == 0 && list.output == "no dead letters\n", "\(list.errors)")
            let drop = try connlog("dead-letter", "drop", "--config", config)
            #expect(drop.status == 2 && drop.errors.contains("--all"), "\(drop.errors)")
        }

        @Test func `check --send tries a file sink and leaves its file alone`() throws {
            let daemon = try Daemon(
                reading: Project.exampleLog, sections: Daemon.file("events.jsonl", in: workplace), in: workplace)
            let end = try connlog("check", "--config", daemon.configuration.path, "--send")
            #expect(end.status == 0 && end.output.contains("connlog-test"), "\(end.output)\(end.errors)")
            #expect(!FileManager.default.fileExists(atPath: workplace.path("events.jsonl")))
            #expect(!FileManager.default.fileExists(atPath: workplace.path("data")))
            try FileManager.default.createDirectory(
                at: workplace.url("events.jsonl"), withIntermediateDirectories: true)
            let failed = try connlog("check", "--config", daemon.configuration.path, "--connect")
            #expect(failed.status == 1 && failed.output.contains("failed"), "\(failed.output)\(failed.errors)")
        }
    }
}
