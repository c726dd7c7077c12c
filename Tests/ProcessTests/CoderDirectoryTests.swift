#if Server
import Foundation
import Testing

extension ProcessTests {
    /// Names from Coder's API, in the answers of the server, which is a process of its own.
    @Suite struct CoderDirectoryTests {
        private let workplace: Workplace
        private let token = "abcdefghij-0123456789012345678901"

        init() throws { workplace = try Workplace() }

        /// - Parameter more: users beside those of the example.
        private func coder(at port: Int, more: Int = 0) throws -> Child {
            let pattern = #/"WorkspaceOwnerID":"([0-9a-f-]{36})"/#
            let lines = try String(contentsOf: Project.exampleLog, encoding: .utf8).split(separator: "\n")
            let ids = Set(lines.compactMap { $0.firstMatch(of: pattern).map { String($0.1) } })
            try #require(!ids.isEmpty)
            let users = ids.sorted().enumerated().map { #"{"id":"\#($1)","username":"person-\#($0)"}"# }
            let people = #"{"users":[\#(users.joined(separator: ","))],"organizations":[],"more":\#(more)}"#
            let file = try workplace.write(people, to: "people.json")
            let child = try Child(
                "/usr/bin/env", ["python3", Project.tools.appending(path: "coder_api.py").path, "\(port)", token],
                in: workplace, named: "coder", stdin: file)
            try eventually("Coder answers") { !child.isRunning || child.output.contains("ready") }
            return child
        }

        @Test func `the server's answers have the names that Coder gave, and still have them when Coder is away`()
            throws
        {
            let port = try Ports.free(1, in: workplace)[0]
            let secret = try workplace.write("wrong\n", to: "token")
            let section = """
                [directory "coder"]
                type = coder_api
                url = http://127.0.0.1:\(port)
                token = ${file:\(secret.path)}
                proxy = none


                """
            let server = try ServerDaemon(reading: Project.exampleLog, sections: section, in: workplace)
            do {
                let coder = try coder(at: port)
                let child = try server.start()
                try server.waitForEvents(154)
                try eventually("the token is refused, and that is told") {
                    child.errors.contains("does not take the token (\"API key is invalid.\")")
                }
                #expect(!child.errors.contains(token))
                let check = try server.command(["check", "--connect"])
                #expect(check.status == 1 && check.output.contains("does not take the token"), "\(check.output)")
                _ = try workplace.write(token + "\n", to: "token")
                // A changed file is a reason to ask at once.
                kill(child.pid, SIGHUP)
                try eventually("names are in the answers") { try names(server).contains("\"person-0\"") }
                let found = try server.command(["events", "workspace_owner:person-0", "--json", "--limit", "1"])
                #expect(found.output.contains("person-0"), "\(found.output)\(found.errors)")
                let good = try server.command(["check", "--connect"])
                #expect(good.output.contains("Coder v2.30.1") && good.output.contains("can be read"), "\(good.output)")
                let end = try child.stop()
                #expect(end.status == 0, "\(end.errors)")
                _ = try coder.stop()
            }
            let child = try server.start()
            try eventually("names are in the answers without Coder") { try names(server).contains("\"person-0\"") }
            try eventually("that Coder is away is told") { child.errors.contains("the names from before stay") }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }

        /// In KiB, at its most so far.
        private func memory(of pid: Int32) -> Int {
            let text = read(URL(filePath: "/proc/\(pid)/status"))
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            return line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        }

        /// `CONNLOG_TEST_USERS` asks for another number, such as 200000.
        @Test func `a list of many users comes whole, and events go on meanwhile`() throws {
            let count = Setting.number("CONNLOG_TEST_USERS", default: 50_000)
            let port = try Ports.free(1, in: workplace)[0]
            let coder = try coder(at: port, more: count)
            let section = """
                [directory "coder"]
                type = coder_api
                url = http://127.0.0.1:\(port)
                token = \(token)
                proxy = none


                """
            let server = try ServerDaemon(reading: Project.exampleLog, sections: section, in: workplace)
            let begun = ContinuousClock.now
            let child = try server.start()
            try server.waitForEvents(154)
            let events = ContinuousClock.now - begun
            try eventually("all users are read") {
                !child.isRunning || child.errors.contains(#/directory coder: \d+ users and/#)
            }
            #expect(workplace.lines("data/names/coder.users.csv").count > count)
            let names = ContinuousClock.now - begun
            // The list's last ones.
            try eventually("rows of those on the last page are found by name, and have it") {
                try server.command(["events", "workspace_owner:person-0", "--json", "--limit", "1"]).output.contains(
                    "person-0")
            }
            let found = ContinuousClock.now - begun
            print(
                "\(count) users: events after \(events), all names on disk after \(names), found after \(found); forwarder "
                    + "\(memory(of: child.pid)) KiB at most")
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            _ = try coder.stop()
        }

        private func names(_ server: ServerDaemon) throws -> String { try server.curl("/api/v2/connectionlog/names") }
    }
}
#endif
