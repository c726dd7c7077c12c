#if Server
import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// The store on a disk of its own that is full, or whose file cannot be there: nothing else waits for it, nothing is
    /// lost, and it goes on when it can.
    @Suite struct StoreDiskTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        private func server(_ log: GeneratedLog, _ settings: String = "") throws -> ServerDaemon {
            try ServerDaemon(
                reading: log.log, sections: Daemon.file("events.jsonl", in: workplace),
                store: "path = \(workplace.path("disk/connlog.db"))", settings: settings, in: workplace)
        }

        private func waitForFile(_ log: GeneratedLog, _ child: Child) throws {
            try eventually("the file has every event") {
                !child.isRunning || workplace.lines("events.jsonl").count >= log.events
            }
            #expect(child.isRunning, "\(child.errors)")
        }

        /// The ids of the events in the store, in the order in which they came in.
        private func stored(_ server: ServerDaemon) throws -> [Substring] {
            let url = "http://127.0.0.1:\(server.port)/api/v2/connectionlog/watch?last_event_id=0"
            return try Child.tool("watch_to_end.py", [url], in: workplace).split(separator: "\n")
        }

        private func expectAllStored(_ log: GeneratedLog, _ server: ServerDaemon, _ child: Child) throws {
            try server.waitForEvents(log.events)
            let expected = try String(contentsOf: log.identifiers, encoding: .utf8).split(separator: "\n")
            #expect(try stored(server) == expected, "\(child.errors)")
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }

        @Test(.enabled(if: getuid() == 0, "mounting a file system takes root"))
        func `a disk that is full in the middle of a commit is told, and with room everything is stored once`() throws {
            let disk = try SmallDisk(mebibytes: 2, at: "disk", in: workplace)
            let log = try GeneratedLog(lines: 8000, seed: 41, in: workplace)
            let all = try Data(contentsOf: log.log)
            let first = try #require(all.prefix(64 << 10).lastIndex(of: UInt8(ascii: "\n")))
            try all[...first].write(to: log.log)
            let server = try server(log, "min_free = 0B")
            let child = try server.start()
            // The store has something before the disk is full: otherwise all of them may be in the commit that fails.
            try eventually("the store has the first events") {
                try !server.command(["events", "--limit", "1"]).output.isEmpty
            }
            let file = try FileHandle(forWritingTo: log.log)
            try file.seekToEnd()
            try file.write(contentsOf: all[(first + 1)...])
            try file.close()
            try waitForFile(log, child)
            try eventually("the log says that the disk is full") {
                !child.isRunning || child.errors.contains("the disk of \(workplace.path("disk/connlog.db")) is full")
            }
            // Questions are answered from what there is.
            let answer = try server.command(["events", "--limit", "1"])
            #expect(!answer.output.isEmpty, "\(answer.errors)")
            try disk.resize(mebibytes: 256)
            try expectAllStored(log, server, child)
        }

        @Test(.enabled(if: getuid() == 0, "mounting a file system takes root"))
        func `a disk with hardly more than min_free left is not used up: the store's events wait, nobody else does`()
            throws
        {
            let disk = try SmallDisk(mebibytes: 64, at: "disk", in: workplace)
            defer { withExtendedLifetime(disk) {} }
            // A tenth of 64 MiB stays free.
            try Data(count: 58 << 20).write(to: workplace.url("disk/ballast"))
            let log = try GeneratedLog(lines: 3000, seed: 42, in: workplace)
            let server = try server(log)
            let child = try server.start()
            try waitForFile(log, child)
            try eventually("the log says that min_free is reached") {
                !child.isRunning || child.errors.contains("hardly more than min_free (6 MiB) left")
            }
            let status = try server.curl("/api/v2/connectionlog/status")
            #expect(status.contains("store_disk_low"), "\(status)")
            try FileManager.default.removeItem(at: workplace.url("disk/ballast"))
            try expectAllStored(log, server, child)
        }

        /// All that is in a store: its format, its tables, their rows; and that it is sound.
        private func content(of store: String) throws -> String {
            let dump = """
                import sqlite3, sys
                store = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=600)
                store.execute("BEGIN")
                for name in "application_id", "user_version", "integrity_check":
                    print(name, store.execute(f"PRAGMA {name}").fetchall())
                for line in store.iterdump():
                    print(line)
                """
            let end = try Child.run("/usr/bin/env", ["python3", "-c", dump, store], in: workplace)
            #expect(end.status == 0, "\(end.errors)")
            return end.output
        }

        @Test(.enabled(if: getuid() == 0, "mounting a file system takes root"))
        func `an older store on a disk without room for a copy stays as it is, and with room is brought up to date`()
            throws
        {
            let disk = try SmallDisk(mebibytes: 2, at: "disk", in: workplace)
            let golden = Project.root.appending(path: "Tests/ConnlogStoreTests/Golden/format-1.sql")
            let make = "import sqlite3,sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())"
            let store = workplace.path("disk/connlog.db")
            let made = try Child.run(
                "/usr/bin/env", ["python3", "-c", make, store, golden.path], in: workplace)
            #expect(made.status == 0, "\(made.errors)")
            let content = try content(of: store)
            let free = try FileManager.default.attributesOfFileSystem(forPath: store)[.systemFreeSize] as? Int
            try Data(count: try #require(free) - (96 << 10)).write(to: workplace.url("disk/ballast"))
            let log = try GeneratedLog(lines: 200, seed: 43, in: workplace)
            let server = try server(log, "min_free = 0B")
            let child = try server.start()
            try waitForFile(log, child)
            try eventually("the log says that the disk is full") {
                !child.isRunning || child.errors.contains("the disk of \(store) is full")
            }
            #expect(!FileManager.default.fileExists(atPath: store + ".v1"))
            #expect(!child.errors.contains("damaged"))
            // Not the same bytes: SQLite's log is at work beside it from the moment when it is opened.
            #expect(try self.content(of: store) == content)
            try FileManager.default.removeItem(at: workplace.url("disk/ballast"))
            try disk.resize(mebibytes: 64)
            try server.waitForEvents(log.events)
            #expect(try stored(server).count == 64 + log.events)
            #expect(FileManager.default.fileExists(atPath: store + ".v1"))
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }

        @Test func `a store whose file cannot be there makes it not ready, before anybody asks the store`() throws {
            let log = try GeneratedLog(lines: 200, seed: 44, in: workplace)
            let server = try server(log)
            let child = try server.start()
            try server.waitForEvents(log.events)
            func ready() throws -> String { try server.curl("/readyz") }
            try eventually("it is ready") { try ready().contains("\"ready\"") }
            try FileManager.default.moveItem(at: workplace.url("disk"), to: workplace.url("away"))
            try workplace.write("in the way", to: "disk")
            try eventually("it is not ready") { try ready().contains("not ready") }
            #expect(try !ready().contains(workplace.directory.path))
            try FileManager.default.removeItem(at: workplace.url("disk"))
            try eventually("it is ready again") { try ready().contains("\"ready\"") }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }
    }
}
#endif
