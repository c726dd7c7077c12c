#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogTestSupport
import Testing

/// Whom a server without `[access]` sections serves.
@Suite struct OpenModeTests {
    private static let everyPath = [
        "/", "/page/app.js", "/readyz", "/metrics", "/openapi.json", "/api/v2/buildinfo", "/api/v2/users/me",
        "/api/v2/organizations", "/api/v2/connectionlog", "/api/v2/connectionlog/export", "/api/v2/connectionlog/stats",
        "/api/v2/connectionlog/watch", "/api/v2/connectionlog/names", "/api/v2/connectionlog/status",
        "/api/v2/connectionlog/x",
    ]
    private static let closedPaths = everyPath.filter {
        !["/", "/page/app.js", "/readyz", "/openapi.json", "/api/v2/buildinfo"].contains($0)
    }

    @Test func `without access sections and without saying so nothing is served but health`() async throws {
        try await withServer(access: AccessList(), intake: NoIntake()) { server async throws in
            for path in Self.everyPath where path != "/readyz" {
                let reply = try await server.get(path)
                #expect(reply.status == 403 && reply.text.contains("[access]"), "\(path): \(reply.status)")
            }
            for path in ["/login", "/logout", "/api/v2/connectionlog/ingest"] {
                #expect(try await server.post(path, []).status == 403, "\(path)")
            }
            for path in ["/healthz", "/readyz"] { #expect(try await server.get(path).status == 200, "\(path)") }
        }
    }

    @Test func `a name that is not this machine's own is answered to on no route`() async throws {
        try await withServer { server async throws in
            for host in [
                "evil.example", "evil.example:80", "169.254.169.254", "127.0.0.1.evil.example:8484", "127.evil.example",
                "127.0.0.1.nip.io", "[::1].evil.example", "127.0.0.1@evil.example", "localhost.evil.example",
                "evil.localhost", "127.1", "127.0.0.256", "0x7f.0.0.1", "[::2]", "::1:80:", "localhost:", "localhost:x",
                "128.0.0.1", "[fe80::1]",
            ] {
                for path in Self.everyPath {
                    let reply = try await server.get(path, [("Host", host)])
                    #expect(reply.status == 403 || reply.status == 400, "\(host) \(path): \(reply.status)")
                }
            }
            for host in [
                "localhost:8484", "LOCALHOST", "127.0.0.1", "127.255.3.4:1", "[::1]:80", "[::1]", "[0:0:0:0:0:0:0:1]",
            ] {
                #expect(try await server.get("/api/v2/connectionlog", [("Host", host)]).status == 200, "\(host)")
            }
            let old = try await server.raw("GET /api/v2/connectionlog HTTP/1.0\r\n\r\n") { $0.contains("Forbidden") }
            #expect(old.hasPrefix("HTTP/1.0 403") || old.hasPrefix("HTTP/1.1 403"), "\(old.prefix(100))")
        }
    }

    @Test(arguments: [
        "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Server",
        "X-Real-IP",
        "CF-Connecting-IP", "True-Client-IP", "X-Envoy-External-Address", "X-Cluster-Client-IP", "X-Client-IP",
        "Fastly-Client-IP", "X-Original-URL", "X-Azure-ClientIP", "X-Amzn-Trace-Id", "CDN-Loop", "x-forwarded-for",
    ])
    func `nobody is served whom a proxy brings`(header: String) async throws {
        try await withServer { server async throws in
            let reply = try await server.get("/api/v2/connectionlog", [(header, "203.0.113.7")])
            #expect(reply.status == 403 && (reply.json["detail"] as? String)?.contains("proxy") == true)
        }
    }

    @Test func `what a page of another site makes a browser ask is refused, in open mode and with tokens`() async throws
    {
        let (token, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "jane", role: .admin, tokenHashes: [hash]))
        for access in [AccessList(isOpen: true), AccessList([entry])] {
            try await withServer(access: access, intake: NoIntake()) { server async throws in
                let own = "http://127.0.0.1:\(server.port)"
                let key = ("Coder-Session-Token", token)
                for header in [
                    ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
                    ("Origin", "https://evil.example"),
                    ("Origin", "null"), ("Origin", "http://127.0.0.1:1"), ("Origin", own + ".evil.example"),
                    ("Origin", ""),
                ] where !header.1.isEmpty {
                    for path in Self.closedPaths {
                        let reply = try await server.get(path, [key, (name: header.0, value: header.1)])
                        #expect(reply.status == 403, "\(header) \(path): \(reply.status)")
                    }
                    for path in ["/login", "/logout", "/api/v2/connectionlog/ingest"] {
                        let reply = try await server.post(path, [], [key, (name: header.0, value: header.1)])
                        #expect(reply.status == 403, "\(header) \(path): \(reply.status)")
                    }
                }
                for headers in [[("Origin", own)], [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")]] {
                    let all = headers.map { (name: $0.0, value: $0.1) } + [key]
                    #expect(try await server.get("/api/v2/connectionlog", all).status == 200, "\(headers)")
                    #expect(try await server.post("/api/v2/connectionlog/ingest", [], all).status == 200, "\(headers)")
                }
                // A link from elsewhere to the page is no harm.
                #expect(try await server.get("/", [("Sec-Fetch-Site", "cross-site")]).status == 200)
            }
        }
    }

    @Test func `behind a proxy the name that browsers know counts as the server's own`() async throws {
        let (token, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "jane", role: .admin, tokenHashes: [hash]))
        let url = ExternalURL("https://Coder.example.com/connlog/")
        try await withServer(access: AccessList([entry]), change: { $0.externalURL = url }) { server async throws in
            let body = Array(#"{"token":"\#(token)"}"#.utf8)
            let origin = ("Origin", "https://coder.example.com")
            #expect(try await server.post("/login", body, [origin]).status == 200)
            #expect(try await server.post("/login", body, [("Origin", "https://evil.example")]).status == 403)
        }
    }

    @Test(arguments: [
        "text/plain", "TEXT/PLAIN; charset=utf-8", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "",
    ])
    func `without a token nothing is taken that a form can send`(type: String) async throws {
        let (token, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "jane", role: .ingest, tokenHashes: [hash]))
        try await withServer(intake: NoIntake()) { server async throws in
            let reply = try await server.post("/api/v2/connectionlog/ingest", [], [("Content-Type", type)])
            #expect(reply.status == 415, "\(reply.status)")
        }
        try await withServer(access: AccessList([entry]), intake: NoIntake()) { server async throws in
            let headers = [(name: "Content-Type", value: type), (name: "Coder-Session-Token", value: token)]
            #expect(try await server.post("/api/v2/connectionlog/ingest", [], headers).status == 200)
        }
    }

    @Test func `an external URL is taken apart, and what would break a cookie is none`() {
        #expect(ExternalURL("https://a.example")?.path == "/")
        #expect(ExternalURL("https://a.example/x/y//")?.path == "/x/y")
        #expect(ExternalURL("HTTP://A.example:8080/X")?.authority == "a.example:8080")
        for bad in [
            "", "a.example", "https://", "https:///x", "ftp://a", "https://a/x;y", "https://a/x y", "https://a?x",
        ] {
            #expect(ExternalURL(bad) == nil, "\(bad)")
        }
    }
}
#endif
