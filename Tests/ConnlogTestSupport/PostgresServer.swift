import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A PostgreSQL of a test's own: a new cluster in a new folder, asked by `psql` over a socket there.
///
/// Debian's package `postgresql-15` has the programs. It does not run as root, so as root it is the package's user's.
package final class PostgresServer {
    private let folder: URL
    private let server: SpawnedProgram

    private static let programs = "/usr/lib/postgresql/15/bin"

    package init() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "connlog-pg-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if geteuid() == 0 { try SpawnedProgram.output(of: "/usr/bin/chown", ["postgres", folder.path]) }
        let programs = PostgresServer.programs
        try PostgresServer.run(
            ["\(programs)/initdb", "-D", folder.path + "/data", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        ).succeed()
        server = try PostgresServer.run([
            "\(programs)/postgres", "-D", folder.path + "/data", "-k", folder.path, "-c", "listen_addresses=",
            "-c", "fsync=off", "-c", "jit=off",
        ])
        let socket = folder.path + "/.s.PGSQL.5432"
        try await Waiting.until("PostgreSQL listens") { FileManager.default.fileExists(atPath: socket) }
    }

    deinit {
        try? PostgresServer.run(
            ["\(PostgresServer.programs)/pg_ctl", "stop", "-m", "immediate", "-D", folder.path + "/data"]
        ).succeed()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Runs statements of `psql` and gives what they print, unaligned, a line for each row.
    /// - Throws: at the first mistake, with what psql says.
    package func output(of script: String) throws -> [String] {
        let file = folder.appendingPathComponent("script-\(UUID().uuidString).sql")
        try Data(script.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let owner = geteuid() == 0 ? ["-U", "postgres"] : []
        let output = try SpawnedProgram.output(
            of: "/usr/bin/env",
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", folder.path, "-d", "postgres", "-f", file.path] + owner)
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map { String($0) }
    }

    private static func run(_ command: [String]) throws -> SpawnedProgram {
        let user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        return try SpawnedProgram("/usr/bin/env", (geteuid() == 0 ? user : []) + command)
    }
}

extension SpawnedProgram {
    fileprivate func succeed() throws {
        if wait() != 0 { throw Waiting.StillNotSo(description: errors) }
    }
}
