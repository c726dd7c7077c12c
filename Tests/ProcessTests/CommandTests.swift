import Foundation
import Testing

extension ProcessTests {
    /// Arguments in, text and exit status out.
    @Suite struct CommandTests {
        private let workplace: Workplace

        init() throws {
            workplace = try Workplace()
        }

        private func connlog(_ arguments: String..., stdin: URL? = nil) throws -> Child.End {
            try Child.run(Project.connlog.path, arguments, in: workplace, stdin: stdin)
        }

        /// The events' IDs of the example log, in order.
        private func expectedIdentifiers() throws -> [String] {
            try Child.tool("make_example.py", ["ids"], in: workplace).split(separator: "\n").map(String.init)
        }

        @Test func `version and help go to stdout with status 0`() throws {
            let version = try connlog("--version")
            #expect(version.status == 0)
            #expect(
                version.output.contains(/^connlog \d+\.\d+\.\d+\ncommit: [^\n]+\ntraits: [^\n]+\n$/),
                "\(version.output)")
            let help = try connlog("--help")
            #expect(help.status == 0)
            for command in ["run", "check", "convert"] { #expect(help.output.contains(command)) }
            #expect(try connlog("run", "--help").output.contains("--once"))
        }

        @Test func `check tells only mistakes when it is to be quiet`() throws {
            let good = try workplace.write(try connlog("reference").output, to: "good.ini")
            let end = try connlog("check", "--quiet", "--config", good.path)
            #expect(end.status == 0 && end.output.isEmpty && end.errors.isEmpty, "\(end.output)\(end.errors)")
            let bad = try workplace.write("[sink \"x\"]\ntype = nonsense\n", to: "bad.ini")
            let refused = try connlog("check", "--quiet", "--config", bad.path)
            #expect(refused.status == 2 && refused.output.isEmpty && refused.errors.contains("bad.ini:2:"))
        }

        @Test(arguments: ["sentinel-cef.ini", "qradar-leef.ini", "elastic-ecs.ini", "ocsf.ini"])
        func `check takes every example for a SIEM`(name: String) throws {
            let folder = Project.root.appending(path: "examples/siem")
            let examples = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(examples.filter { $0.hasSuffix(".ini") }.count == 4)
            let end = try connlog("check", "--quiet", "--config", folder.appending(path: name).path)
            #expect(end.status == 0 && end.errors.isEmpty, "\(end.errors)")
        }

        @Test func `check without secrets wants no credential, and everything else`() throws {
            let token = try workplace.write("a-token\n", to: "token").path
            let sections = """
                [source "in"]
                type = stdin
                format = slog_json
                [sink "splunk"]
                type = splunk_hec
                url = https://splunk.example.com:8088
                token = ${credential:splunk-hec}
                proxy = http://proxy.example.com:${credential:proxy-port}
                [sink "other"]
                type = splunk_hec
                url = https://splunk.example.com:8088
                token = ${file:\(token)}

                """
            let good = try workplace.write(sections, to: "good.ini").path
            #expect(try connlog("check", "--quiet", "--config", good).status == 2)
            let end = try connlog("check", "--quiet", "--without-secrets", "--config", good)
            #expect(end.status == 0 && end.output.isEmpty && end.errors.isEmpty, "\(end.output)\(end.errors)")
            let shown = try connlog("check", "--without-secrets", "--config", good).output
            #expect(!shown.contains("0000"), "\(shown)")
            let bad = try workplace.write(sections + "tokn = x\n", to: "bad.ini").path
            let refused = try connlog("check", "--quiet", "--without-secrets", "--config", bad)
            #expect(refused.status == 2 && refused.errors.contains("tokn"), "\(refused.errors)")
            for (rest, word) in [
                ("proxy = ${file:/nowhere/proxy}\n", "/nowhere/proxy"), ("index = ${env:CONNLOG_NOT_SET}\n", "not set"),
            ] {
                let other = try workplace.write(sections + rest, to: "other.ini").path
                let end = try connlog("check", "--quiet", "--without-secrets", "--config", other)
                #expect(end.status == 2 && end.errors.contains(word), "\(end.errors)")
            }
            // Not a secret: told, and no mistake.
            let told = try workplace.write(sections + "index = ${credential:index}\n", to: "told.ini").path
            let warned = try connlog("check", "--without-secrets", "--config", told)
            #expect(warned.status == 0 && warned.errors.contains("[sink \"other\"] index: its credential was not read"))
            for word in ["0000", "stand-in"] { #expect(!"\(warned.output)\(warned.errors)".contains(word)) }
        }

        @Test func `a wrong command, option or file is status 2 with a sentence on stderr`() throws {
            for arguments in [
                ["frobnicate"], ["run", "--frobnicate"], ["run"], ["check", "--config", "not-there.ini"],
            ] {
                let end = try Child.run(Project.connlog.path, arguments, in: workplace)
                #expect(end.status == 2, "\(arguments): \(end.errors)")
                #expect(end.output.isEmpty, "\(arguments): \(end.output)")
                #expect(!end.errors.isEmpty, "\(arguments)")
            }
        }

        @Test func `the documented configuration and a small one pass the check`() throws {
            let log = Project.exampleLog
            let daemon = try Daemon(reading: log, sections: Daemon.file("events.jsonl", in: workplace), in: workplace)
            let end = try connlog("check", "--config", daemon.configuration.path)
            #expect(end.status == 0, "\(end.errors)")
            let documented = try connlog("check", "--config", Project.root.appending(path: "config/connlog.ini").path)
            #expect(documented.status == 0, "\(documented.errors)")
        }

        @Test(arguments: ["check", "run"])
        func `all mistakes of a configuration are told at once, with their places, and nothing starts`(
            command: String
        ) throws {
            try workplace.write(
                """
                [connlog]
                data_dir = \(workplace.path("data"))

                [source "coderd"]
                type = file
                path = /dev/null

                [sink "splunk"]
                type       = splunk_hec
                url        = http://127.0.0.1:1
                tokn       = x
                batch_wait = 5 parsecs
                """, to: "connlog.ini")
            let end = try connlog(command, "--config", "connlog.ini")
            #expect(end.status == 2)
            #expect(end.errors.contains("connlog.ini:11:1: error:"), "\(end.errors)")
            #expect(end.errors.contains("did you mean 'token'"), "\(end.errors)")
            #expect(end.errors.contains("connlog.ini:12:14: error:"), "\(end.errors)")
            #expect(
                end.errors.split(separator: "\n").contains { $0.contains(/^ *(\| *)?\^/) }, "no caret: \(end.errors)")
            #expect(!FileManager.default.fileExists(atPath: workplace.path("data")))
        }

        @Test func `convert to JSON keeps the events, each once, and slog JSON byte for byte`() throws {
            let end = try connlog("convert", "--from", "auto", "--to", "json", stdin: Project.exampleLog)
            #expect(end.status == 0, "\(end.errors)")
            let lines = end.output.split(separator: "\n")
            #expect(lines.compactMap(identifier) == (try expectedIdentifiers()))
            let received = Set(read(Project.exampleLog).split(separator: "\n"))
            #expect(lines.count { received.contains($0) } > 60)
        }

        @Test func `convert to every other format gives every event`() throws {
            let expected = try expectedIdentifiers()
            let patterns = [
                "human": " ID=", "rfc5424": "eid=\"", "hec": "\"event_id\":\"", "csv": "", "cef": " externalId=",
                "leef": "\teventId=", "ecs": "\"kind\":\"event\",\"id\":\"",
                "ocsf": "\"vendor_name\":\"Coder\"},\"uid\":\"",
            ]
            for (format, mark) in patterns {
                let end = try connlog("convert", "--from", "auto", "--to", format, stdin: Project.exampleLog)
                #expect(end.status == 0, "\(format): \(end.errors)")
                if mark.isEmpty {
                    for id in expected { #expect(end.output.contains(id), "\(format)") }
                    continue
                }
                let found = end.output.split(separator: "\n").compactMap { identifier(after: mark, in: $0) }
                #expect(found == expected, "\(format)")
            }
        }

        @Test func `what convert writes as human text it reads back as the same events`() throws {
            let human = try connlog("convert", "--to", "human", stdin: Project.exampleLog)
            let file = try workplace.write(human.output, to: "human.log")
            let back = try connlog("convert", "--to", "json", stdin: file)
            #expect(back.output.split(separator: "\n").compactMap(identifier) == (try expectedIdentifiers()))
        }

        private func identifier(_ line: Substring) -> String? { identifier(after: "\"ID\":\"", in: line) }

        private func identifier(after mark: String, in line: Substring) -> String? {
            guard let range = line.range(of: mark) else { return nil }
            return String(line.suffix(from: range.upperBound).prefix(36))
        }
    }
}
