#if Server
import Foundation
import Testing

extension ProcessTests {
    /// `[access] type = coder` in the real program: the server is a process of its own, and a reload reaches it.
    @Suite struct CoderAccessTests {
        private let workplace: Workplace
        private let token = "abcdefghij-0123456789012345678901"

        init() throws { workplace = try Workplace() }

        private func coder(at port: Int) throws -> Child {
            let people = #"{"users":[{"id":"\#(UUID().uuidString)","username":"person-0"}],"organizations":[]}"#
            let child = try Child(
                "/usr/bin/env", ["python3", Project.tools.appending(path: "coder_api.py").path, "\(port)", token],
                in: workplace, named: "coder", stdin: try workplace.write(people, to: "people.json"))
            try eventually("Coder answers") { !child.isRunning || child.output.contains("ready") }
            return child
        }

        private func status(_ server: ServerDaemon, _ token: String) throws -> String {
            try server.curl(
                "/api/v2/connectionlog",
                ["-o", "/dev/null", "-w", "%{http_code}", "-H", "Coder-Session-Token: \(token)"])
        }

        @Test func `whom Coder knows is let in, a list shuts somebody out at SIGHUP, and no token is logged`() throws {
            let port = try Ports.free(1, in: workplace)[0]
            let section = "[access \"coder\"]\ntype = coder\nurl = http://127.0.0.1:\(port)\nproxy = none\n\n"
            let server = try ServerDaemon(reading: Project.exampleLog, sections: section, in: workplace)
            let child = try server.start()
            #expect(try status(server, token) == "503")
            let away = try server.command(["check", "--connect"])
            #expect(away.status == 1 && away.output.contains("does not answer"), "\(away.output)")
            let coder = try coder(at: port)
            let there = try server.command(["check", "--connect"])
            #expect(there.output.contains("is Coder v2.30.1"), "\(there.output)")
            try eventually("Coder is asked again") { try status(server, token) == "200" }
            #expect(try status(server, String(token.reversed())) == "401")
            let text = try String(contentsOf: server.daemon.configuration, encoding: .utf8)
            let revoked = text.replacing("proxy = none", with: "proxy = none\nrevoked = Person-0")
            try revoked.write(to: server.daemon.configuration, atomically: true, encoding: .utf8)
            kill(child.pid, SIGHUP)
            try eventually("the list is in force") { try status(server, token) == "403" }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            #expect(end.errors.contains("person-0@127.0.0.1") && !end.errors.contains(token), "\(end.errors)")
            #expect(end.errors.contains("access coder: ") && end.errors.contains("does not answer"), "\(end.errors)")
            _ = try coder.stop()
        }
    }
}
#endif
