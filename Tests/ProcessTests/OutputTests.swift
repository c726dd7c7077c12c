import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// What commands write, and what becomes of it: full disks, pipes that nobody reads, terminals; and how a process begins.
    @Suite struct OutputTests {
        private let workplace: Workplace
        private let daemon: Daemon

        init() throws {
            workplace = try Workplace()
            daemon = try Daemon(
                reading: Project.exampleLog, sections: Daemon.file("logs/events.jsonl", in: workplace), in: workplace)
        }

        private func shell(_ line: String) throws -> Child.End {
            try Child.run(
                "/bin/bash", ["-c", line, Project.connlog.path, Project.exampleLog.path, daemon.configuration.path],
                in: workplace)
        }

        @Test(arguments: [
            "convert --quiet --to json < $1", "convert --quiet --to human < $1", "convert --quiet --to rfc5424 < $1",
            "convert --quiet --to cef < $1", "convert --quiet --to ecs < $1", "convert --quiet --to hec < $1",
            "convert --quiet --to csv < $1", "convert --quiet --to csv < /dev/null",
            "check --config $2", "check --connect --config $2", "queue verify --config $2", "queue inspect --config $2",
            "queue inspect --json --config $2", "queue export --config $2 --from 0", "dead-letter list --config $2",
            "--help", "--version", "help queue",
        ]) func `what cannot be written is status 1 and a sentence`(command: String) throws {
            _ = try daemon.once()
            for target in ["/dev/full", "&-"] {
                let end = try shell("\"$0\" \(command) >\(target)")
                #expect(end.status == 1, "\(target): \(end.errors)")
                #expect(end.errors.contains("error: standard output cannot be written: "), "\(target): \(end.errors)")
            }
        }

        @Test(arguments: ["json", "human", "rfc5424", "hec", "csv", "cef", "leef", "ecs", "ocsf"])
        func `a reader that has seen enough ends it without a word`(format: String) throws {
            let line = "\"$0\" convert --quiet --to \(format) < $1 | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}"
            let end = try shell(line)
            // All of it may have gone into the pipe before the reader left.
            #expect(end.status == 141 || end.status == 0)
            #expect(end.errors.isEmpty, "\(end.errors)")
        }

        @Test(arguments: ["json", "human", "rfc5424", "hec", "csv", "cef", "leef", "ecs", "ocsf"])
        func `nothing in an event does anything to a terminal, and files get every byte`(format: String) throws {
            let evil = "\u{1b}]0;t\u{7}\u{1b}[2J\r\n\t\u{9b}31m\u{202e}\u{2028}\u{200f}x"
            let fields = [
                "ID": "ca5dfc63-dc43-463a-bb3e-38526866fd4b", "WorkspaceName": "dev\(evil)", "AgentName": "a\(evil)",
                "Type": "ssh", "DisconnectReason": "=\(evil)", "ConnectionStatus": "disconnected",
                "Time": "2025-07-10T10:14:38Z", "UserAgent": evil, "Ip": "::1",
            ]
            let entry: [String: Any] = [
                "ts": "2025-07-10T10:14:38Z", "level": "INFO", "msg": "connection_log", "caller": "c", "func": "f",
                "logger_names": ["coderd"], "fields": fields,
            ]
            let line = String(decoding: try JSONSerialization.data(withJSONObject: entry), as: UTF8.self)
            let log = try workplace.write(line + "\n", to: "evil.log")
            let shown = try Child.tool(
                "on_terminal.py", [log.path, Project.connlog.path, "convert", "--quiet", "--to", format], in: workplace)
            #expect(shown.contains("ca5dfc63"))
            let active = shown.unicodeScalars.filter { scalar in
                scalar != "\n"
                    && [.control, .format, .lineSeparator, .paragraphSeparator].contains(
                        scalar.properties.generalCategory)
            }
            #expect(active.isEmpty, "\(active.map { String($0.value, radix: 16) })")
            #expect(shown.split(separator: "\n").count == (format == "csv" ? 2 : 1), "\(shown)")
            if format == "json" {
                let end = try shell("\"$0\" convert --quiet --to json < evil.log")
                #expect(end.output == line + "\n")
            }
        }

        /// It says nothing when all is well, but it has the queue open.
        private func waitUntilAtWork(_ child: Child) throws {
            let folder = "/proc/\(child.pid)/fd"
            try eventually("it is at work") {
                let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                return !child.isRunning
                    || files.contains { name in
                        let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
                        return path?.hasSuffix("/queue/lock") == true
                    }
            }
        }

        @Test func `a process begins with its own descriptors, modes and limits`() throws {
            // With standard error closed, the first file of its own would become it.
            let end = try shell("umask 0; \"$0\" run --once --config $2 1>&- 2>&-")
            #expect(end.status == 0)
            #expect(try shell("\"$0\" queue verify --config $2").output.contains("no damage"))
            let modes = try shell("stat -c '%a %n' data data/queue/* logs logs/events.jsonl")
            for line in modes.output.split(separator: "\n") {
                let mode =
                    line.hasSuffix(" logs")
                    ? "750" : line.hasSuffix("events.jsonl") ? "640" : line.hasSuffix("data") ? "700" : nil
                #expect(mode.map { line.hasPrefix($0) } ?? line.prefix(3).hasSuffix("00"), "\(line)")
            }
            let child = try daemon.start()
            try waitUntilAtWork(child)
            let limits = read(URL(filePath: "/proc/\(child.pid)/limits"))
            #expect(limits.contains(/Max core file size +0 +0/))
            let quit = try child.stop(SIGQUIT)
            #expect(quit.status == -SIGQUIT)
        }

        @Test func `a crash ends it at once and says where`() throws {
            let child = try daemon.start()
            try waitUntilAtWork(child)
            let end = try child.stop(SIGILL)
            #expect(end.status == -SIGILL)
            #expect(
                end.errors.contains("connlog: crashed by signal 04") && end.errors.contains("libc.so"), "\(end.errors)")
        }

        @Test func `signals that other daemons know do nothing, and are told once each`() throws {
            let child = try daemon.start()
            try waitUntilAtWork(child)
            for signal in [SIGUSR1, SIGUSR2, SIGALRM, SIGUSR1] {
                child.signal(signal)
                try eventually("it is told") { child.errors.contains("ignored, now and later") }
            }
            try eventually("all are told") { child.errors.components(separatedBy: "ignored, now and later").count == 4 }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            #expect(end.errors.components(separatedBy: "ignored, now and later").count == 4, "\(end.errors)")
        }

        @Test(arguments: [
            ["replay", "--config", "x", "--from", "-24h"], ["replay", "--dry-run", "--from", "-24h"],
            ["events", "--bogus", "-24h"], ["events", "-24h"], ["run", "-path"], ["queue", "export", "-this"],
            ["chekc"], ["queue", "inspcet"], ["tail", "--json", "-12h"], ["dead-letter", "shwo"],
        ]) func `a word with one dash never asks for help, and an unknown command is told`(words: [String]) throws {
            let end = try Child.run(Project.connlog.path, words, in: workplace)
            #expect(end.status == 2 && end.output.isEmpty && !end.errors.isEmpty, "\(end)")
            if words.last == "inspcet" { #expect(end.errors.contains("did you mean 'inspect'?"), "\(end.errors)") }
            if words == ["chekc"] { #expect(end.errors.contains("did you mean 'check'?"), "\(end.errors)") }
        }

        @Test func `the container can be named`() throws {
            let line = read(Project.exampleLog).split(separator: "\n").first { $0.contains("\"connection_log\"") } ?? ""
            let wrapped = try JSONSerialization.data(withJSONObject: [
                "log": line + "\n", "stream": "stderr", "time": "2025-07-03T05:09:41Z",
            ])
            let log = try workplace.write(String(decoding: wrapped, as: UTF8.self) + "\n", to: "docker.log")
            let end = try Child.run(
                Project.connlog.path, ["convert", "--to", "json", "--container", "docker"], in: workplace, stdin: log)
            #expect(end.output == line + "\n", "\(end.errors)")
        }

        @Test(arguments: [-1, 0, 1], [1 << 20, 2 << 20])
        func `an event of any size about what is read at a time comes out whole`(step: Int, size: Int) throws {
            let line = read(Project.exampleLog).split(separator: "\n").first { $0.contains("\"connection_log\"") } ?? ""
            let short = "\(line)".replacing("\"UserAgent\":\"\"", with: "\"UserAgent\":null")
            let start = try #require(short.range(of: "\"fields\":{"))
            let room = size + step - short.utf8.count - "\"Pad\":\"\",".utf8.count
            let long =
                short[..<start.upperBound] + "\"Pad\":\"\(String(repeating: "x", count: room))\","
                + short[start.upperBound...]
            let log = try workplace.write("\(short)\n\(long)\n\(short)\n", to: "sizes.log")
            let end = try Child.run(
                Project.connlog.path, ["convert", "--quiet", "--to", "json"], in: workplace, stdin: log)
            #expect(end.output == "\(short)\n\(long)\n\(short)\n")
        }
    }
}
