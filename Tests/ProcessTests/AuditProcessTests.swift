#if Server
import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// Who asked: from the server's process through the queue to the store and the sinks that want to know.
    @Suite struct AuditProcessTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        private func sink(_ name: String, _ more: String) -> String {
            "[sink \"\(name)\"]\ntype = file\npath = \(workplace.path("\(name).log"))\n\(more)\n\n"
        }

        private func lines(_ name: String) -> [String] {
            let text = (try? String(contentsOfFile: workplace.path("\(name).log"), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").map(String.init)
        }

        @Test func `who asked is in the store and in the sinks that ask for it, once, and nowhere else`() throws {
            let log = try GeneratedLog(lines: 200, seed: 41, in: workplace)
            let sections =
                sink("wanted", "include = audit\nfilter = type:ssh") + sink("people", "include = audit\nformat = human")
                + sink("plain", "")
            let server = try ServerDaemon(reading: log.log, sections: sections, in: workplace)
            var child = try server.start()
            try server.waitForEvents(log.events)
            let forged = "type:ssh \"\\\"}}\""
            let escaped = "q=type:ssh%20%22%5C%22%7D%7D%22"
            _ = try server.curl("/api/v2/connectionlog/export?format=csv&\(escaped)")
            _ = try server.curl("/api/v2/connectionlog?limit=1")
            func audited() -> [String] { lines("wanted").filter { $0.hasPrefix("{\"msg\":\"connlog_audit\"") } }
            try eventually("both questions are in the file") { audited().count == 2 }
            let first = try #require(
                try JSONSerialization.jsonObject(with: Data(audited()[0].utf8)) as? [String: Any])
            let fields = try #require(first["fields"] as? [String: Any])
            #expect(fields["action"] as? String == "export" && fields["filter"] as? String == forged)
            #expect(fields["complete"] as? Bool == true && fields["who"] as? String == "local")
            try eventually("the file for people has them") {
                lines("people").filter { $0.contains("connlog.audit: connlog_audit  id=") }.count == 2
            }
            #expect(lines("wanted").count < log.events && lines("people").count == log.events + 2)
            // A restart in between: what was told stays told, once.
            child.signal(SIGKILL)
            _ = try child.wait()
            child = try server.start()
            var shown: [[String: Any]] = []
            try eventually("the store has both") {
                let end = try server.command(["audit", "--json", "--limit", "0"])
                shown = try end.output.split(separator: "\n").compactMap {
                    try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                }
                return shown.contains { $0["action"] as? String == "export" }
            }
            #expect(shown.count { $0["action"] as? String == "export" } == 1)
            let text = try server.command(["audit", "--limit", "1", "--zone", "Asia/Tokyo"])
            #expect(text.status == 0 && text.output.contains("+09:00  local "), "\(text)")
            #expect(text.errors == "connlog: there are more; --limit 0 shows all\n")
            #expect(try server.command(["audit", "--since", "2100-01-01"]).output.isEmpty)
            #expect(lines("plain").count == log.events && lines("plain").allSatisfy { !$0.contains("connlog_audit") })
            let metrics = try server.curl("/metrics")
            #expect(metrics.contains("connlog_server_audit_events_lost_total 0"), "\(metrics)")
            // Connections are what they were.
            let rows = try server.command(["events", "--csv", "--limit", "0"]).output
            #expect(!rows.contains("connlog_audit"))
            let end = try child.stop()
            #expect(end.status == 0, "\(end.status) \(end.errors.suffix(1500))")
        }

        @Test func `who still follows events when connlog stops is with the sinks when they end`() throws {
            let log = try GeneratedLog(lines: 100, seed: 42, in: workplace)
            let server = try ServerDaemon(reading: log.log, sections: sink("wanted", "include = audit"), in: workplace)
            let child = try server.start()
            try server.waitForEvents(log.events)
            let watcher = try Child(
                "/usr/bin/env",
                ["curl", "-sN", "http://127.0.0.1:\(server.port)/api/v2/connectionlog/watch?last_event_id=0"],
                in: workplace, named: "watcher")
            try eventually("it has begun") { lines("wanted").contains { $0.contains("\"action\":\"watch\"") } }
            try eventually("it has all events") {
                watcher.output.components(separatedBy: "event: connection").count > log.events
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.status) \(end.errors.suffix(1500))")
            let told = lines("wanted").filter { $0.contains("\"action\":\"watch\"") }
            #expect(told.count == 2 && told.last?.contains("\"rows\":\(log.events),") == true, "\(told)")
            watcher.signal(SIGKILL)
            _ = try watcher.wait()
        }

        @Test func `a sink that cannot write who asked is refused with its place`() throws {
            let sections =
                sink("siem", "include = audit\nformat = cef")
                + "[sink \"x\"]\ntype = file\npath = /tmp/x\ninclude = all\n"
            let daemon = try Daemon(reading: workplace.url("no.log"), sections: sections, in: workplace)
            let end = try Child.run(
                ServerDaemon.program, ["check", "--config", daemon.configuration.path], in: workplace)
            #expect(end.status == 2)
            #expect(end.errors.contains("audit events have no form in format = cef yet"), "\(end.errors)")
            #expect(end.errors.contains(#/connlog.ini:\d+:\d+: error: .*'all'/#), "\(end.errors)")
        }
    }
}
#endif
