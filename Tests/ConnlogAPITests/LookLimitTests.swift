#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

/// A list in our dialect that has no time left gives what it has, and goes on by `next`.
@Suite struct LookLimitTests {
    /// One each second; the oldest three were refused.
    private static let events = (0..<400).map {
        ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel", code: $0 < 3 ? 403 : 101)
    }

    private func withoutTime(_ body: (TestServer) async throws -> Void) async throws {
        try await withServer(Self.events) { server async throws in
            server.state.update { $0.lookLimit = .zero }
            try await body(server)
        }
    }

    private func list(_ query: String, _ more: String = "") -> String {
        "/api/v2/connectionlog?connlog=true&q=\(TestServer.escaped(query))\(more)"
    }

    private func words(_ reply: TestServer.Reply) -> String {
        (reply.json["warnings"] as? [[String: Any]] ?? []).compactMap { $0["detail"] as? String }.joined(
            separator: "; ")
    }

    @Test func `it says how far it has looked, that it is not complete, and claims nothing of the rest`() async throws {
        try await withoutTime { server async throws in
            let reply = try await server.get(list("code:403"))
            #expect(reply.status == 200 && reply.rows.isEmpty)
            #expect(reply.json["is_complete"] as? Bool == false && reply.json["next"] is String)
            let time = try #require(reply.json["looked_back_to"] as? String)
            #expect(time.hasPrefix("2026-01-01T00:0") && time < "2026-01-01T00:06:40Z")
            #expect(reply.json["count"] as? Int == 0 && reply.json["count_exact"] as? Bool == false)
            #expect(words(reply) == "nothing found yet, looked back to \(time); the list goes on with 'next'")
        }
    }

    @Test(arguments: ["code:403", "code:101", "", "code:999", "hour:00-24 -code:403", "duration:>1s"])
    func `pages put together are the whole list, each row once`(query: String) async throws {
        try await withoutTime { server async throws in
            let whole = try await server.get(list(query, "&count=exact&limit=1000"))
            #expect(whole.json["is_complete"] as? Bool == true && whole.json["looked_back_to"] == nil)
            var (ids, pages, next): ([String], Int, String?) = ([], 0, nil)
            repeat {
                let page = try await server.get(list(query, "&limit=150" + (next.map { "&after=\($0)" } ?? "")))
                #expect(page.status == 200)
                ids += page.ids
                pages += 1
                next = page.json["next"] as? String
                if page.json["is_complete"] as? Bool == false { #expect(next != nil) }
            } while next != nil && pages < 1000
            #expect(ids == whole.ids && whole.json["count"] as? Int == ids.count)
            #expect(pages > 1)
        }
    }

    @Test func `only an answer that came to its end says that nothing matches, and why`() async throws {
        try await withServer(Self.events) { server async throws in
            let reply = try await server.get(list("code:999"))
            #expect(reply.json["is_complete"] as? Bool == true && reply.json["count_exact"] as? Bool == true)
            #expect(words(reply) == "no connection has code:999")
        }
        try await withoutTime { server async throws in
            var (next, last): (String?, TestServer.Reply?) = (nil, nil)
            repeat {
                let page = try await server.get(list("code:999", next.map { "&after=\($0)" } ?? ""))
                next = page.json["next"] as? String
                #expect(!words(page).contains("no connection"))
                last = page
            } while next != nil
            #expect(last?.json["is_complete"] as? Bool == true && last?.rows.isEmpty == true)
            // What cannot be at once needs no look.
            let never = try await server.get(list("code:403 code:404"))
            #expect(never.json["is_complete"] as? Bool != nil)
        }
    }

    @Test func `who wants the whole count, an offset or Coder's own answer waits for it`() async throws {
        try await withoutTime { server async throws in
            for more in ["&count=exact", "&offset=0&count=exact", "&offset=1"] {
                let reply = try await server.get(list("code:403", more))
                #expect(reply.json["is_complete"] as? Bool == true && reply.json["next"] == nil, "\(more)")
                #expect(reply.ids.count == (more == "&offset=1" ? 2 : 3) && reply.json["count"] as? Int == 3, "\(more)")
            }
            let coder = try await server.get("/api/v2/connectionlog?q=type:tunnel&limit=500")
            #expect(Set(coder.json.keys) == ["connection_logs", "count", "count_cap"])
            #expect(coder.ids.count == 400 && coder.json["count"] as? Int == 400)
            let lines = try await server.get("/api/v2/connectionlog/export?q=code:403").text
            #expect(lines.split(separator: "\n").count == 3)
        }
    }

    @Test func `a count is at least what was found, and exact when the list has come to its end`() async throws {
        try await withoutTime { server async throws in
            let page = try await server.get(list("code:101", "&limit=5"))
            let count = try #require(page.json["count"] as? Int)
            #expect(count >= page.rows.count && page.json["count_exact"] as? Bool == false)
        }
        try await withServer(Self.events) { server async throws in
            let page = try await server.get(list("code:403", "&limit=5"))
            #expect(page.json["count"] as? Int == 3 && page.json["count_exact"] as? Bool == true)
        }
    }
}
#endif
