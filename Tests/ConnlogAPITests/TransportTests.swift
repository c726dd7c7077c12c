#if Server
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// What lies below the questions: connections, TLS, and what is said of it.
@Suite struct TransportTests {
    private static let health = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    @Test(arguments: [("https://connlog.example", true), ("http://connlog.example", false), (nil, false)])
    func `browsers are told to come by TLS only where they can`(url: String?, isTold: Bool) async throws {
        try await withServer(change: { $0.externalURL = url.flatMap { ExternalURL($0) } }) { server async throws in
            let reply = try await server.raw(Self.health, until: { $0.contains("\r\n\r\n") }).lowercased()
            #expect(reply.hasPrefix("http/1.1 200"))
            #expect(reply.contains("\r\nstrict-transport-security: max-age=31536000\r\n") == isTold, "\(reply)")
        }
    }

    @Test func `more connections than max_connections wait until one of the others ends`() async throws {
        try await withServer(change: { $0.connectionsMax = 3 }) { server async throws in
            let held = try (0..<3).map { _ in try RawClient(port: server.port) }
            for client in held { #expect(await Self.ask(client).hasPrefix("HTTP/1.1 200")) }
            let late = try RawClient(port: server.port)
            await late.send(Self.health)
            // As often as it takes for a server without a limit to have answered.
            for _ in 0..<20 {
                await held[0].send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                let metrics = await held[0].read { $0.contains("\nconnlog_http_connections_refused_total ") }
                #expect(metrics.contains("\nconnlog_http_connections_open 3\n"))
            }
            held[1].leave()
            #expect(await late.read { $0.contains("ok") }.hasPrefix("HTTP/1.1 200"))
        }
    }

    private static func ask(_ client: RawClient) async -> String {
        await client.send(health)
        return await client.read { $0.contains("ok") }
    }

    @Test func `what is left of a body that is too large does not hold its connection`() async throws {
        // Only the short time for the rest can end this one.
        let change = { (options: inout APIServer.Options) in
            (options.timeout, options.restTimeout, options.bodyBytesMax) = (.seconds(3600), .milliseconds(300), 10_000)
        }
        try await withServer(intake: NoIntake(), change: change) { server async throws in
            let client = try RawClient(port: server.port)
            await client.send(
                "POST /api/v2/connectionlog/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/jsonl\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n")
            let chunk = "400\r\n" + String(repeating: "x", count: 1023) + "\n\r\n"
            let flood = Task {
                var sent = 0
                while await client.send(chunk) { sent += 1 }
                return sent
            }
            #expect(await client.read { $0.contains("too large") }.hasPrefix("HTTP/1.1 413"))
            // Its end is the end of the connection, since the body has none.
            #expect(await flood.value > 9)
            try await Waiting.until("the connection is given back") {
                try await server.get("/metrics").text.contains("\nconnlog_http_connections_open 1\n")
            }
        }
    }

    // MARK: - Heads

    @Test(arguments: [
        ("", false), ("Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", false),
        ("Host: 127.0.0.1\r\nhost: localhost\r\n", false),
        ("Host: 127.0.0.1 localhost\r\n", false), ("Host: 127.0.0.1/x\r\n", false), ("Host: a@127.0.0.1\r\n", false),
        ("Host: 127.0.0.1\r\n", true), ("HOST: [::1]:80\r\n", true), ("Host: \r\n", true),
        ("Host: 127.0.0.1\r\nConnlog-Refused-Head: host\r\n", true),
    ])
    func `HTTP 1_1 wants one Host, and the connection of a request without one ends`(
        headers: String, isGood: Bool
    ) async throws {
        try await withServer { server async throws in
            let next = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            let reply = try await server.raw("GET /healthz HTTP/1.1\r\n\(headers)\r\n" + next)
            #expect(reply.hasPrefix("HTTP/1.1 \(isGood ? 200 : 400) "), "\(reply)")
            #expect(reply.matches(of: #/HTTP/1.1 \d/#).count == (isGood ? 2 : 1), "\(reply)")
            // A version that knows no Host needs none.
            let old = try await server.raw("GET /healthz HTTP/1.0\r\n\r\n") { $0.contains("ok") }
            #expect(old.contains(" 200 "), "\(old)")
        }
    }

    @Test func `a client that waits for a word before the body gets it when the body is wanted, and only then`()
        async throws
    {
        let (token, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "jane", role: .ingest, tokenHashes: [hash]))
        try await withServer(
            access: AccessList([entry]), intake: NoIntake(), change: { $0.bodyBytesMax = 1000 }
        ) { server async throws in
            func head(_ version: String, _ token: String, _ length: Int) -> String {
                "POST /api/v2/connectionlog/ingest HTTP/\(version)\r\nHost: 127.0.0.1\r\nCoder-Session-Token: \(token)\r\n"
                    + "Content-Length: \(length)\r\nExpect: 100-Continue\r\n\r\n"
            }
            let client = try RawClient(port: server.port)
            for _ in 0..<3 {
                await client.send(head("1.1", token, 2))
                let word = await client.read { $0.hasSuffix("\r\n\r\n") }
                #expect(word == "HTTP/1.1 100 Continue\r\n\r\n")
                await client.send("x\n")
                let reply = await client.read { $0.contains("accepted") }
                #expect(Self.statuses(reply) == ["200"])
            }
            // Two at once: the second one's word does not come before the first one's answer.
            await client.send(head("1.1", token, 2) + "x\n" + head("1.1", token, 2))
            let both = await client.read { Self.statuses($0).count == 3 }
            #expect(Self.statuses(both) == ["100", "200", "100"], "\(both)")
            for (token, length, status) in [("no", 2, "401"), (token, 1001, "413")] {
                let client = try RawClient(port: server.port)
                await client.send(head("1.1", token, length))
                let reply = await client.read { $0.contains("message") }
                #expect(Self.statuses(reply) == [status])
            }
            let old = try RawClient(port: server.port)
            await old.send(head("1.0", token, 2) + "x\n")
            let reply = await old.read { $0.contains("accepted") }
            #expect(Self.statuses(reply) == ["200"])
        }
    }

    private static func statuses(_ text: String) -> [String] {
        text.matches(of: #/HTTP/1.1 (\d+)/#).map { String($0.1) }
    }

    // MARK: - TLS

    private func withTLS(_ body: (TestServer) async throws -> Void) async throws {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        let certificate = try ServerCertificate(
            certificate: certificates.path("server.pem"), key: certificates.path("server.key"))
        try await withServer(change: { $0.certificate = certificate }, body)
    }

    /// What a client comes to that speaks only so; empty without a connection.
    private static func handshake(_ port: Int, _ options: [String]) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let arguments = ["s_client", "-connect", "127.0.0.1:\(port)", "-brief"] + options
                let run = try? SpawnedProgram("/usr/bin/openssl", arguments)
                let isDone = run?.wait() == 0
                continuation.resume(returning: isDone ? run?.errors ?? "" : "")
            }
        }
    }

    @Test(arguments: [
        (["-tls1_3"], "TLSv1.3"), (["-tls1_2"], "TLSv1.2"), (["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"], nil),
        (["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"], nil),
    ])
    func `TLS begins with version 1_2`(options: [String], version: String?) async throws {
        try await withTLS { server async throws in
            let told = await Self.handshake(server.port, options)
            #expect(version.map { told.contains("Protocol version: \($0)") } ?? told.isEmpty, "\(told)")
        }
    }

    @Test(arguments: [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-ECDSA-AES256-GCM-SHA384", true),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", true), ("ECDHE-ECDSA-AES128-SHA", false), ("ECDHE-ECDSA-AES256-SHA", false),
        ("AES128-GCM-SHA256", false), ("AES256-SHA", false), ("ECDHE-ECDSA-AES128-SHA256", false),
    ])
    func `of TLS 1_2 only what keeps a recording secret and intact is spoken`(
        cipher: String, isSpoken: Bool
    ) async throws {
        try await withTLS { server async throws in
            let told = await Self.handshake(server.port, ["-tls1_2", "-cipher", "\(cipher):@SECLEVEL=0"])
            #expect(told.contains("Ciphersuite: \(cipher)") == isSpoken, "\(told)")
        }
    }
}
#endif
