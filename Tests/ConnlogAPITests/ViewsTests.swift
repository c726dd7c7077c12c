#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import ConnlogTesting
import Foundation
import Testing

@testable import ConnlogAPI

/// Views that people keep on the server.
@Suite struct ViewsTests {
    private static let path = "/api/v2/connectionlog/views"

    private struct Person {
        let token: (token: String, hash: String)
        let entry: AccessList.Entry
        var key: [(name: String, value: String)] { [("Coder-Session-Token", token.token)] }

        init(_ name: String, _ role: Role = .auditor, organizations: [String] = []) throws {
            token = TokenText.make()
            entry = try #require(
                AccessList.Entry(name: name, role: role, tokenHashes: [token.hash], organizations: organizations))
        }
    }

    private static func withPeople(
        _ people: [Person], _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer(access: AccessList(people.map(\.entry))) { server async throws in
            try await body(server)
        }
    }

    private static func text(_ name: String, _ filter: String = "type:ssh") -> [UInt8] {
        let value: JSONValue = [
            "name": .string(name), "q": .string(filter), "zone": "Europe/Berlin", "shown": ["tab": "list"],
        ]
        return Array(value.line.utf8)
    }

    /// With a method that the client of the tests does not know.
    private static func send(
        _ method: String, _ id: String, _ body: [UInt8], _ person: Person, _ server: TestServer
    ) async throws -> (status: Int, text: String) {
        let reply = try await server.raw(
            "\(method) \(path)/\(id) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                + "Coder-Session-Token: \(person.token.token)\r\nContent-Length: \(body.count)\r\n\r\n"
                + String(decoding: body, as: UTF8.self))
        return (Int(reply.split(separator: " ").dropFirst().first ?? "") ?? 0, reply)
    }

    private static func names(_ person: Person, _ server: TestServer) async throws -> [String] {
        let reply = try await server.get(path, person.key).json
        return (reply["views"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
    }

    @Test func `a view is kept for whoever saved it, shared by its link, changed and removed by its owner only`()
        async throws
    {
        let (jane, joe) = (try Person("jane"), try Person("joe"))
        try await Self.withPeople([jane, joe]) { server async throws in
            let saved = try await server.post(Self.path, Self.text("Nights 🌙"), jane.key)
            #expect(saved.status == 200, "\(saved.text)")
            let id = try #require(saved.json["id"] as? String)
            #expect(saved.json["q"] as? String == "type:ssh" && saved.json["zone"] as? String == "Europe/Berlin")
            #expect(try await Self.names(jane, server) == ["Nights 🌙"])
            #expect(try await Self.names(joe, server) == [])
            let shared = try await server.get("\(Self.path)/\(id)", joe.key)
            #expect(shared.status == 200 && shared.json["name"] as? String == "Nights 🌙")
            #expect((shared.json["shown"] as? [String: String]) == ["tab": "list"])
            #expect(try await Self.send("PUT", id, Self.text("Mine now"), joe, server).status == 404)
            #expect(try await Self.send("DELETE", id, [], joe, server).status == 404)
            #expect(try await Self.send("PUT", id, Self.text("Days", "-hour:08-18"), jane, server).status == 200)
            #expect(try await server.get("\(Self.path)/\(id)", joe.key).json["name"] as? String == "Days")
            // Another process reads the same.
            server.state.update { $0.views = ViewFiles(server.folder + "/views") }
            #expect(try await Self.names(jane, server) == ["Days"])
            #expect(try await Self.send("DELETE", id, [], jane, server).status == 200)
            #expect(try await server.get("\(Self.path)/\(id)", jane.key).status == 404)
            #expect(try await Self.names(jane, server) == [])
        }
    }

    @Test func `what everybody has is there, and each of its filters can be asked`() async throws {
        let jane = try Person("jane")
        try await Self.withPeople([jane]) { server async throws in
            let reply = try await server.get(Self.path, jane.key).json
            let views = try #require(reply["built_in"] as? [[String: Any]])
            #expect(views.compactMap { $0["id"] as? String } == SavedView.builtIn.map(\.id) && views.count == 6)
            for view in SavedView.builtIn {
                let filter = TestServer.escaped(view.filter)
                let answer = try await server.get("/api/v2/connectionlog?connlog=true&q=\(filter)", jane.key)
                #expect(answer.status == 200, "\(view.name): \(answer.text)")
                #expect(try await server.get("\(Self.path)/\(view.id)", jane.key).json["name"] as? String == view.name)
            }
        }
    }

    @Test func `what is no view is refused with its place, and nothing is kept`() async throws {
        let jane = try Person("jane")
        func view(_ change: (inout [String: Any]) -> Void) throws -> [UInt8] {
            var object: [String: Any] = ["name": "x", "q": ""]
            change(&object)
            return Array(try JSONSerialization.data(withJSONObject: object))
        }
        let wrong: [(field: String, body: [UInt8])] = [
            ("name", try view { $0["name"] = "" }), ("name", try view { $0["name"] = "  " }),
            ("name", try view { $0["name"] = "a\nb" }), ("name", try view { $0["name"] = "a\u{202e}b" }),
            ("name", try view { $0["name"] = String(repeating: "é", count: SavedView.nameMax + 1) }),
            ("type", try view { $0["q"] = "type:foo" }), ("q", try view { $0["q"] = 7 }),
            ("q", try view { $0["q"] = String(repeating: "x", count: SavedView.filterBytesMax + 1) }),
            ("zone", try view { $0["zone"] = "../passwd" }), ("owner", try view { $0["owner"] = "joe" }),
            ("shown", try view { $0["shown"] = ["x": 1] }),
            ("shown", try view { $0["shown"] = Dictionary(uniqueKeysWithValues: (0...16).map { ("\($0)", "") }) }),
            ("shown", try view { $0["shown"] = ["k": String(repeating: "x", count: 513)] }),
            ("shown", try view { $0["shown"] = [String(repeating: "k", count: 33): "x"] }),
        ]
        let right = [
            try view { $0["name"] = String(repeating: "é", count: SavedView.nameMax) },
            try view { $0["q"] = String(repeating: "x", count: SavedView.filterBytesMax) },
            try view { $0["shown"] = Dictionary(uniqueKeysWithValues: (0..<16).map { ("\($0)", "") }) },
            try view { $0["shown"] = [String(repeating: "k", count: 32): String(repeating: "x", count: 512)] },
        ]
        try await Self.withPeople([jane]) { server async throws in
            for (field, body) in wrong {
                let reply = try await server.post(Self.path, body, jane.key)
                #expect(reply.status == 400, "\(field)")
                #expect(reply.validations.first?["field"] == field, "\(reply.text)")
            }
            for body in [[], Array("[]".utf8), Array("{".utf8), [UInt8](repeating: 0x20, count: 33_000)] {
                #expect(try await server.post(Self.path, body, jane.key).status == 400)
            }
            #expect(try await Self.names(jane, server).isEmpty)
            for body in right { #expect(try await server.post(Self.path, body, jane.key).status == 200) }
            #expect(try await Self.names(jane, server).count == right.count)
            for id in ["x", "..%2f..%2fetc%2fpasswd", String(repeating: "0", count: 32), "open-now2"] {
                #expect(try await server.get("\(Self.path)/\(id)", jane.key).status == 404)
            }
        }
    }

    @Test func `one person keeps so many views, and not one more`() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/views-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = ViewFiles(folder)
        func save() throws -> SavedView {
            try files.save(nil, of: "x") { (id) throws(SavedView.Mistake) in SavedView(id: id, name: "v", filter: "") }
        }
        for _ in 0..<ViewFiles.viewsMax { _ = try save() }
        #expect(throws: ViewFiles.Problem.self) { try save() }
        let views = try files.views(of: "x")
        #expect(views.count == ViewFiles.viewsMax && Set(views.map(\.id)).count == views.count)
        // The largest there can be are within what is read again.
        let largest = SavedView(
            id: views[0].id, name: String(repeating: "🧑‍💻", count: 80), filter: String(repeating: "\u{1}", count: 4096),
            shown: Dictionary(
                uniqueKeysWithValues: (0..<16).map { ("\($0)", String(repeating: "\u{1}", count: 512)) }))
        #expect(largest.json.line.utf8.count * ViewFiles.viewsMax * 11 / 10 < ViewFiles.fileBytesMax * 4)
        try files.remove(views[1].id, of: "x")
        _ = try save()
    }

    @Test func `a disk that fails at any call leaves the views that were, or those that are`() throws {
        let make = { (name: String) in
            { (id: String) throws(SavedView.Mistake) in SavedView(id: id, name: name, filter: "") }
        }
        for fault in [SimulatedFileSystem.Fault.crash, .error(Errno.inputOutput), .error(Errno.noSpace)] {
            var (call, isDone) = (1, false)
            repeat {
                let disk = SimulatedFileSystem()
                let files = ViewFiles("/views", fileSystem: disk)
                let first = try files.save(nil, of: "x", make("old"))
                let before = disk.calls
                disk.fail(fault, atCall: before + call)
                let isSaved = (try? files.save(first.id, of: "x", make("new"))) != nil
                isDone = disk.calls < before + call
                for seed in 0..<4 {
                    let later = ViewFiles("/views", fileSystem: disk.restarted(seed: UInt64(seed)))
                    let names = try later.views(of: "x").map(\.name)
                    // What was not said to be kept may be all the same.
                    #expect(names == ["new"] || !isSaved && names == ["old"], "\(fault) at call \(call), seed \(seed)")
                }
                call += 1
            } while !isDone
            #expect(call > 5)
        }
    }

    @Test func `a damaged file is said to be so, and not overwritten`() async throws {
        let jane = try Person("jane")
        try await Self.withPeople([jane]) { server async throws in
            #expect(try await server.post(Self.path, Self.text("x"), jane.key).status == 200)
            let folder = server.folder + "/views"
            let file = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
            try Data("{".utf8).write(to: URL(filePath: "\(folder)/\(file)"))
            let reply = try await server.get(Self.path, jane.key)
            #expect(reply.status == 500 && !reply.text.contains(folder))
            #expect(server.lines.all.contains { $0.contains("is damaged") && $0.contains(folder) })
            #expect(try await server.post(Self.path, Self.text("y"), jane.key).status == 500)
            #expect(try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8) == "{")
        }
    }
}
#endif
