#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogPipeline
import Foundation
import Testing

@testable import ConnlogDaemon

/// What a reload keeps of those who vouch for people.
@Suite struct AccessMakerTests {
    private func sections(_ more: String) throws -> [Section] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "connlog.ini")
        let parts = "[source \"s\"]\ntype = stdin\n[sink \"o\"]\ntype = file\npath = /var/log/o.jsonl\n[server]\n"
        try (parts + more).write(to: file, atomically: true, encoding: .utf8)
        let loaded = Registry.connlog.load(file.path)
        let configuration = try #require(loaded.configuration, "\(loaded.report(color: false))")
        return configuration.sections(ofKind: "access")
    }

    private static let both = """
        [access "coder"]
        type = coder
        url = https://coder.example.com
        [access "sso"]
        type = oidc
        issuer = https://sso.example.com
        client_id = connlog
        role = auditor
        [access "jane"]
        role = auditor
        token_sha256 = \(String(repeating: "0a", count: 32))

        """

    @Test func `what asks others stays as it is while its section does, and begins anew when it changes`() throws {
        let maker = AccessMaker(version: "1", log: { _, _ in })
        func list(_ text: String) throws -> AccessList {
            maker.list(try sections(text), nil) { Issue.record("\($0)") }
        }
        let first = try list(Self.both)
        #expect(first.coders.count == 1 && first.issuers.count == 1 && first.proxies.isEmpty && !first.isEmpty)
        let same = try list(Self.both)
        #expect(same.coders[0] === first.coders[0] && same.issuers[0] === first.issuers[0])
        let revoked = Self.both.replacing("role = auditor\n[access", with: "role = auditor\nrevoked = Mallory\n[access")
        let changed = try list(revoked)
        #expect(changed.coders[0] === first.coders[0] && changed.issuers[0] !== first.issuers[0])
        #expect(changed.issuers[0].settings.roles.revoked == ["mallory"])
        #expect(changed.revoked == ["mallory"] && first.revoked.isEmpty)
        let moved = try list(Self.both.replacing("coder.example.com", with: "other.example.com"))
        #expect(moved.coders[0].way != first.coders[0].way && moved.issuers[0].way == first.issuers[0].way)
        #expect(moved.coders[0].way == SignInWay(name: "coder", realm: "https://other.example.com"))
        #expect(try list("[access \"x\"]\ntype = proxy\nfrom = 10.0.0.7\nrole = auditor\n").coders.isEmpty)
        #expect(try list(Self.both).coders[0] !== first.coders[0])
    }

    @Test func `a section without a type is a token's, as it was`() throws {
        let sections = try sections(Self.both)
        #expect(sections.map(\.type) == ["coder", "oidc", "token"])
    }
}
#endif
