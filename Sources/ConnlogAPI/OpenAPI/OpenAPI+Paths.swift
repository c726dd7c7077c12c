#if Server
extension OpenAPI {
    static let paths = [
        path(
            "/api/v2/connectionlog", "Connections, newest first, as Coder answers it.",
            [
                ref("q"), ref("limit"), ref("offset"),
                query("after_id", #"{"type":"string","format":"uuid"}"#, "Unused, as in Coder."),
                query(
                    "connlog", #"{"type":"boolean"}"#, "Our filter language, 'connlog' in each row, 'after' and 'next'."
                ),
                query("after", #"{"type":"string"}"#, "With connlog=true: goes on after this cursor."), ref("zone"),
                query(
                    "count", #"{"type":"string","enum":["exact"]}"#,
                    "With connlog=true: counts all that match, and waits for the rows; 'count_cap' is 0 then."),
            ], json("ConnectionLogResponse"), store),
        path(
            "/api/v2/connectionlog/export", "Every connection that matches, newest first, streamed.",
            [
                ref("q"), ref("limit"), ref("zone"),
                query(
                    "format", #"{"type":"string","enum":["jsonl","csv","text","package"]}"#,
                    "jsonl by itself; package is a zip of rows, events as received, a manifest and checksums."),
                query("from", #"{"type":"string","format":"date-time"}"#, "Of a package: began then or later."),
                query("to", #"{"type":"string","format":"date-time"}"#, "Of a package: began before."),
                query(
                    "asked_at", #"{"type":"string","format":"date-time"}"#,
                    "Of a package: when it was asked for, for its manifest; relative times count from then."),
            ],
            #"{"application/jsonl":{"schema":{"type":"string"}},"text/csv":{"schema":{"type":"string"}},"text/plain":{"schema":{"type":"string"}},"application/zip":{"schema":{"type":"string","format":"binary"}}}"#,
            store),
        path(
            "/api/v2/connectionlog/stats",
            "How many connections began when, by type, user and workspace, how many were open at once, and facets.",
            [
                ref("q"), ref("zone"),
                query(
                    "from", #"{"type":"string","format":"date-time"}"#,
                    "Without it, what q has; of a q with an end only, the oldest connection that matches; without that too, 24 hours."
                ),
                query("to", #"{"type":"string","format":"date-time"}"#, "Now, without it."),
                query("interval", #"{"type":"integer","minimum":0,"maximum":2147483647}"#, "Seconds of a bucket."),
                query(
                    "facets", #"{"type":"string"}"#,
                    "Some of outcome, type, person (recorded or inferred), user (recorded), owner, workspace, ip, organization and client, with commas between."
                ),
                query("limit", #"{"type":"integer","minimum":0,"maximum":1000}"#, "So many values of each facet."),
            ], json("Stats"), store),
        path(
            "/api/v2/connectionlog/people", "What each person did, recorded or inferred.",
            [
                ref("q"), ref("zone"),
                query(
                    "from", #"{"type":"string","format":"date-time"}"#,
                    "Without it, what q has; of a q with an end only, the oldest connection that matches; without that too, 24 hours."
                ),
                query("to", #"{"type":"string","format":"date-time"}"#, "Now, without it."),
                query(
                    "sort",
                    #"{"type":"string","enum":["connections","refused","failed","seconds","workspaces","addresses","first","last","username"]}"#,
                    "connections by itself; most or latest first, names from A to Z."),
                query(
                    "limit", #"{"type":"integer","minimum":0,"maximum":5000}"#,
                    "At most so many people; 100 without it."),
            ], json("People"), store),
        path(
            "/api/v2/connectionlog/watch",
            "Events as they come, as server-sent events; 'restart' when the store begins anew, with new numbers.",
            [
                ref("q"), ref("zone"), query("format", #"{"type":"string","enum":["json","text"]}"#, "json by itself."),
                query("last_event_id", #"{"type":"integer","minimum":0}"#, "Goes on after this event."),
                #"{"name":"Last-Event-ID","in":"header","schema":{"type":"integer","minimum":0}}"#,
            ], #"{"text/event-stream":{"schema":{"type":"string"}}}"#, store),
        path(
            "/api/v2/connectionlog/{id}", "One connection, and its events as they were received.",
            [#"{"name":"id","in":"path","required":true,"schema":{"type":"string","minLength":1}}"#], json("Details"),
            store),
        path(
            "/api/v2/connectionlog/status", "How connlog is.",
            [
                query("format", #"{"type":"string","enum":["json","text"]}"#, "json by itself."),
                query("figures", #"{"type":"string","enum":["all"]}"#, "As text, with each figure in a line."),
            ],
            ##"{"application/json":{"schema":{"$ref":"#/components/schemas/Status"}},"text/plain":{"schema":{"type":"string"}}}"##,
            usual),
        path(
            "/api/v2/connectionlog/names", "People and organizations that a directory knows, for menus.", [],
            json("Object"), usual),
        audit, views, view, ingest,
        path("/api/v2/buildinfo", "Which build this is.", [], json("Object"), [], isOpen: true),
        path("/api/v2/users/me", "Whose token it is.", [], json("User"), usual),
        path(
            "/api/v2/organizations", "The organizations that a directory knows.", [],
            ##"{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Organization"}}}}"##,
            usual),
        path("/metrics", "For Prometheus.", [], #"{"text/plain":{"schema":{"type":"string"}}}"#, usual),
        path("/healthz", "It lives.", [], json("Object"), [], isOpen: true),
        path(
            "/readyz", "It takes events and answers questions.", [], json("Object"), [("503", "NotReady")], isOpen: true
        ),
        path("/openapi.json", "This.", [], json("Object"), [], isOpen: true),
    ]

    private static let usual = [
        ("400", "BadRequest"), ("401", "Unauthorized"), ("403", "Forbidden"), ("429", "TooManyRequests"),
        ("503", "Unavailable"),
    ]
    static let store = usual + [("404", "NotFound"), ("500", "Internal")]

    private static func ref(_ name: String) -> String { ##"{"$ref":"#/components/parameters/\##(name)"}"## }

    static func query(_ name: String, _ schema: String, _ words: String) -> String {
        #"{"name":"\#(name)","in":"query","description":"\#(words)","schema":\#(schema)}"#
    }

    static func json(_ schema: String) -> String {
        ##"{"application/json":{"schema":{"$ref":"#/components/schemas/\##(schema)"}}}"##
    }

    static func failures(_ list: [(String, String)]) -> String {
        (list + [("405", "MethodNotAllowed")]).map { status, name in
            name == "NotReady"
                ? #","503":{"description":"Not ready; reasons say why.","content":\#(json("Object"))}"#
                : ##","\##(status)":{"$ref":"#/components/responses/\##(name)"}"##
        }.joined()
    }

    static func path(
        _ path: String, _ words: String, _ parameters: [String], _ content: String, _ failing: [(String, String)],
        isOpen: Bool = false
    ) -> String {
        let security = isOpen ? #","security":[]"# : ""
        return """
            "\(path)":{"get":{"summary":"\(words)"\(security),"parameters":[\(parameters.joined(separator: ","))],\
            "responses":{"200":{"description":"It is this.","content":\(content)}\(failures(failing))}}}
            """
    }

    private static let ingest = """
        "/api/v2/connectionlog/ingest":{"post":{"summary":"Takes events: lines in any format that connlog reads.",\
        "parameters":[{"name":"Content-Encoding","in":"header","schema":{"type":"string","enum":["identity","gzip"]}}],\
        "requestBody":{"content":{"application/jsonl":{"schema":{"type":"string"}},"application/octet-stream":{"schema":{"type":"string","format":"binary"}}}},\
        "responses":{"200":{"description":"All events are on the disk.","content":\(json("Ingested"))}\
        \(failures(usual + [("404", "NotFound"), ("408", "TooSlow"), ("413", "TooLarge"), ("415", "UnsupportedMediaType"), ("500", "Internal")]))}}}
        """
}
#endif
