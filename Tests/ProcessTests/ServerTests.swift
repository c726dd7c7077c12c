#if Server
import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// The real daemon with its store and server.
    @Suite struct ServerTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        @Test func `the store has every event once, however often connlog is killed`() throws {
            let log = try GeneratedLog(lines: 60_000, seed: 31, in: workplace)
            let server = try ServerDaemon(reading: log.log, in: workplace)
            for round in 0..<8 {
                let child = try server.start()
                // Somewhere in the middle of its work, elsewhere each time.
                try eventually("it has done a bit more") {
                    let file = try? FileManager.default.attributesOfItem(atPath: workplace.path("data/connlog.db-wal"))
                    return !child.isRunning || (file?[.size] as? Int ?? 0) > round * 700_000
                }
                child.signal(SIGKILL)
                _ = try child.wait()
            }
            let rest = try server.once()
            #expect(rest.status == 0, "\(rest.errors)")
            let child = try server.start()
            let url = "http://127.0.0.1:\(server.port)/api/v2/connectionlog/watch?last_event_id=0"
            let ids = try Child.tool("watch_to_end.py", [url], in: workplace).split(separator: "\n")
            let expected = try String(contentsOf: log.identifiers, encoding: .utf8).split(separator: "\n")
            #expect(ids == expected, "\(ids.count) of \(expected.count)\n\(child.errors)")
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }

        @Test func `rows and filters agree with a plain re-implementation in PostgreSQL`() throws {
            let log = try GeneratedLog(lines: 12_000, seed: 32, in: workplace)
            let users = try people(in: log.log)
            let directory = "[directory \"people\"]\ntype = csv\npath = \(users.path)\n"
            let server = try ServerDaemon(reading: log.log, sections: directory, in: workplace)
            let child = try server.start()
            try server.waitForEvents(log.events)
            let postgres = try Postgres(in: workplace)
            let said = try Child.tool(
                "compare_with_postgres.py",
                [
                    "--socket", postgres.socket, "--port", "\(postgres.port)", "--url",
                    "http://127.0.0.1:\(server.port)",
                    "--lines", log.log.path, "--users", users.path, "--queries", "80",
                ], in: workplace)
            struct Compared: Decodable {
                let rows: Int
                let found: Int
            }
            let compared = try JSONDecoder().decode(Compared.self, from: Data(said.utf8))
            #expect(compared.rows > 5000 && compared.found > 30, "\(said)")
            try postgres.stop()
            try child.stop()
        }

        /// A directory of the people in a log; some share a name.
        private func people(in log: URL) throws -> URL {
            var ids: [String] = []
            for line in try String(contentsOf: log, encoding: .utf8).split(separator: "\n") {
                for key in ["\"WorkspaceOwnerID\":\"", "\"UserID\":\""] {
                    guard let start = line.range(of: key)?.upperBound else { continue }
                    let id = String(line[start...].prefix(36))
                    if id.count == 36, !ids.contains(id) { ids.append(id) }
                }
                if ids.count > 60 { break }
            }
            let lines = ids.enumerated().map { "\($1),User\($0 % 40),user\($0)@example.com,Name" }
            return try workplace.write(
                (["id,username,email,name"] + lines).joined(separator: "\n") + "\n", to: "users.csv")
        }

        @Test func `status, events and tail ask the running daemon; a token made by the command lets in`() throws {
            let log = try GeneratedLog(lines: 300, seed: 33, in: workplace)
            let made = try Child.run(
                ServerDaemon.program, ["token", "create", "--role", "auditor", "--name", "jane"], in: workplace)
            let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let section = try #require(made.errors.range(of: "[access")).lowerBound
            let server = try ServerDaemon(reading: log.log, sections: String(made.errors[section...]), in: workplace)
            let child = try server.start()
            let stranger = try Child.run(
                ServerDaemon.program, ["status", "--url", "http://127.0.0.1:\(server.port)"], in: workplace)
            #expect(stranger.status == 2 && stranger.errors.contains("--token-file"), "\(stranger.errors)")
            let key = try workplace.write(token + "\n", to: "token").path
            try eventually("everything is stored") {
                try server.command(["status", "--json", "--token-file", key]).output.contains(
                    "\"delivered\":\(log.events)")
            }
            let status = try server.command(["status", "--token-file", key])
            #expect(status.status == 0 && status.output.contains("store") && status.output.contains("working"))
            let csv = try server.command(["events", "type:ssh", "--csv", "--limit", "0", "--token-file", key])
            let list = try server.curl(
                "/api/v2/connectionlog?q=type:ssh&limit=100000", ["-H", "Authorization: Bearer \(token)"])
            let rows =
                (try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any])?["connection_logs"]
                as? [Any]
            #expect(csv.output.components(separatedBy: "\r\n").count - 2 == rows?.count && rows?.isEmpty == false)
            let text = try server.command(["events", "type:ssh", "--limit", "3", "--token-file", key])
            #expect(text.output.split(separator: "\n").count == 4 && text.output.hasPrefix("TIME (UTC)  "))
            let count = rows?.count ?? 0
            #expect(text.errors == "connlog: 3 of \(count) connections; --limit 0 for all\n")
            try times(server, key)
            for (limit, isTold) in [(count - 1, true), (count, false), (count + 1, false)] {
                let end = try server.command(
                    ["events", "type:ssh", "--csv", "--limit", String(limit), "--token-file", key])
                #expect(end.errors.contains(" of \(limit + 1) connections") == isTold && end.errors.isEmpty != isTold)
            }
            // Words may exclude, and stand anywhere; options are still told apart from them.
            let others = try server.command(
                ["events", "-type:ssh", "connected_before:-1s", "--csv", "--limit", "0", "--token-file", key])
            let all = try server.command(["events", "--csv", "--limit", "0", "--token-file", key])
            func lines(_ end: Child.End) -> Int { end.output.components(separatedBy: "\r\n").count - 2 }
            #expect(others.status == 0 && lines(others) > 0 && lines(others) + lines(csv) == lines(all))
            #expect(try server.command(["events", "type:ssh", "--cvs", "--token-file", key]).status == 2)
            let wrong = try server.command(["events", "type:foo", "--token-file", key])
            #expect(wrong.status == 2 && wrong.errors.contains("is not a type; write one of ssh, "))
            #expect(!child.errors.contains(token))
            try child.stop()
        }

        /// Zones and ranges of `connlog events`.
        private func times(_ server: ServerDaemon, _ key: String) throws {
            func events(_ options: String...) throws -> Child.End {
                try server.command(["events", "--limit", "0", "--token-file", key] + options)
            }
            let all = try events().output
            #expect(try events("--zone", "Europe/Berlin").output.hasPrefix("TIME (Europe/Berlin)  "))
            #expect(try events("--zone", "Europe/Berlin").output.contains(#/\+0[12]:00 {2}/#))
            #expect(try events("--zone", "UTC").output == all && events("--utc").output == all)
            let wrong = try events("--zone", "../passwd")
            #expect(wrong.status == 2 && wrong.errors.contains("'../passwd' is no time zone"), "\(wrong.errors)")
            // Times of day in a query are those of the clocks that are shown: nine hours later there.
            let row = try #require(try events("--zone", "Asia/Tokyo").output.split(separator: "\n").dropFirst().first)
            let hour = try #require(Int(row.dropFirst(11).prefix(2)))
            let sameHour = try events("hour:\(hour)-\((hour + 1) % 24)", "--zone", "Asia/Tokyo").output
            #expect(sameHour.contains(row), "\(sameHour)")
            #expect(
                try !events("hour:\((hour + 3) % 24)-\((hour + 4) % 24)", "--zone", "Asia/Tokyo").output.contains(row))
            #expect(try events("--utc", "--local").status == 2)
            for since in ["1s", "-1s", "now", "2100-01-01"] {
                let end = try events("--since", since)
                #expect(end.status == 0 && end.output.isEmpty, "\(since): \(end)")
            }
            #expect(try events("--since", "2000-01-01").output == all)
            #expect(try events("connected_after:-3650d").output == all)
            let bad = try events("--since", "lately")
            #expect(bad.status == 2 && bad.errors.contains("'lately' is not a time"))
            let caret = try events("code:lots", "--since", "24h")
            #expect(caret.status == 2 && caret.errors.contains("\n    ^\n"), "\(caret.errors)")
        }

        @Test func `on a terminal events are as wide as it is, with colours where they are wanted`() throws {
            let log = try GeneratedLog(lines: 300, seed: 35, in: workplace)
            let server = try ServerDaemon(reading: log.log, in: workplace)
            let child = try server.start()
            try server.waitForEvents(log.events)
            let empty = try workplace.write("", to: "empty").path
            func shown(_ environment: [String]) throws -> String {
                let tool = Project.root.appending(path: "Tests/tools/on_terminal.py").path
                return try Child.run(
                    "/usr/bin/env",
                    environment + [
                        "python3", tool, empty, ServerDaemon.program, "events", "--config",
                        server.daemon.configuration.path,
                    ], in: workplace
                ).output
            }
            let plain = try shown(["TERM=xterm", "NO_COLOR=1", "COLUMNS=76"])
            let lines = plain.split(separator: "\n")
            #expect(lines.count > 50 && lines.allSatisfy { $0.unicodeScalars.count <= 76 } && !plain.contains("\u{1b}"))
            let colours = try shown(["-u", "NO_COLOR", "TERM=xterm", "COLUMNS=76"])
            #expect(colours.contains("\u{1b}[1mTIME") && colours.contains("\u{1b}[0m"))
            let colourless = colours.replacing(/\u{1b}\[\d+m/, with: "")
            #expect(colourless == plain)
            #expect(try shown(["-u", "NO_COLOR", "TERM=dumb", "COLUMNS=76"]) == plain)
            // --config beats $CONNLOG_URL.
            let end = try Child.run(
                "/usr/bin/env",
                [
                    "CONNLOG_URL=http://127.0.0.1:1", ServerDaemon.program, "events", "--limit", "1", "--config",
                    server.daemon.configuration.path,
                ], in: workplace)
            #expect(end.status == 0 && end.output.split(separator: "\n").count == 2, "\(end.errors)")
            try child.stop()
        }

        @Test func `a watched status shows what changes, and waits for a connlog that is started again`() throws {
            let log = try workplace.write("", to: "live.log")
            let server = try ServerDaemon(reading: log, in: workplace)
            let child = try server.start()
            let watching = try Child(
                ServerDaemon.program, ["status", "--watch", "--config", server.daemon.configuration.path],
                in: workplace, named: "watch")
            try eventually("the first look") { watching.output.contains("SINK") }
            #expect(watching.output.contains("CAUGHT UP IN") && watching.output.contains("store    "))
            try read(Project.exampleLog).write(to: log, atomically: false, encoding: .utf8)
            try eventually("a difference is told") { watching.output.contains(/\nstore .*\(.*\+[0-9]+/) }
            try child.stop()
            try eventually("it goes on trying") { watching.errors.contains("; trying again") }
            let count = watching.output.count
            let again = try server.start()
            try eventually("it is there again") { watching.output.count > count }
            watching.signal(SIGTERM)
            #expect(try watching.wait().status == 0)
            try again.stop()
        }

        @Test func `an evidence package is whole or is not there, and the same question gives the same bytes`() throws {
            let log = try GeneratedLog(lines: 3000, seed: 36, in: workplace)
            let server = try ServerDaemon(reading: log.log, in: workplace)
            let child = try server.start()
            try server.waitForEvents(log.events)
            func export(_ name: String, _ options: String...) throws -> Child.End {
                try server.command(["export", "--package", workplace.path(name)] + options)
            }
            let first = try export("a.zip", "-type:tunnel", "--from", "2000-01-01", "--zone", "Europe/Berlin")
            #expect(first.status == 0 && first.errors.contains("a.zip is complete"), "\(first.errors)")
            #expect(try export("b.zip", "-type:tunnel", "--from", "2000-01-01", "--zone", "Europe/Berlin").status == 0)
            let bytes = try Data(contentsOf: URL(filePath: workplace.path("a.zip")))
            #expect(try bytes == Data(contentsOf: URL(filePath: workplace.path("b.zip"))) && !bytes.isEmpty)
            let checked = try Child.run(
                "/usr/bin/env",
                [
                    "sh", "-c",
                    "cd '\(workplace.path("."))' && python3 -m zipfile -e a.zip out && cd out && sha256sum -c SHA256SUMS",
                ],
                in: workplace)
            #expect(checked.status == 0 && checked.output.components(separatedBy: ": OK").count == 4, "\(checked)")
            // Midnight of the zone.
            #expect(read(URL(filePath: workplace.path("out/manifest.json"))).contains("\"1999-12-31T23:00:00Z\""))
            // Another one's file stays; a question that is wrong, and a server that is not there, leave none.
            let taken = try export("a.zip")
            #expect(taken.status == 2 && taken.errors.contains("a.zip"), "\(taken.errors)")
            #expect(try Data(contentsOf: URL(filePath: workplace.path("a.zip"))) == bytes)
            #expect(try export("c.zip", "type:nothing").status == 2)
            #expect(try export("c.zip", "--local").status == 2)
            try child.stop()
            #expect(try export("c.zip").status == 1)
            for name in ["c.zip", "c.zip.part"] {
                #expect(!FileManager.default.fileExists(atPath: workplace.path(name)))
            }
        }

        @Test func `a shell is offered sinks, keys and people`() throws {
            let log = try workplace.write("", to: "live.log")
            let people = try workplace.write("id,username\n\(ToldEvent.uuid(1)),alice\n", to: "users.csv").path
            let server = try ServerDaemon(
                reading: log,
                sections: "[directory \"people\"]\ntype = csv\npath = \(people)\n"
                    + Daemon.file("siem.jsonl", in: workplace), in: workplace)
            let child = try server.start()
            let config = server.daemon.configuration.path
            func offered(_ command: String, _ argument: String, _ word: String) throws -> String {
                try Child.run(
                    ServerDaemon.program,
                    [
                        "---completion", command, "--", argument, "4", "\(word.count)", "connlog", command, "--config",
                        config, word,
                    ], in: workplace
                ).output
            }
            #expect(try offered("events", "positional@0", "ty") == "type:\n")
            try eventually("people are known") {
                try offered("events", "positional@0", "username:al") == "username:alice\n"
            }
            let sinks = try offered("replay", "--sink", "")
            #expect(sinks == "siem.jsonl\n", "\(sinks)")
            try child.stop()
        }

        @Test func `SIGHUP lets others in and reads the certificate again`() throws {
            let certificates = try TestCertificates()
            try certificates.make("first", "IP:127.0.0.1")
            try certificates.make("second", "IP:127.0.0.1")
            for name in ["pem", "key"] {
                try FileManager.default.copyItem(
                    atPath: certificates.path("first.\(name)"), toPath: workplace.path("tls.\(name)"))
            }
            let log = try workplace.write("", to: "live.log")
            let tls =
                "tls_cert = \(workplace.path("tls.pem"))\ntls_key = \(workplace.path("tls.key"))\nexternal_url = https://127.0.0.1/"
            let server = try ServerDaemon(reading: log, server: tls, in: workplace)
            let child = try server.start()
            func ask(_ headers: [String] = []) throws -> Child.End {
                try Child.run(
                    "/usr/bin/env",
                    ["curl", "-sv", "--cacert", certificates.authority] + headers
                        + ["https://127.0.0.1:\(server.port)/api/v2/users/me"], in: workplace)
            }
            let first = try ask()
            #expect(
                first.output.contains("\"username\":\"local\"") && first.errors.contains("CN=first"), "\(first.errors)")
            #expect(first.errors.lowercased().contains("strict-transport-security"))
            for name in ["pem", "key"] {
                try FileManager.default.removeItem(atPath: workplace.path("tls.\(name)"))
                try FileManager.default.copyItem(
                    atPath: certificates.path("second.\(name)"), toPath: workplace.path("tls.\(name)"))
            }
            let made = try Child.run(ServerDaemon.program, ["token", "create"], in: workplace)
            let section = try #require(made.errors.range(of: "[access")).lowerBound
            let configuration = try String(contentsOf: server.daemon.configuration, encoding: .utf8)
                .replacingOccurrences(of: "open = true\n", with: "")
            try (configuration + made.errors[section...]).write(
                to: server.daemon.configuration, atomically: true, encoding: .utf8)
            child.signal(SIGHUP)
            try eventually("the configuration is in force") {
                !child.isRunning || child.errors.contains("the configuration is in force")
            }
            let stranger = try ask()
            #expect(
                stranger.output.contains("You must be logged in.") && stranger.errors.contains("CN=second"),
                "\(stranger.errors)")
            let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try ask(["-H", "Coder-Session-Token: \(token)"]).output.contains("\"username\":\"somebody\""))
            try child.stop()
        }

        @Test func `what programs hand in is stored once, across a crash too`() throws {
            let log = try GeneratedLog(lines: 2000, seed: 34, in: workplace)
            let empty = try workplace.write("", to: "live.log")
            let server = try ServerDaemon(
                reading: empty, sections: "[source \"programs\"]\ntype = ingest\n", in: workplace)
            var child = try server.start()
            func hand() throws -> String {
                try server.curl(
                    "/api/v2/connectionlog/ingest",
                    ["-H", "Content-Type: application/jsonl", "--data-binary", "@\(log.log.path)"])
            }
            // A reload that changes nothing leaves the source at work.
            child.signal(SIGHUP)
            try eventually("the configuration is in force") {
                !child.isRunning || child.errors.contains("the configuration is in force")
            }
            #expect(try hand().contains("\"accepted\":\(log.events),\"duplicates\":0"))
            // 200 means that it is on the disk.
            child.signal(SIGKILL)
            _ = try child.wait()
            child = try server.start()
            #expect(try hand().contains("\"accepted\":0,\"duplicates\":\(log.events)"))
            // Some of them may have been stored before the crash, so this process's own count says nothing.
            try eventually("the store has all of them") {
                try server.curl("/metrics").contains("connlog_sink_lag_events{sink=\"store\"} 0\n")
            }
            #expect(
                try server.curl("/api/v2/connectionlog/export", ["-o", "/dev/null", "-w", "%{http_code}"]) == "200")
            try child.stop()
        }

        @Test(arguments: ["silent", "drip", "half", "huge", "bomb", "paths"])
        func `clients that nobody wants hold nobody else up`(kind: String) throws {
            let log = try workplace.write("", to: "live.log")
            let server = try ServerDaemon(
                reading: log, sections: "[source \"programs\"]\ntype = ingest\n",
                server: "timeout = 2s\nmax_connections = 300",
                in: workplace)
            let child = try server.start()
            _ = try Child.tool("hostile_http.py", ["--port", "\(server.port)", kind], in: workplace)
            let memory = read(URL(filePath: "/proc/\(child.pid)/status")).split(separator: "\n").first {
                $0.hasPrefix("VmHWM")
            }
            let kibibytes = Int(memory?.split(separator: " ").dropLast().last ?? "") ?? .max
            #expect(kibibytes < 256 << 10, "\(memory ?? "")")
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors.suffix(2000))")
        }

        @Test func `every answer is as the OpenAPI document says, and nothing that is asked breaks the server`() throws
        {
            let tool = Project.root.appending(path: ".build/schemathesis/bin/schemathesis").path
            let server = try ServerDaemon(
                reading: Project.exampleLog, sections: "[source \"programs\"]\ntype = ingest\n", server: "timeout = 5s",
                in: workplace)
            let child = try server.start()
            let count = Setting.number("CONNLOG_TEST_REQUESTS", default: 40)
            let end = try Child.run(
                tool,
                [
                    "run", "http://127.0.0.1:\(server.port)/openapi.json", "--max-examples", "\(count)", "--seed", "7",
                    "--exclude-path", "/api/v2/connectionlog/watch", "--phases", "examples,coverage,fuzzing",
                    "--checks",
                    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
                    "--no-color", "--request-timeout", "20",
                ], in: workplace)
            #expect(end.status == 0, "\(end.output.suffix(6000))")
            #expect(child.isRunning)
            let stopped = try child.stop()
            #expect(stopped.status == 0, "\(stopped.errors.suffix(2000))")
        }

        @Test func `the examples of the API work as they stand`() throws {
            let server = try ServerDaemon(
                reading: Project.exampleLog, sections: "[source \"programs\"]\ntype = ingest\n", in: workplace)
            let child = try server.start()
            try server.waitForEvents(154)
            let environment = ["CONNLOG_URL": "http://127.0.0.1:\(server.port)"]
            func run(_ name: String, _ arguments: [String]) throws -> Child.End {
                let path = Project.root.appending(path: "examples/api/\(name)").path
                let example = try Child(path, arguments, in: workplace, named: name, environment: environment)
                return try example.wait()
            }
            let requests = try run("requests.sh", [])
            #expect(
                requests.status == 0 && requests.output.contains("\"accepted\":1,\"duplicates\":0"),
                "\(requests.output)\(requests.errors)")
            #expect(
                requests.output.contains("\"accepted\":0,\"duplicates\":1")
                    && requests.output.contains("event: connection"))
            let day = try run("day.py", ["2025-07-03"])
            #expect(day.status == 0, "\(day.errors)")
            let list = try server.curl(
                "/api/v2/connectionlog?limit=1000&q=connected_after:%222025-07-03T00:00:00Z%22%20connected_before:%222025-07-03T23:59:59.999999Z%22"
            )
            let rows =
                (try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any])?["connection_logs"]
                as? [Any]
            #expect(day.output.split(separator: "\n").count == rows?.count && rows?.isEmpty == false)
            try child.stop()
        }
    }
}
#endif
