#if Server
import ConnlogAPI
import ConnlogCore
import Foundation
import Testing

/// A figure that a part has is in everything that shows figures.
@Suite struct FigureTests {
    private static func figure(_ name: String, key: String? = nil, _ value: Double? = 4242) -> Figure {
        Figure(.gauge, name, key: key, "What \(name) is.", value)
    }

    private static let overview = {
        var overview = Overview()
        overview.version = "1.2.3"
        overview.queue.figures = [figure("queue_thing")]
        var source = Overview.SourcePart()
        source.name = "coderd"
        source.figures = [figure("source_thing", key: "source_key"), figure("source_unknown", nil)]
        source.figures += Figure.each(.counter, "kinds", "By kind.", by: "kind", ["one": 4242, "two": 1])
        source.figures += Figure.each(.counter, "reasons", "By reason.", by: "reason", [:])
        overview.sources = [source]
        var sink = Overview.SinkPart()
        sink.name = "siem"
        sink.figures = [figure("delivery_thing")]
        sink.ownFigures = [figure("own_thing")]
        overview.sinks = [sink]
        var server = Overview.ServerPart()
        server.restarts = 4242
        overview.server = server
        return overview
    }()

    private func withOverview(
        _ overview: Overview, _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer { server async throws in
            server.state.update { $0.overview = { overview } }
            try await body(server)
        }
    }

    @Test func `a figure of any part is in the metrics, in the status as JSON and as text, and in the description`()
        async throws
    {
        try await withOverview(Self.overview) { server async throws in
            let metrics = try await server.get("/metrics").text
            for line in [
                "connlog_queue_queue_thing 4242", #"connlog_source_source_thing{source="coderd"} 4242"#,
                #"connlog_source_kinds_total{source="coderd",kind="one"} 4242"#,
                #"connlog_sink_delivery_thing{sink="siem"} 4242"#, #"connlog_sink_own_thing{sink="siem"} 4242"#,
                "connlog_server_restarts_total 4242", "connlog_http_connections_refused_total 0",
            ] { #expect(metrics.contains("\n" + line + "\n"), "\(line)") }
            #expect(metrics.contains("# HELP connlog_source_source_thing What source_thing is.\n"))

            let status = try await server.get("/api/v2/connectionlog/status").json
            func part(_ name: String) -> [String: Any]? {
                status[name] as? [String: Any] ?? (status[name] as? [[String: Any]])?.first
            }
            #expect(part("queue")?["queue_thing"] as? Int == 4242)
            #expect(part("sources")?["source_key"] as? Int == 4242)
            #expect(part("sources")?["kinds"] as? [String: Int] == ["one": 4242, "two": 1])
            #expect(part("sources")?["reasons"] as? [String: Int] == [:])
            #expect(part("sources")?["source_unknown"] is NSNull)
            #expect(part("sinks")?["delivery_thing"] as? Int == 4242)
            let own = part("sinks")?["figures"] as? [[String: Any]]
            #expect(own?.first?["name"] as? String == "own_thing" && own?.first?["value"] as? Int == 4242)
            #expect(part("server")?["restarts"] as? Int == 4242)
            #expect(part("http")?["connections_refused"] as? Int == 0)

            let text = try await server.get("/api/v2/connectionlog/status?format=text&figures=all").text
            for name in [
                "queue_thing", "source_thing", "source_unknown", "kinds (one)", "delivery_thing", "own_thing",
                "restarts", "connections_refused",
            ] { #expect(text.contains(name), "\(name)") }
            #expect(text.contains("What own_thing is."))

            let document = try await server.get("/openapi.json").json
            let schemas = (document["components"] as? [String: Any])?["schemas"] as? [String: Any]
            let schema = try #require(schemas?["Status"] as? [String: Any])
            let words = try String(decoding: JSONSerialization.data(withJSONObject: schema), as: UTF8.self)
            for name in [
                "queue_thing", "source_key", "source_unknown", "kinds", "delivery_thing", "restarts",
                "connections_refused",
            ] { #expect(words.contains("\"\(name)\""), "\(name)") }
        }
    }

    /// Prometheus takes none of a page on which one line stands twice, and a sink may be anybody's.
    @Test func `a sink that counts under a name that its delivery has does not spoil the metrics`() async throws {
        var overview = Self.overview
        overview.sinks[0].ownFigures = [
            Self.figure("delivery_thing", 1), Figure(.counter, "delivery_thing", "Another kind.", 2),
            Figure(.gauge, "lines", "With a\nbreak, a \\ and a \"quote\".", by: [.init("a", "x\"\n\\")], 3),
        ]
        try await withOverview(overview) { server async throws in
            let lines = try await server.get("/metrics").text.split(separator: "\n")
            let series = lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }
            #expect(Set(series).count == series.count)
            #expect(lines.contains(#"connlog_sink_lines{sink="siem",a="x\"\n\\"} 3"#))
            #expect(lines.contains(#"connlog_sink_delivery_thing{sink="siem"} 4242"#))
        }
    }
}
#endif
