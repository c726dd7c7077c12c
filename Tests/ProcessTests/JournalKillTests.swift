import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// A journal that grows and rotates while connlog is killed again and again. `CONNLOG_TEST_SEED` asks for other kills.
    @Suite struct JournalKillTests {
        private static let kills = 50
        private static let seed = Setting.number("CONNLOG_TEST_SEED", default: 11)

        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        /// Whatever the journal says is coderd's, into a file.
        private func command(reading directory: String) throws -> [String] {
            let configuration = try workplace.write(
                """
                [connlog]
                data_dir = \(workplace.path("data"))
                [source "journal"]
                type = journald
                directory = \(directory)
                \(Daemon.file("json.log", in: workplace))
                """, to: "connlog.ini")
            return [Project.connlog.path, "run", "--config", configuration.path]
        }

        private func feeder(_ tool: String, _ options: [String]) throws -> Child {
            let path = Project.tools.appending(path: tool).path
            return try Child(
                "/usr/bin/env",
                [
                    "python3", path, "--out", workplace.path("journal"), "--ids", workplace.path("fed.ids"), "--rate",
                    "500", "--seed", "\(Self.seed)",
                ] + options, in: workplace, named: "feeder")
        }

        /// Runs it and kills it, again and again.
        private func kill(_ run: [String], times: Int) throws {
            let killer = try Child(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "kill_again.py").path, "--kills", "\(times)", "--seed",
                    "\(Self.seed)", "--errors", workplace.path("lives.err"), "--",
                ] + run, in: workplace, named: "killer")
            let killed = try killer.wait()
            #expect(killed.status == 0, "\(killed.output.suffix(200)) \(workplace.text("lives.err").suffix(2000))")
        }

        private func once(_ run: [String]) throws -> Child.End {
            let end = try Child.run(run[0], Array(run.dropFirst()) + ["--once"], in: workplace)
            #expect(end.status == 0, "\(end.errors)")
            return end
        }

        private func expectExact() throws {
            let got = try Identifiers.files(named: "json.log", in: workplace).compared(
                with: workplace.url("fed.ids"), in: workplace)
            #expect(got.isExact, "\(got)")
        }

        @Test func `every entry of a journal arrives once, wherever it was killed`() throws {
            let feeder = try feeder("feed_journal.py", ["--rotate-entries", "500"])
            let run = try command(reading: workplace.path("journal"))
            try kill(run, times: Self.kills)
            feeder.closeInput()
            #expect(try feeder.wait().status == 0)
            _ = try once(run)
            try expectExact()
        }

        /// Case N1 among them: prompts of 200 KiB with an event at each place at which journald cuts.
        @Test(.enabled(if: geteuid() == 0))
        func `of what a real journald writes each event of the unit arrives once, and nothing that looks like one`()
            throws
        {
            let feeder = try feeder("feed_journald.py", ["--rotate-lines", "700"])
            try eventually("journald runs") { !feeder.isRunning || feeder.output.contains("ready ") }
            let line = try #require(feeder.output.split(separator: "\n").first, "\(feeder.errors)")
            let run = try command(reading: String(line.dropFirst("ready ".count)))
            try kill(run, times: 20)
            feeder.closeInput()
            let fed = try feeder.wait()
            #expect(fed.status == 0, "\(fed.errors)")
            let counts = try JSONDecoder().decode(
                [String: Int].self, from: Data((fed.output.split(separator: "\n").last ?? "").utf8))
            #expect(counts["forgeries"] ?? 0 >= 10 && counts["events"] ?? 0 > 1000, "\(counts)")
            _ = try once(run)
            try expectExact()
        }

        @Test func `what is vacuumed while it is killed costs what was in those files alone, and the gap is told`()
            throws
        {
            let feeder = try feeder(
                "feed_journal.py",
                ["--rotate-entries", "300", "--keep-files", "1", "--removed", workplace.path("removed.ids")])
            let run = try command(reading: workplace.path("journal"))
            try kill(run, times: Self.kills)
            // Nobody reads while several files come and go.
            let before = workplace.lines("fed.ids").count
            try eventually("files go that nobody has read") { workplace.lines("fed.ids").count > before + 1500 }
            feeder.closeInput()
            #expect(try feeder.wait().status == 0)
            let end = try once(run)

            let (fed, removed) = (
                Set(workplace.lines("fed.ids").map(String.init)), Set(workplace.lines("removed.ids").map(String.init))
            )
            let arrived = workplace.lines("json.log").compactMap { line in
                line.firstMatch(of: #/"ID":"([^"]+)"/#).map { String($0.1) }
            }
            #expect(Set(arrived).count == arrived.count, "\(arrived.count - Set(arrived).count) came twice")
            #expect(Set(arrived).isSubset(of: fed))
            let lost = fed.subtracting(arrived)
            #expect(
                lost.count > 500 && lost.isSubset(of: removed), "\(lost.count), \(lost.subtracting(removed).prefix(3))")
            #expect(!removed.intersection(arrived).isEmpty, "vacuumed behind the reader too")
            let told = end.errors.firstMatch(of: #/between ([-0-9T:.]+Z) and ([-0-9T:.]+Z) were removed/#)
            let range = try #require(told, "\(end.errors)")
            #expect(range.1 < range.2)
            #expect(end.errors.contains("malformed gap"), "\(end.errors)")
        }

        /// Case W14.
        #if Server
        @Test func `the same event by the journal, by a file and by an archive of the journal is one row`() throws {
            let feeder = try feeder("feed_journal.py", ["--rotate-entries", "300"])
            try eventually("there are some") { workplace.lines("fed.ids").count > 500 }
            feeder.closeInput()
            #expect(try feeder.wait().status == 0)
            let archive = workplace.url("archive.json")
            let entries = try Child.run(
                "/usr/bin/env", ["journalctl", "-D", workplace.path("journal"), "-o", "json", "--all"], in: workplace)
            try entries.output.write(to: archive, atomically: true, encoding: .utf8)
            _ = try once(try command(reading: workplace.path("journal")))
            try Child.shell("rm -r data", in: workplace)
            let log = workplace.url("json.log")
            let sections = """
                [source "units"]
                type = journald
                directory = \(workplace.path("journal"))
                [source "archive"]
                type = file
                path = \(archive.path)
                format = journal
                from_unit = coder.service

                """
            let server = try ServerDaemon(
                reading: log, sections: sections, in: workplace)
            let child = try server.start()
            let events = workplace.lines("fed.ids").count
            try server.waitForEvents(3 * events)
            let rows = try server.curl("/api/v2/connectionlog/export?format=jsonl&limit=0").split(separator: "\n")
            let alone = try rowsOfOne(log)
            #expect(rows.count == alone && alone > 100, "\(rows.count) rows of three, \(alone) of one")
            _ = try child.stop()
        }

        /// How many rows one input alone makes.
        private func rowsOfOne(_ log: URL) throws -> Int {
            let apart = try Workplace()
            let server = try ServerDaemon(reading: log, in: apart)
            let child = try server.start()
            try server.waitForEvents(workplace.lines("fed.ids").count)
            defer { _ = try? child.stop() }
            return try server.curl("/api/v2/connectionlog/export?format=jsonl&limit=0").split(separator: "\n").count
        }
        #endif

        /// Case J10.
        @Test(.enabled(if: geteuid() == 0))
        func `a user who may not read the journal is told the group, and an empty directory is told for what it is`()
            throws
        {
            let feeder = try feeder("feed_journal.py", ["--rotate-entries", "100"])
            try eventually("there are some") { workplace.lines("fed.ids").count > 300 }
            feeder.closeInput()
            #expect(try feeder.wait().status == 0)
            let run = try command(reading: workplace.path("journal"))
            let check = ["check", "--connect", "--config", run[3]]
            // As systemd has it; and a data directory that anybody may use.
            try Child.shell(
                """
                chmod 755 . journal && mkdir -p data && chmod 777 . data && touch json.log && chmod 666 json.log
                chown root:systemd-journal journal/*.journal && chmod 640 journal/*.journal
                """, in: workplace)
            let nobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", Project.connlog.path]
            let refused = try Child.run("/usr/bin/setpriv", nobody + check, in: workplace)
            let advice = "let connlog's user be in group systemd-journal ('usermod -aG systemd-journal connlog'"
            #expect(refused.status == 1 && refused.output.contains(advice), "\(refused.output)\(refused.errors)")
            let running = try Child.run(
                "/usr/bin/setpriv", nobody + ["run", "--once", "--config", run[3]], in: workplace)
            #expect(running.errors.contains(advice), "\(running.errors)")
            // In the group it is well.
            let group = ["--reuid=nobody", "--regid=nogroup", "--groups=systemd-journal", Project.connlog.path]
            let allowed = try Child.run("/usr/bin/setpriv", group + check, in: workplace)
            #expect(allowed.status == 0 && allowed.output.contains("can be read"), "\(allowed.output)\(allowed.errors)")

            try Child.shell("rm journal/*", in: workplace)
            let empty = try Child.run(run[0], check, in: workplace)
            #expect(
                empty.status == 1 && empty.output.contains("there is no journal in \(workplace.path("journal"))"),
                "\(empty.output)\(empty.errors)")
        }
    }
}
