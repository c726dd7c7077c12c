#if Server
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// `[access] type = proxy`: who is let in by the word of a proxy.
@Suite struct ProxySignInTests {
    private static let path = "/api/v2/connectionlog"
    private static let roles = GroupRoles(auditors: ["audit", "Sec Team"], admins: ["root"], revoked: ["mallory"])

    private static func proxy(
        from: String = "127.0.0.0/8", secret: String? = nil, _ roles: GroupRoles = roles
    ) throws -> ProxySignIn {
        let block = try #require(AddressBlock(from))
        return try #require(
            ProxySignIn(
                name: "sso", from: [block], userHeader: "Remote-User",
                groupsHeader: "Remote-Groups", secret: secret, roles: roles))
    }

    private func withProxy(
        _ proxy: ProxySignIn, change: (inout APIServer.Options) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var access = AccessList()
        access.proxies = [proxy]
        try await withServer(
            [ToldEvent(id: ToldEvent.uuid(1), time: 10)], access: access, intake: NoIntake(), change: change, body)
    }

    private static func headers(_ user: String, _ groups: String? = "audit") -> [(name: String, value: String)] {
        [("Remote-User", user)] + (groups.map { [("Remote-Groups", $0)] } ?? [])
    }

    @Test(
        arguments: [
            ("audit", 200, 403), ("x, audit ,y", 200, 403), ("Sec Team", 200, 403), ("root", 200, 200),
            ("audit,root", 200, 200), ("Audit", 403, 403), ("", 403, 403), (nil, 403, 403), ("audit x", 403, 403),
        ] as [(String?, Int, Int)])
    func `groups of the proxy's are roles here`(groups: String?, reads: Int, seesAddresses: Int) async throws {
        try await withProxy(try Self.proxy()) { server async throws in
            #expect(try await server.get(Self.path, Self.headers("jane", groups)).status == reads)
            if reads == 200 {
                let me = try await server.get("/api/v2/users/me", Self.headers("jane", groups)).json
                #expect(me["username"] as? String == "jane" && me["login_type"] as? String == "none")
                let role = (me["roles"] as? [[String: Any]])?.first?["name"] as? String
                #expect(role == (seesAddresses == 200 ? "admin" : "auditor"))
                #expect(server.lines.all.contains { $0.contains("jane@127.0.0.1") })
            }
        }
    }

    @Test func `a name whose bytes are no text is nobody's`() async throws {
        try await withProxy(try Self.proxy()) { server async throws in
            for bytes: [UInt8] in [[0xff], [0x6a, 0xc3], [0xed, 0xa0, 0x80]] {
                let client = try RawClient(port: server.port)
                await client.send(
                    "GET \(Self.path) HTTP/1.1\r\nHost: 127.0.0.1\r\nRemote-Groups: root\r\nRemote-User: j")
                await client.send(bytes: bytes)
                await client.send("\r\n\r\n")
                let status = await client.read { $0.contains("\r\n\r\n") }.prefix(12)
                #expect(status == "HTTP/1.1 403" || status == "HTTP/1.1 400", "\(status)")
            }
        }
    }

    @Test func `headers that come from elsewhere let nobody in, and are counted`() async throws {
        try await withProxy(try Self.proxy(from: "10.0.0.0/8")) { server async throws in
            #expect(try await server.get(Self.path, Self.headers("jane", "root")).status == 401)
            let (token, hash) = TokenText.make()
            let entry = try #require(AccessList.Entry(name: "prom", role: .metrics, tokenHashes: [hash]))
            let proxy = try Self.proxy(from: "10.0.0.0/8")
            server.state.update { parts in
                parts.access = AccessList([entry])
                parts.access.proxies = [proxy]
            }
            let key = Self.headers("jane", "root") + [(name: "Coder-Session-Token", value: token)]
            let text = try await server.get("/metrics", key).text
            #expect(
                text.contains(#"connlog_http_sign_ins_total{type="proxy",outcome="foreign"} 2"#), "\(text.suffix(900))")
        }
    }

    @Test func `an address that a trusted proxy passes on is not the proxy's own`() async throws {
        let trust = TrustedProxies([try #require(AddressBlock("127.0.0.1"))])
        let forged = Self.headers("jane") + [(name: "X-Forwarded-For", value: "10.0.0.7")]
        try await withProxy(try Self.proxy(from: "10.0.0.0/8"), change: { $0.trustedProxies = trust }) {
            server async throws in
            #expect(try await server.get(Self.path, forged).status == 401)
        }
        try await withProxy(try Self.proxy(), change: { $0.trustedProxies = trust }) { server async throws in
            #expect(try await server.get(Self.path, forged).status == 200)
        }
    }

    @Test func `what stands there twice is refused`() async throws {
        try await withProxy(try Self.proxy()) { server async throws in
            for twice in [
                Self.headers("jane") + [(name: "Remote-User", value: "root")],
                Self.headers("jane") + [(name: "remote-user", value: "jane")],
                Self.headers("jane") + [(name: "Remote-Groups", value: "root")],
            ] {
                let reply = try await server.get(Self.path, twice)
                #expect(reply.status == 400 && reply.text.contains("twice"), "\(reply.text)")
            }
            // Other names are other headers.
            let similar = [(name: "Remote_User", value: "jane"), (name: "Remote-Groups", value: "root")]
            #expect(try await server.get(Self.path, similar).status == 401)
        }
    }

    @Test(arguments: ["jane doe", "jane\u{a0}doe", "a\u{202e}b", String(repeating: "a", count: 129)])
    func `a name that misleads whoever reads it is refused`(name: String) async throws {
        try await withProxy(try Self.proxy()) { server async throws in
            let reply = try await server.get(Self.path, Self.headers(name))
            #expect(reply.status == 403, "\(reply.status) \(reply.text)")
        }
    }

    @Test func `a tab in a name is refused too`() async throws {
        try await withProxy(try Self.proxy()) { server async throws in
            let head = "GET /api/v2/users/me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            let reply = try await server.raw(head + "Remote-User: a\tb\r\nRemote-Groups: audit\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 403"), "\(reply)")
        }
    }

    @Test func `with a secret the proxy's address alone is not enough`() async throws {
        try await withProxy(try Self.proxy(secret: "s3cret")) { server async throws in
            for wrong in [[], ["other"], [""], ["s3cret", "s3cret"]] {
                let secrets = wrong.map { (name: ProxySignIn.secretHeader, value: $0) }
                #expect(try await server.get(Self.path, Self.headers("jane") + secrets).status == 401, "\(wrong)")
            }
            let right = Self.headers("jane") + [(name: ProxySignIn.secretHeader, value: "s3cret")]
            #expect(try await server.get(Self.path, right).status == 200)
        }
    }

    @Test func `a proxy's word is a browser's: it hands nothing in, and other sites' pages get nothing`() async throws {
        try await withProxy(try Self.proxy()) { server async throws in
            let root = Self.headers("jane", "root")
            #expect(try await server.post("\(Self.path)/ingest", [], root).status == 403)
            for header in [
                ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "https://e.x"),
            ] {
                #expect(try await server.get(Self.path, root + [(name: header.0, value: header.1)]).status == 403)
            }
        }
    }

    @Test func `a token of the configuration counts before what the proxy says`() async throws {
        let (token, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "feed", role: .ingest, tokenHashes: [hash]))
        var access = AccessList([entry])
        access.proxies = [try Self.proxy()]
        try await withServer(access: access, intake: NoIntake()) { server async throws in
            let both = Self.headers("jane", "root") + [(name: "Coder-Session-Token", value: token)]
            #expect(try await server.post("\(Self.path)/ingest", [], both).status == 200)
            #expect(try await server.get(Self.path, both).status == 403)
            let wrong = Self.headers("jane", "root") + [(name: "Authorization", value: "Bearer x")]
            #expect(try await server.get(Self.path, wrong).status == 200)
        }
    }

    @Test func `organizations, a role for all and a list of who is out are in force, and anew at a reload`()
        async throws
    {
        let all = GroupRoles(everyone: .auditor, organizations: [ToldEvent.uuid(901)], revoked: ["mallory"])
        try await withProxy(try Self.proxy(all)) { server async throws in
            #expect(try await server.get(Self.path, Self.headers("jane", nil)).ids.isEmpty)
            #expect(try await server.get("/metrics", Self.headers("jane", nil)).status == 403)
            #expect(try await server.get(Self.path, Self.headers("Mallory", "root")).status == 403)
            let client = try RawClient(port: server.port)
            await client.send("GET \(Self.path)/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nRemote-User: jane\r\n\r\n")
            #expect(await client.read { $0.contains("retry: 2000") }.contains("200 OK"))
            let without = try Self.proxy(GroupRoles(everyone: .auditor, revoked: ["jane"]))
            server.state.update { $0.access.proxies = [without] }
            #expect(await !client.read().contains("id:"))
            #expect(try await server.get(Self.path, Self.headers("jane", nil)).status == 403)
        }
    }

    @Test(arguments: ["Host", "Cookie", "authorization", "a b", "", "X-Forwarded-For", "Connlog-Proxy-Secret"])
    func `a header that means something else says nobody's name`(header: String) {
        #expect(ProxySignIn(name: "x", from: [], userHeader: header, roles: GroupRoles()) == nil)
        #expect(
            ProxySignIn(name: "x", from: [], userHeader: "Remote-User", groupsHeader: header, roles: GroupRoles())
                == nil)
        #expect(
            ProxySignIn(name: "x", from: [], userHeader: "A", groupsHeader: "a", roles: GroupRoles()) == nil)
    }
}
#endif
