import Foundation
import Glibc

/// A PostgreSQL of the test's own: a new cluster in its directory, reached by a socket there.
final class Postgres {
    let socket: String
    let port: Int
    private let child: Child

    init(in workplace: Workplace) throws {
        socket = workplace.path("postgres")
        port = try Ports.free(1, in: workplace)[0]
        // PostgreSQL does not run as root; Debian's package has made this user.
        try Postgres.run(["install", "-d", "-o", "postgres", socket], workplace)
        // The workplace is the test's alone otherwise.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: workplace.directory.path)
        let programs = "/usr/lib/postgresql/15/bin"
        let data = "\(socket)/data"
        try Postgres.run(
            [
                "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "\(programs)/initdb", "-D", data,
                "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N",
            ],
            workplace)
        child = try Child(
            "/usr/bin/env",
            [
                "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "\(programs)/postgres", "-D", data,
                "-k", socket, "-p", "\(port)",
                "-c", "listen_addresses=", "-c", "fsync=off",
            ], in: workplace, named: "postgres")
        let file = "\(socket)/.s.PGSQL.\(port)"
        let started = child
        try eventually("PostgreSQL listens") { !started.isRunning || FileManager.default.fileExists(atPath: file) }
    }

    /// A fast shutdown.
    func stop() throws { try child.stop(SIGINT) }

    private static func run(_ command: [String], _ workplace: Workplace) throws {
        let end = try Child.run("/usr/bin/env", command, in: workplace)
        guard end.status == 0 else { throw Child.Failure(description: "\(command): \(end.output)\(end.errors)") }
    }
}
