import Foundation
import Testing

extension ProcessTests {
    /// Rows of a Coder's table that grows and shifts, read by a connlog that is killed again and again.
    /// `CONNLOG_TEST_SEED` asks for other kills.
    @Suite struct CoderTableTests {
        private static let kills = 20
        private static let seed = Setting.number("CONNLOG_TEST_SEED", default: 17)
        private static let token = "abcdefghij-0123456789012345678901"

        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        private func table(_ port: Int, _ identifiers: URL, _ options: [String] = []) throws -> Child {
            let child = try Child(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "coder_table.py").path, "\(port)", Self.token, "--ids",
                    identifiers.path, "--seed", "\(Self.seed)",
                ] + options, in: workplace, named: "table")
            try eventually("Coder answers") { !child.isRunning || child.output.contains("ready") }
            return child
        }

        private func section(_ port: Int) -> String {
            """
            [source "table"]
            type = coder_api
            url = http://127.0.0.1:\(port)
            token = \(Self.token)
            interval = 1s
            proxy = none

            """
        }

        @Test func `every connect and every disconnect arrives once, wherever it was killed`() throws {
            let port = try Ports.free(1, in: workplace)[0]
            let identifiers = workplace.url("table.ids")
            let table = try table(port, identifiers)
            let configuration = try workplace.write(
                """
                [connlog]
                data_dir = \(workplace.path("data"))
                \(section(port))
                \(Daemon.file("json.log", in: workplace))
                """, to: "connlog.ini")
            let run = [Project.connlog.path, "run", "--config", configuration.path]
            let killer = try Child(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "kill_again.py").path, "--kills", "\(Self.kills)",
                    "--seed", "\(Self.seed)", "--longest-ms", "3000", "--errors", workplace.path("lives.err"), "--",
                ] + run, in: workplace, named: "killer")
            let killed = try killer.wait()
            #expect(killed.status == 0, "\(killed.output.suffix(200)) \(workplace.text("lives.err").suffix(2000))")
            table.closeInput()
            try eventually("the table stands still") { !table.isRunning || table.output.contains("still") }
            let end = try Child.run(run[0], Array(run.dropFirst()) + ["--once"], in: workplace)
            #expect(end.status == 0, "\(end.errors)")
            let got = try Identifiers.files(named: "json.log", in: workplace).compared(with: identifiers, in: workplace)
            #expect(got.isExact, "\(got)")
            try table.stop()
        }

        #if Server
        /// Lines of coderd's log for what a sink has got from the table: with ids of their own at the disconnects, since Coder
        /// gives no event's id there.
        private func log(of file: URL) throws -> (text: String, count: Int) {
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
                var line = line.replacing(#"["connlog","coder_api"]"#, with: #"["coderd"]"#)
                if line.contains(#""disconnected""#) {
                    line = line.replacing(#/"ID":"[^"]*"/#, with: "\"ID\":\"\(UUID().uuidString.lowercased())\"")
                }
                return line
            }
            return (lines.map { $0 + "\n" }.joined(), lines.count)
        }

        private func rows(_ server: ServerDaemon) throws -> Int {
            try server.curl("/api/v2/connectionlog/export?format=jsonl&limit=0").split(separator: "\n").count
        }

        @Test func `what table and log both bring is one row, and reconcile says whether anything is missing`() throws {
            let ports = try Ports.free(2, in: workplace)
            let identifiers = workplace.url("table.ids")
            let still = try table(ports[0], identifiers)
            still.closeInput()
            try eventually("the table stands still") { !still.isRunning || still.output.contains("still") }
            let log = try workplace.write("", to: "coderd.log")
            let server = try ServerDaemon(
                reading: log, sections: section(ports[0]) + Daemon.file("json.log", in: workplace), in: workplace)
            let child = try server.start()
            let events = try String(contentsOf: identifiers, encoding: .utf8).split(separator: "\n").count
            try server.waitForEvents(events)
            let count = try rows(server)
            #expect(count > 300)
            let check = try server.command(["check", "--connect"])
            #expect(check.output.contains("the newest began"), "\(check.output)")

            let equal = try server.command(["reconcile", "--from", "-7d", "--to", "now"])
            #expect(equal.status == 0 && equal.output.contains("result     the same"), "\(equal.output)\(equal.errors)")
            let more = try self.log(of: workplace.url("json.log"))
            try more.text.write(to: log, atomically: false, encoding: .utf8)
            try server.waitForEvents(events + more.count)
            #expect(try rows(server) == count)
            let again = try server.command(["reconcile", "--from", "-7d", "--to", "now", "--json"])
            #expect(
                again.status == 0 && again.output.contains("\"missing_in_store\": 0"), "\(again.output.prefix(2000))")

            let backwards = try server.command(["reconcile", "--from", "now", "--to", "-7d"])
            #expect(backwards.status == 2, "\(backwards.errors)")
            let unknown = try server.command(["reconcile", "--from", "-7d", "--to", "now", "--coder", "x"])
            #expect(unknown.status == 2 && unknown.errors.contains("[source \"table\"]"), "\(unknown.errors)")
            _ = try child.stop()
            _ = try still.stop()

            // Another Coder at that place has none of these connections.
            let other = try table(ports[0], workplace.url("other.ids"), ["--at-start", "10", "--seed", "4711"])
            other.closeInput()
            try eventually("the other table stands still") { !other.isRunning || other.output.contains("still") }
            let started = try server.start()
            let different = try server.command(["reconcile", "--from", "-9000s", "--to", "-1800s"])
            #expect(different.status == 1 && different.output.contains("not in the table"), "\(different.output)")
            _ = try started.stop()
            _ = try other.stop()
        }

        @Test func `with reconcile_every the daemon counts what is missing, and events go on when it cannot`() throws {
            let ports = try Ports.free(1, in: workplace)
            let still = try table(ports[0], workplace.url("table.ids"))
            still.closeInput()
            try eventually("the table stands still") { !still.isRunning || still.output.contains("still") }
            let events = workplace.text("table.ids").split(separator: "\n").count
            let log = try workplace.write("", to: "coderd.log")
            let server = try ServerDaemon(
                reading: log, sections: section(ports[0]), store: "reconcile_every = 1s", in: workplace)
            var child = try server.start()
            func figure(_ name: String) throws -> Double? {
                let line = try server.curl("/metrics").split(separator: "\n").first {
                    $0.hasPrefix("connlog_sink_reconcile_\(name){sink=\"store\"} ")
                }
                return line.flatMap { Double($0.split(separator: " ").last ?? "") }
            }
            try server.waitForEvents(events)
            try eventually("the table and the store are the same") {
                try figure("good") == 1 && figure("equal") ?? 0 > 100 && figure("missing_in_store") == 0
                    && figure("missing_in_table") == 0 && figure("different") == 0 && figure("unsure") == 0
            }
            #expect(try abs((figure("last_seconds") ?? 0) - Date().timeIntervalSince1970) < 60)
            let json = try server.command(["status", "--json"]).output
            #expect(json.contains("reconcile_missing_in_store"), "\(json.suffix(3000))")
            let text = try server.command(["status", "--figures"]).output
            #expect(text.contains("reconcile_missing_in_store"), "\(text.suffix(3000))")

            // Coder is away: told, and events go on.
            _ = try still.stop()
            try eventually("it is told") { try figure("good") == 0 && figure("missing_in_store") == 0 }
            #expect(child.errors.contains("cannot be compared with the store"), "\(child.errors)")
            _ = try Child.run(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "gen_lines.py").path, "--lines", "60", "--out",
                    log.path, "--ids", workplace.path("more.ids"),
                ], in: workplace)
            let more = workplace.text("more.ids").split(separator: "\n").count
            #expect(more > 30)
            try server.waitForEvents(events + more)
            _ = try child.stop()

            // Another Coder at that place: what the store has of the first one is missing there, and the other way round.
            let other = try table(ports[0], workplace.url("other.ids"), ["--at-start", "300", "--seed", "4711"])
            other.closeInput()
            try eventually("the other table stands still") { !other.isRunning || other.output.contains("still") }
            child = try server.start()
            try eventually("what differs is counted") {
                try figure("good") == 1 && figure("missing_in_table") ?? 0 > 10
            }
            #expect(child.errors.contains("differ over the last day"), "\(child.errors)")
            _ = try child.stop()
            _ = try other.stop()
        }
        #endif
    }
}
