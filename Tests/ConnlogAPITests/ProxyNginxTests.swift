#if Server
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// `[access] type = proxy` behind a real nginx that asks for a password.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: Nginx.path))) struct ProxyNginxTests {
    private static let path = "/api/v2/connectionlog"

    private static func configuration(_ place: String, port: Int, to upstream: Int) -> String {
        """
        daemon off; master_process off; pid \(place)/nginx.pid; error_log stderr;
        events {}
        http {
          access_log off; client_body_temp_path \(place)/b; proxy_temp_path \(place)/p; fastcgi_temp_path \(place)/f;
          uwsgi_temp_path \(place)/u; scgi_temp_path \(place)/s;
          map $remote_user $groups { jane "staff, audit"; root root; default ""; }
          server {
            listen 127.0.0.1:\(port);
            auth_basic "connlog"; auth_basic_user_file \(place)/passwords;
            location / {
              proxy_pass http://127.0.0.1:\(upstream); proxy_set_header Host $http_host;
              proxy_set_header Authorization "";
              proxy_set_header Remote-User $remote_user; proxy_set_header Remote-Groups $groups;
              proxy_set_header Connlog-Proxy-Secret s3cret;
            }
          }
        }
        """
    }

    private static func get(_ port: Int, _ headers: [String]) async throws -> (status: Int, body: String) {
        let client = try RawClient(port: port)
        let head = ["GET /api/v2/users/me HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"] + headers
        await client.send(head.joined(separator: "\r\n") + "\r\n\r\n")
        let reply = await client.read()
        return (Int(reply.split(separator: " ").dropFirst().first ?? "") ?? 0, reply)
    }

    private static func basic(_ user: String) -> String {
        "Authorization: Basic " + Data("\(user):pass".utf8).base64EncodedString()
    }

    @Test func `whom nginx lets in is let in under the own name, and nobody else whatever they send`() async throws {
        var access = AccessList()
        let roles = GroupRoles(auditors: ["audit"], admins: ["root"])
        let here = try #require(AddressBlock("127.0.0.1"))
        access.proxies = [
            try #require(
                ProxySignIn(
                    name: "sso", from: [here], userHeader: "Remote-User",
                    groupsHeader: "Remote-Groups", secret: "s3cret", roles: roles))
        ]
        try await withServer(access: access) { server async throws in
            try FileManager.default.createDirectory(atPath: server.folder, withIntermediateDirectories: true)
            let port = try LoopbackListener.freePort()
            let passwords = ["jane", "root", "eve"].map { "\($0):{PLAIN}pass\n" }.joined()
            for (name, text) in [
                ("passwords", passwords),
                ("nginx.conf", Self.configuration(server.folder, port: port, to: server.port)),
            ] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(server.folder)/\(name)"))
            }
            let nginx = try SpawnedProgram(Nginx.path, ["-c", "\(server.folder)/nginx.conf"])
            try await Waiting.until("nginx listens: \(nginx.errors)") { (try? RawClient(port: port)) != nil }

            let jane = try await Self.get(port, [Self.basic("jane")])
            #expect(jane.status == 200 && jane.body.contains(#""username":"jane""#), "\(jane) \(nginx.errors)")
            #expect(jane.body.contains(#""name":"auditor""#))
            #expect(try await Self.get(port, [Self.basic("eve")]).status == 403)
            #expect(try await Self.get(port, []).status == 401)
            let forged = ["Remote-User: root", "Remote-Groups: root", "remote-user: root", "Remote_User: root"]
            let still = try await Self.get(port, [Self.basic("jane")] + forged)
            #expect(still.status == 200 && still.body.contains(#""username":"jane""#), "\(still)")
            #expect(still.body.contains(#""name":"auditor""#))
            #expect(try await Self.get(server.port, forged.dropLast(2)).status == 401)
            #expect(server.lines.all.contains { $0.contains("jane@127.0.0.1") })
            withExtendedLifetime(nginx) {}
        }
    }
}

private enum Nginx {
    static let path = "/usr/sbin/nginx"
}
#endif
