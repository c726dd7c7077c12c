import ConnlogCore
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

/// The names that go with ids, out of CSV files.
@Suite struct NameTableTests {
    private let alice = "fe8f4bab-3128-41f1-8fec-1cc0755affe5"
    private let bob = "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa"

    private func table(_ text: String) throws(NameTable.Mistake) -> NameTable { try NameTable(csv: Array(text.utf8)) }

    private func mistake(_ text: String) -> String? {
        do throws(NameTable.Mistake) {
            _ = try table(text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `the header says what the names are of, whatever the order of its columns`() throws {
        let users = try table("id,username,email,name\n\(alice),alice,a@example.com,Alice A.\n").users
        #expect(users == [UserName(id: alice, username: "alice", email: "a@example.com", name: "Alice A.")])
        let other = try table("\u{FEFF}Team,USERNAME,deleted,id\r\nred,bob,true,{\(bob.uppercased())}\r\n\r\n").users
        #expect(other == [UserName(id: bob, username: "bob", isDeleted: true)])
        let organizations = try table("name,id,display_name,icon\ncoder,\(alice),Coder,/e.png").organizations
        #expect(organizations == [OrganizationName(id: alice, name: "coder", displayName: "Coder", icon: "/e.png")])
        #expect(try table("id,name\n").organizations.isEmpty)
    }

    @Test func `quoted fields hold commas, quotes and line feeds`() throws {
        let text = "id,username,name\n\(alice),alice,\"A, \"\"the\"\"\nfirst\"\n\(bob),bob,\"\"\n"
        #expect(try table(text).users.map(\.name) == ["A, \"the\"\nfirst", ""])
    }

    @Test func `each mistake is told with its line`() {
        let head = "id,username,name\n"
        #expect(mistake("")?.hasPrefix("line 1: no header line") == true)
        #expect(mistake("\(alice),alice\n")?.hasPrefix("line 1: no header line") == true)
        #expect(mistake(head + "\(alice),a\n") == "line 2: 2 fields, and the header has 3")
        #expect(mistake(head + "7,a,b\n") == "line 2: the id '7' is not a UUID")
        #expect(
            mistake(head + "\(alice),a,\"b\nc\"\n\(alice),a,b\n") == "line 4: the id \(alice) stands in line 2 already")
        #expect(mistake(head + "\(alice),\"a\"b,c\n") == "line 2: text after a closing quote")
        #expect(mistake(head + "\(alice),a,\"b\n\n") == "line 2: a quote that nothing closes")
        #expect(mistake("id,username,deleted\n\(alice),a,maybe\n") == "line 2: deleted is 'maybe'; write true or false")
        let notText = Array((head + "\(alice),a,").utf8) + [0xff, 0x0a]
        #expect(throws: NameTable.Mistake.self) { try NameTable(csv: notText) }
    }

    @Test(arguments: 0..<30) func `whatever was quoted comes back`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = ["a", ",", "\"", "\n", "\r", "é", " ", "\r\n", "\"\""]
        let names = (0..<20).map { _ in
            (0..<Int.random(in: 0...6, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined()
        }
        let lines = names.map { "\(UUID().uuidString),u,\"\($0.replacing("\"", with: "\"\""))\"" }
        let read = try table((["id,username,name"] + lines).joined(separator: "\n")).users.map(\.name)
        #expect(read == names, "seed \(seed)")
    }
}

@Suite final class NameDirectoryTests {
    private let alice = "fe8f4bab-3128-41f1-8fec-1cc0755affe5"
    private let bob = "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa"
    private let folder = FileManager.default.temporaryDirectory.appending(path: "connlog-names-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    private func directory(_ names: String..., log: @escaping LogFunction = { _, _ in }) -> NameDirectory {
        NameDirectory(
            names.map { NameDirectory.Source(name: $0, path: folder.appending(path: $0).path) }, log: log)
    }

    @Test func `names are found by id, by username and by email, without case`() throws {
        try write("id,username,email,deleted\n\(alice),Alice,A@b.c,no\n\(bob),bob,b@b.c,yes\n", to: "users")
        try write("id,name\n\(bob),Coder\n", to: "orgs")
        let names = directory("users", "orgs")
        names.refresh()
        #expect(names.user(alice)?.username == "Alice" && names.organization(bob)?.name == "Coder")
        #expect(names.userIDs(named: "aLICE", evenDeleted: false) == [alice])
        #expect(names.userIDs(named: "bob", evenDeleted: false).isEmpty)
        #expect(names.userIDs(withEmail: "B@B.C", evenDeleted: true) == [bob])
        #expect(names.userIDs(withEmail: "b@b.c", evenDeleted: false).isEmpty)
        #expect(names.organizationIDs(named: "CODER") == [bob])
        #expect(names.userIDs(named: "", evenDeleted: true).isEmpty && names.organizationIDs(named: "").isEmpty)
        #expect(names.users.map(\.username) == ["Alice", "bob"])
    }

    @Test func `where two files name one id the later file's name counts`() throws {
        try write("id,username\n\(alice),old\n", to: "a")
        try write("id,username\n\(alice),new\n", to: "b")
        let names = directory("a", "b")
        names.refresh()
        #expect(names.user(alice)?.username == "new")
        #expect(names.userIDs(named: "old", evenDeleted: true).isEmpty)
    }

    @Test func `a file that changes is read again, and a bad one keeps the old names and says so once`() throws {
        let said = Mutex<[String]>([])
        let names = directory("users") { level, line in said.withLock { $0.append("\(level) \(line)") } }
        names.refresh()
        #expect(names.user(alice) == nil)
        try write("id,username\n\(alice),alice\n", to: "users")
        names.refresh()
        #expect(names.user(alice)?.username == "alice")
        try write("id,username\n\(alice)\n", to: "users")
        for _ in 0..<3 { names.refresh() }
        #expect(names.user(alice)?.username == "alice")
        #expect(names.statuses.first?.mistake == "line 2: 1 fields, and the header has 2")
        try write("id,username\n\(alice),alison\n\(bob),bob\n", to: "users")
        names.refresh()
        #expect(names.user(alice)?.username == "alison" && names.statuses.first?.mistake == nil)
        let lines = said.withLock { $0 }
        try #require(lines.count == 4, "\(lines)")
        #expect(lines[0].contains("cannot be read") && lines[0].contains("there are no names from it"))
        #expect(lines[1].contains("info directory users: 1 user read from"))
        #expect(lines[2].contains("the names from before stay"))
        #expect(lines[3].contains("2 users read"))
    }

    @Test func `a directory that is no longer configured takes its names along`() throws {
        try write("id,username\n\(alice),alice\n", to: "a")
        let names = directory("a")
        names.refresh()
        names.use([])
        #expect(names.user(alice) == nil && names.statuses.isEmpty)
    }

    @Test func `a file that is being written is taken when it stays as it is, and the old names stay till then`() throws
    {
        try write("id,username\n\(alice),alice\n", to: "a")
        let names = directory("a")
        names.refresh()
        try write("id,username\n\(alice),alison\n\(bob),b", to: "a")
        names.refresh()
        #expect(names.user(alice)?.username == "alice" && names.user(bob) == nil)
        #expect(names.statuses.first?.mistake?.contains("being written") == true)
        try write("id,username\n\(alice),alison\n\(bob),bo", to: "a")
        names.refresh()
        #expect(names.user(bob) == nil)
        names.refresh()
        #expect(names.user(alice)?.username == "alison" && names.user(bob)?.username == "bo")
        #expect(names.statuses.first?.mistake == nil)
    }

    @Test func `a pipe in its place is told and keeps nobody waiting`() throws {
        try write("id,username\n\(alice),alice\n", to: "a")
        let names = directory("a")
        names.refresh()
        let path = folder.appending(path: "a").path
        try FileManager.default.removeItem(atPath: path)
        try OddFiles.makePipe(path)
        names.refresh()
        #expect(names.user(alice)?.username == "alice")
        #expect(names.statuses.first?.mistake == "cannot be read: No regular file")
    }
}
