#if Server
import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// Events beyond what `max_line` takes by default, through the real daemon.
    @Suite struct LargeEventTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        @Test func `with max_line raised, events of 2 MiB come out whole by events, export and details`() throws {
            let sizes = [100, 2 << 20, 0, (2 << 20) + 1, 200]
            let events = sizes.enumerated().map { number, size in
                ToldEvent(
                    id: ToldEvent.uuid(1 + number), time: Int64(number), type: "tunnel", code: 101,
                    userAgent: String(repeating: "Mozilla \"<", count: size / 10))
            }
            try workplace.write(events.map { $0.line + "\n" }.joined(), to: "large.log")
            let log = try workplace.write("", to: "empty.log")
            let source = "[source \"large\"]\ntype = file\npath = \(workplace.path("large.log"))\nmax_line = 4MiB\n\n"
            let server = try ServerDaemon(reading: log, sections: source, in: workplace)
            let child = try server.start()
            try server.waitForEvents(events.count)

            let expected = events.reversed().map { $0.userAgent ?? "" }
            let lines = try server.command(["events", "--json", "--limit", "0"])
            #expect(lines.status == 0, "\(lines.errors)")
            // Not compared in the expectation, since what differs would be printed.
            let areAll = lines.output.split(separator: "\n").map { agent(object(String($0))) } == expected
            #expect(areAll)
            let table = try server.command(["events", "--csv", "--limit", "0"])
            let rows = table.output.components(separatedBy: "\r\n").dropFirst().dropLast()
            let cells = expected.map {
                $0.isEmpty ? ",,,\"1\"," : "\"\($0.replacing("\"", with: "\"\""))\",,,\"1\","
            }
            let areCells = rows.count == cells.count && zip(rows, cells).allSatisfy { $0.contains($1) }
            #expect(areCells)
            #expect(try server.command(["events"]).output.split(separator: "\n").count == events.count + 1)
            for event in events {
                let details = object(try server.curl("/api/v2/connectionlog/\(event.id ?? "")"))
                let told = details["events"] as? [[String: Any]]
                let isWhole = told?.map { $0["line"] as? String } == [event.line]
                #expect(isWhole)
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }

        private func object(_ text: String) -> [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
        }

        private func agent(_ row: [String: Any]) -> String {
            (row["web_info"] as? [String: Any])?["user_agent"] as? String ?? "nothing"
        }
    }
}
#endif
