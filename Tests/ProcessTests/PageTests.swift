#if Server
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// The page, in a real browser. What a user would do stands in `Tests/page/page_tests.py`, a promise for each.
    @Suite struct PageTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        private static let python = Project.root.appending(path: ".build/page-tools/bin/python").path
        private static let tests = Project.root.appending(path: "Tests/page")

        /// A server with the tests' world in its store.
        private func server(_ count: Int, _ sections: String = "") throws -> (ServerDaemon, Child) {
            let world = Self.tests.appending(path: "world.py").path
            let made = try Child.run(
                "/usr/bin/env", ["python3", world, workplace.directory.path, "\(count)"], in: workplace)
            try #require(made.status == 0, "\(made.errors)")
            let names = ["users", "organizations"].map {
                "[directory \"\($0)\"]\ntype = csv\npath = \(workplace.path("\($0).csv"))\n"
            }.joined(separator: "\n")
            let server = try ServerDaemon(
                reading: workplace.url("world.log"),
                sections: "[source \"programs\"]\ntype = ingest\n\n\(names)\n\(sections)",
                in: workplace)
            return (server, try server.start())
        }

        private func run(_ server: ServerDaemon, _ more: [String], at url: String? = nil) throws -> Child.End {
            let axe = try Child.run(
                Self.python,
                ["-c", "import axe_core_python, os; print(os.path.dirname(axe_core_python.__file__) + '/axe.min.js')"],
                in: workplace
            ).output.trimmingCharacters(in: .whitespacesAndNewlines)
            // Kept for whoever looks at a build.
            let shots = Project.root.appending(path: ".build/page-shots").path
            return try Child.run(
                Self.python,
                [
                    Self.tests.appending(path: "page_tests.py").path, "--url", url ?? "http://127.0.0.1:\(server.port)",
                    "--axe", axe,
                    "--shots", shots,
                ] + more, in: workplace)
        }

        @Test func `every promise of the page is kept in Chromium`() throws {
            let (server, child) = try server(6000)
            try server.waitForEvents(6020)
            let end = try run(server, [])
            #expect(end.status == 0, "\(end.output)\(end.errors)")
            #expect(end.output.components(separatedBy: "kept ").count > 18, "\(end.output)")
            try child.stop()
        }

        @Test func `behind a proxy, under a path of its own, the page works the same`() throws {
            let (server, child) = try server(10)
            let port = try Ports.free(1, in: workplace)[0]
            let place = workplace.directory.path
            let configuration = try workplace.write(
                """
                daemon off; worker_processes 1; pid \(place)/nginx.pid; error_log stderr; user root;
                events {}
                http {
                  access_log off; client_body_temp_path \(place)/b; proxy_temp_path \(place)/p; fastcgi_temp_path \(place)/f;
                  uwsgi_temp_path \(place)/u; scgi_temp_path \(place)/s;
                  server {
                    listen 127.0.0.1:\(port);
                    location /tools/connlog/ { proxy_pass http://127.0.0.1:\(server.port)/; proxy_buffering off; }
                  }
                }
                """, to: "nginx.conf")
            let nginx = try Child("/usr/sbin/nginx", ["-c", configuration.path], in: workplace, named: "nginx")
            try eventually("nginx listens") { !nginx.isRunning || Ports.isOpen(port) }
            let end = try run(
                server, ["live shows", "exported", "charts"], at: "http://127.0.0.1:\(port)/tools/connlog")
            #expect(end.status == 0, "\(end.output)\(end.errors)\(nginx.errors)")
            try nginx.stop(SIGQUIT)
            try child.stop()
        }

        @Test func `with access sections the page asks for a token first, and keeps it where no script can read it`()
            throws
        {
            let made = try Child.run(
                ServerDaemon.program, ["token", "create", "--role", "admin", "--name", "jane"], in: workplace)
            let section = try #require(made.errors.range(of: "[access")).lowerBound
            let (server, child) = try server(10, String(made.errors[section...]))
            let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let end = try run(server, ["--token", token, "health", "exported", "live shows"])
            #expect(end.status == 0, "\(end.output)\(end.errors)")
            #expect(end.output.contains("login"))
            try child.stop()
        }
    }
}
#endif
