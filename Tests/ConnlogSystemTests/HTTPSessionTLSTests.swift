import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A web server by `openssl s_server` with a certificate of its own, in a folder of its own.
private final class TLSServer {
    let folder: URL
    let port: Int
    private let process: SpawnedProgram

    static let isAvailable = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

    /// - Parameter names: what the certificate is for, such as `DNS:localhost`.
    init(names: String) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try TLSServer.makeCertificate("server", names, in: folder)
        try TLSServer.makeCertificate("other", names, in: folder)
        process = try SpawnedProgram(
            "/usr/bin/openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key", "-www", "-naccept",
                "20",
            ], in: folder)
        var said = ""
        let deadline = ContinuousClock.now + Waiting.patience
        while !said.contains("ACCEPT") || !said.hasSuffix("\n"), ContinuousClock.now < deadline {
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(2))
            said = String(decoding: process.output, as: UTF8.self)
        }
        let line = said.split(separator: "\n").first { $0.hasPrefix("ACCEPT") }
        port = try #require(line?.split(separator: ":").last.flatMap { Int($0) })
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// What `tls_pin` wants.
    func pin(_ name: String) throws -> String {
        let command =
            "openssl x509 -in \(name).pem -pubkey -noout | openssl pkey -pubin -outform der "
            + "| openssl dgst -sha256 -binary | openssl base64"
        let text = String(
            decoding: try SpawnedProgram.output(of: "/bin/sh", ["-c", command], in: folder), as: UTF8.self)
        return "sha256//" + text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func makeCertificate(_ name: String, _ names: String, in folder: URL) throws {
        try SpawnedProgram.output(
            of: "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)", "-keyout", "\(name).key", "-out",
                "\(name).pem",
            ], in: folder)
    }
}

@Suite(.enabled(if: TLSServer.isAvailable)) struct HTTPSessionTLSTests {
    private func session(authority: String?, verifies: Bool = true, pin: String? = nil) -> HTTPSession {
        var settings = HTTPSettings(userAgent: "connlog/test")
        settings.proxy = .none
        settings.certificateAuthorityFile = authority
        settings.verifiesServer = verifies
        settings.pinnedPublicKey = pin
        return HTTPSession(settings)
    }

    private func get(_ session: HTTPSession, _ server: TLSServer) async -> Result<HTTPResponse, HTTPFailure> {
        await session.perform(HTTPRequest(.get, "https://127.0.0.1:\(server.port)/", timeout: .seconds(60))).outcome
    }

    private func kind(_ outcome: Result<HTTPResponse, HTTPFailure>) -> HTTPFailure.Kind? {
        if case .failure(let failure) = outcome { failure.kind } else { nil }
    }

    @Test func `a server is trusted by its authority's file alone, and a new file counts for the next connection`()
        async throws
    {
        let server = try TLSServer(names: "IP:127.0.0.1")
        #expect(kind(await get(session(authority: nil), server)) == .untrusted)
        let authority = server.path("authority.pem")
        try FileManager.default.copyItem(atPath: server.path("other.pem"), toPath: authority)
        let session = session(authority: authority)
        #expect(kind(await get(session, server)) == .untrusted)
        try Data(contentsOf: URL(fileURLWithPath: server.path("server.pem")))
            .write(to: URL(fileURLWithPath: authority), options: .atomic)
        #expect(try await get(session, server).get().status == 200)
    }

    @Test func `a certificate for another name is not trusted`() async throws {
        let server = try TLSServer(names: "DNS:splunk.example.com")
        #expect(kind(await get(session(authority: server.path("server.pem")), server)) == .untrusted)
        #expect(try await get(session(authority: nil, verifies: false), server).get().status == 200)
    }

    @Test func `a server is known by its pinned key, whoever vouches for it, and by no other`() async throws {
        let server = try TLSServer(names: "DNS:splunk.example.com")
        let (right, wrong) = (try server.pin("server"), try server.pin("other"))
        #expect(try await get(session(authority: nil, verifies: false, pin: right), server).get().status == 200)
        #expect(
            try await get(session(authority: nil, verifies: false, pin: "\(wrong);\(right)"), server).get().status
                == 200)
        #expect(kind(await get(session(authority: nil, verifies: false, pin: wrong), server)) == .untrusted)
        // A pin is no replacement for the name, where that is checked.
        #expect(kind(await get(session(authority: server.path("server.pem"), pin: right), server)) == .untrusted)
    }

    @Test func `a file that is missing or no certificate is told as such`() async throws {
        let server = try TLSServer(names: "IP:127.0.0.1")
        #expect(kind(await get(session(authority: server.path("missing.pem")), server)) == .certificateFile)
    }
}
