#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import Testing

/// Evidence packages, opened and checked by other programs.
@Suite struct PackageTests {
    private static let path = "/api/v2/connectionlog/export?format=package"

    /// A package, unpacked.
    private struct Unpacked {
        var files: [String: String] = [:]
        var manifest: [String: Any] = [:]
        /// What `sha256sum -c` says.
        var checked = ""

        var rows: [String] { (files["connections.csv"] ?? "").components(separatedBy: "\r\n").dropLast() }
        var events: [String] { (files["events.jsonl"] ?? "").split(separator: "\n").map(String.init) }
    }

    private func unpack(_ bytes: [UInt8]) throws -> Unpacked {
        let folder = FileManager.default.temporaryDirectory.appending(path: "package-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(bytes).write(to: folder.appending(path: "package.zip"))
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.currentDirectoryURL = folder
        process.arguments = [
            "-c",
            "python3 -c 'import zipfile; z = zipfile.ZipFile(\"package.zip\"); assert z.testzip() is None; z.extractall()' "
                + "&& sha256sum -c --strict SHA256SUMS",
        ]
        process.standardOutput = output
        try process.run()
        var found = Unpacked()
        found.checked = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name != "package.zip" {
            found.files[name] = String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
        }
        let manifest = Data((found.files["manifest.json"] ?? "").utf8)
        found.manifest = try #require(try JSONSerialization.jsonObject(with: manifest) as? [String: Any])
        return found
    }

    private static func sessions(_ count: Int) -> [ToldEvent] {
        (0..<count).flatMap { number in
            let begin = ToldEvent(
                id: ToldEvent.uuid(10_000 + number), time: Int64(number * 10),
                connection: ToldEvent.uuid(50_000 + number))
            var end = begin
            (end.id, end.isDisconnect, end.time, end.code) = (ToldEvent.uuid(90_000 + number), true, begin.time + 5, 0)
            return [begin, end]
        }
    }

    @Test func `a package holds the rows, their events as received, and sums that hold`() async throws {
        try await withServer(Self.sessions(300)) { server async throws in
            let reply = try await server.get(Self.path + "&q=type:ssh&zone=Europe/Berlin")
            #expect(reply.status == 200 && reply.contentType == "application/zip")
            let package = try unpack(reply.body)
            #expect(Set(package.files.keys) == ["connections.csv", "events.jsonl", "manifest.json", "SHA256SUMS"])
            #expect(package.checked == "connections.csv: OK\nevents.jsonl: OK\nmanifest.json: OK\n")
            let csv = try await server.get("/api/v2/connectionlog/export?format=csv&q=type:ssh").text
            #expect(package.files["connections.csv"] == csv && package.rows.count == 301)
            // Row by row, the newest first; each the oldest event first.
            let lines = (0..<300).reversed().flatMap { number in
                Self.sessions(300)[number * 2...number * 2 + 1].map(\.line)
            }
            #expect(package.events == lines)
            let manifest = package.manifest
            #expect(manifest["schema"] as? String == "connlog-evidence-package/1")
            #expect(manifest["filter"] as? String == "type:ssh" && manifest["zone"] as? String == "Europe/Berlin")
            #expect(manifest["counts"] as? [String: Int] == ["connections": 300, "events": 600, "events_left_out": 0])
            #expect(manifest["changed_meanwhile"] as? Bool == false && manifest["asked_at"] is NSNull)
            #expect(manifest["store_begins"] as? String == "2026-01-01T00:00:00Z")
            #expect((manifest["asked_by"] as? [String: Any])?["name"] as? String == "local")
            let files = manifest["files"] as? [String: [String: Any]]
            #expect(files?["connections.csv"]?["bytes"] as? Int == csv.utf8.count)
            // Keys are sorted, at every level.
            let text = package.files["manifest.json"] ?? ""
            let sorted = try JSONSerialization.data(
                withJSONObject: manifest, options: [.sortedKeys, .withoutEscapingSlashes])
            #expect(
                text.filter { !$0.isWhitespace } == String(decoding: sorted, as: UTF8.self).filter { !$0.isWhitespace })
        }
    }

    @Test func `the same question gives the same bytes, until the answer is another one`() async throws {
        try await withServer(Self.sessions(2000)) { server async throws in
            let question = Self.path + "&from=2026-01-01T01:00:00Z&to=2026-01-01T02:00:00Z"
            let first = try await server.get(question).body
            #expect(try await server.get(question).body == first)
            let package = try unpack(first)
            // From 3600 s to before 7200 s, one each 10 s.
            #expect(package.rows.count == 361 && package.events.count == 720)
            let range = package.manifest["range"] as? [String: String]
            #expect(range == ["from": "2026-01-01T01:00:00Z", "to": "2026-01-01T02:00:00Z"])
            _ = try server.store.apply(
                ToldEvent.batch([ToldEvent(id: ToldEvent.uuid(7), time: 3601, type: "tunnel", code: 101)]), at: nil,
                arrival: 0)
            let second = try await server.get(question).body
            let changed = try unpack(second)
            #expect(second != first && changed.rows.count == 362)
        }
    }

    @Test func `the time of the question is in it where it says so, or where the filter moves with it`() async throws {
        try await withServer(Self.sessions(10)) { server async throws in
            let asked = "&asked_at=2026-01-01T00:01:00Z"
            let moving = Self.path + "&q=connected_after:-30s" + asked
            let package = try unpack(try await server.get(moving).body)
            #expect(package.manifest["asked_at"] as? String == "2026-01-01T00:01:00Z" && package.rows.count == 8)
            #expect(try await server.get(moving).body == (try await server.get(moving).body))
            let now = try unpack(try await server.get(Self.path + "&q=connected_after:-30s").body)
            #expect(now.manifest["asked_at"] is String && now.rows.count == 1)
        }
    }

    @Test func `its name says filter and range in letters that every system takes`() async throws {
        try await withServer(Self.sessions(1)) { server async throws in
            func name(_ query: String) async throws -> String {
                let text = try await server.raw(
                    "GET \(Self.path)\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
                ) { $0.contains("\r\n\r\n") }
                let line = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-disposition") }
                return String(line ?? "")
            }
            #expect(try await name("").hasSuffix("attachment; filename=\"connlog_all_open_open.zip\""))
            let ranged = try await name("&q=type:ssh&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00%2B01:00")
            #expect(
                ranged.hasSuffix("filename=\"connlog_type_ssh_2026-01-01T000000Z_2026-01-01T230000Z.zip\""), "\(ranged)"
            )
            let odd = try await name(
                "&q=" + TestServer.escaped("../\"x\";\u{202e}exe /etc " + String(repeating: "ä", count: 90)))
            #expect(odd.hasSuffix("filename=\"connlog_x_exe_etc_open_open.zip\""), "\(odd)")
        }
    }

    @Test func `what is wrong is told before the first byte`() async throws {
        try await withServer(Self.sessions(1)) { server async throws in
            for bad in [
                "q=type:nothing", "from=x", "to=yesterday", "zone=../etc", "zone=a%20b", "asked_at=x",
                "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
                "from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z",
            ] {
                let reply = try await server.get("\(Self.path)&\(bad)")
                #expect(reply.status == 400 && !reply.validations.isEmpty, "\(bad)")
            }
            let empty = try unpack(try await server.get("\(Self.path)&q=type:jetbrains").body)
            #expect(empty.rows.count == 1 && empty.events.isEmpty)
        }
        try await withServer { server async throws in
            let nothing = try unpack(try await server.get(Self.path).body)
            #expect(nothing.manifest["store_begins"] is NSNull && nothing.rows.count == 1)
        }
    }

    @Test func `no cell is a formula, and events stay as they came`() async throws {
        var event = ToldEvent(id: ToldEvent.uuid(1), time: 1, reason: "=1+1", connection: ToldEvent.uuid(2))
        event.workspaceName = "@SUM(A1)"
        event.isDisconnect = true
        try await withServer([event]) { server async throws in
            let package = try unpack(try await server.get(Self.path).body)
            #expect(package.files["connections.csv"]?.contains(",\"'@SUM(A1)\",") == true)
            #expect(package.files["connections.csv"]?.contains(",\"'=1+1\",") == true)
            #expect(package.events == [event.line])
        }
    }

    @Test(arguments: [(256 << 10) - 1, 256 << 10, 1 << 20]) func `events of any size and number are whole`(size: Int)
        async throws
    {
        // A connection of many events, one of long ones, and one of few.
        // The store keeps 202 events of one connection to show, and counts the others.
        var events = (0..<400).map { number in
            var event = ToldEvent(id: ToldEvent.uuid(100 + number), time: Int64(number), connection: ToldEvent.uuid(5))
            event.isDisconnect = number > 0
            return event
        }
        for number in 0..<3 {
            let agent = String(repeating: "x", count: size + number)
            var event = ToldEvent(
                id: ToldEvent.uuid(1000 + number), time: 1000, connection: ToldEvent.uuid(6), userAgent: agent)
            event.isDisconnect = number > 0
            events.append(event)
        }
        events.append(ToldEvent(id: ToldEvent.uuid(2000), time: 2000, type: "tunnel", code: 101))
        try await withServer(events) { server async throws in
            let package = try unpack(try await server.get(Self.path).body)
            #expect(
                package.events == [events[403]].map(\.line) + events[400...402].map(\.line) + events[..<202].map(\.line)
            )
            #expect(
                package.manifest["counts"] as? [String: Int] == [
                    "connections": 3, "events": 206, "events_left_out": 198,
                ])
        }
    }

    @Test func `who sees one organization gets what is its own, and a store that begins where it does`() async throws {
        let (token, hash) = TokenText.make()
        let own = ToldEvent.uuid(901)
        let entry = try #require(
            AccessList.Entry(name: "jane", role: .auditor, tokenHashes: [hash], organizations: [own]))
        var events = Self.sessions(20)
        // Theirs are the first ones.
        for index in events.indices.dropFirst(10) { events[index].organization = own }
        try await withServer(events, access: AccessList([entry])) { server async throws in
            let package = try unpack(try await server.get(Self.path, [("Coder-Session-Token", token)]).body)
            #expect(package.rows.count == 16 && package.events == events[10...].map(\.line).sortedByRow)
            #expect(package.manifest["store_begins"] as? String == "2026-01-01T00:00:50Z")
            let asked = package.manifest["asked_by"] as? [String: Any]
            #expect(asked?["name"] as? String == "token:jane" && asked?["organizations"] as? [String] == [own])
        }
    }
}

extension [String] {
    /// Pairs of events, the newest pair first.
    fileprivate var sortedByRow: [String] {
        stride(from: count - 2, through: 0, by: -2).flatMap { self[$0...$0 + 1] }
    }
}
#endif
