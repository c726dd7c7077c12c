import Foundation
import Testing

extension ProcessTests {
    /// A journal that grows and rotates while connlog is killed again and again. `CONNLOG_TEST_SEED` asks for other kills.
    @Suite struct JournalKillTests {
        private static let kills = 50
        private static let seed = Setting.number("CONNLOG_TEST_SEED", default: 11)

        @Test func `every entry of a journal arrives once, wherever it was killed`() throws {
            let workplace = try Workplace()
            let identifiers = workplace.url("fed.ids")
            let feeder = try Child(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "feed_journal.py").path, "--out",
                    workplace.path("journal"),
                    "--ids", identifiers.path, "--rate", "500", "--rotate-entries", "500", "--seed", "\(Self.seed)",
                ], in: workplace, named: "feeder")
            let configuration = try workplace.write(
                """
                [connlog]
                data_dir = \(workplace.path("data"))
                [source "journal"]
                type = journald
                directory = \(workplace.path("journal"))
                \(Daemon.file("json.log", in: workplace))
                """, to: "connlog.ini")
            let run = [Project.connlog.path, "run", "--config", configuration.path]
            let killer = try Child(
                "/usr/bin/env",
                [
                    "python3", Project.tools.appending(path: "kill_again.py").path, "--kills", "\(Self.kills)",
                    "--seed",
                    "\(Self.seed)", "--errors", workplace.path("lives.err"), "--",
                ] + run, in: workplace, named: "killer")
            let killed = try killer.wait()
            #expect(killed.status == 0, "\(killed.output.suffix(200)) \(workplace.text("lives.err").suffix(2000))")
            feeder.closeInput()
            #expect(try feeder.wait().status == 0)
            let end = try Child.run(run[0], Array(run.dropFirst()) + ["--once"], in: workplace)
            #expect(end.status == 0, "\(end.errors)")
            let got = try Identifiers.files(named: "json.log", in: workplace).compared(with: identifiers, in: workplace)
            #expect(got.isExact, "\(got)")
        }
    }
}
