import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogCoder

/// Names from Coder's API, against a server that is as strict as Coder.
@Suite(.timeLimit(.minutes(10))) final class CoderNamesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "coder-\(UUID().uuidString)")
    private let said = SaidLines()

    deinit { try? FileManager.default.removeItem(at: folder) }

    private final class SaidLines: Sendable {
        private let lines = Mutex<[String]>([])
        private let waits = Mutex<[Duration]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func add(_ wait: Duration) { waits.withLock { $0.append(wait) } }
        var all: [String] { lines.withLock { $0 } }
        var pauses: [Duration] { waits.withLock { $0 } }
    }

    private static func id(_ number: Int) -> String {
        "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - "\(number)".count) + "\(number)"
    }

    private static func person(_ number: Int) -> CoderAPIServer.Person {
        CoderAPIServer.Person(id: id(number), username: "user\(1_000_000 + number)")
    }

    private var file: NamesFile { NamesFile("coder", in: folder.path) }

    private func names(
        _ server: CoderAPIServer, token: SecretReference? = nil, misses: @escaping @Sendable () -> [String] = { [] }
    ) -> CoderNames {
        let api = CoderAPI(
            url: server.url + "/", token: token ?? SecretReference(literal: "abcdefghij-0123456789012345678901"),
            http: HTTPSettings(userAgent: "connlog/test"), timeout: .seconds(60))
        let said = said
        return CoderNames(
            CoderNames.Settings(name: "coder", api: api, file: file, interval: .seconds(900)), misses: misses,
            pause: { said.add($0) }, log: { said.add("\($0): \($1)") })
    }

    /// What every process of connlog reads.
    private var directory: NameDirectory {
        let directory = NameDirectory(
            [file.users, file.organizations].map { NameDirectory.Source(name: "coder", path: $0, isOwn: true) },
            log: { _, _ in })
        directory.refresh()
        return directory
    }

    private func count(_ users: [UserName]) -> Int { users.filter { $0.id != CoderPeople.prebuilds.id }.count }

    @Test(arguments: [0, 1, 2, 499, 500, 501, 1000, 1201])
    func `every user of any number comes, once, and so do organizations`(number: Int) async throws {
        let server = try CoderAPIServer {
            $0.people = (0..<number).map(Self.person)
            $0.organizations = [(Self.id(900_001), "acme"), (Self.id(900_002), "o,\"x\"\n=1")]
        }
        defer { server.stop() }
        try await names(server).readAll()
        #expect(count(directory.users) == number)
        #expect(directory.user(Self.id(0))?.username == (number > 0 ? "user1000000" : nil))
        #expect(directory.user(CoderPeople.prebuilds.id)?.username == "prebuilds")
        #expect(directory.organizations.map(\.name) == ["acme", "o,\"x\"\n=1"])
        #expect(server.violations.isEmpty, "\(server.violations)")
        let mode = try FileManager.default.attributesOfItem(atPath: file.users)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    /// Letters whose marks make one character of them and of what stands before, and what else a file of names is made of.
    private static let hostileNames = [
        "\"\u{301}", "a\"\u{65d},b", "\r\n\u{301}", ",\u{20dd}x", "\"\"", "=1+1", "\u{feff}id", "e\u{301}", "\u{e9}",
    ]

    @Test func `whatever people are called, a start without Coder has their names, byte for byte`() throws {
        let users = Self.hostileNames.enumerated().map { number, name in
            UserName(id: Self.id(number), username: "user\(number)", email: name, name: name)
        }
        try file.write(users)
        try file.write(
            Self.hostileNames.enumerated().map { OrganizationName(id: Self.id($0), name: "o\($0)", displayName: $1) })
        let read = file.read()
        #expect(read.users.map { Array($0.name.utf8) } == Self.hostileNames.map { Array($0.utf8) })
        #expect(read.organizations.map { Array($0.displayName.utf8) } == Self.hostileNames.map { Array($0.utf8) })
    }

    @Test(arguments: [1, 100, 499, 500, 501])
    func `a Coder that gives shorter pages than it was asked for gives all the same`(most: Int) async throws {
        let server = try CoderAPIServer {
            $0.people = (0..<1201).map(Self.person)
            $0.pageMax = most
        }
        defer { server.stop() }
        try await names(server).readAll()
        #expect(count(directory.users) == 1201)
    }

    @Test func `one renamed and one deleted between two pages: nobody comes twice, the deleted one keeps its name`()
        async throws
    {
        let server = try CoderAPIServer { $0.people = (0..<1201).map(Self.person) }
        defer { server.stop() }
        let coder = names(server)
        try await coder.readAll()
        server.change { state in
            state.pages = 0
            state.beforePage = { state, page in
                guard page == 2 else { return }
                state.people[1100].username = "zoe"
                state.people[3].isDeleted = true
                state.people[1200].isDeleted = true
            }
        }
        try await coder.readAll()
        #expect(count(directory.users) == 1201)
        #expect(directory.user(Self.id(1100))?.username == "zoe")
        #expect(directory.user(Self.id(1200)).map(\.isDeleted) == true)
        // It was read before it went; the next time tells.
        try await coder.readAll()
        #expect(
            directory.user(Self.id(3))
                == UserName(
                    id: Self.id(3), username: "user1000003", email: "user1000003@example.com", isDeleted: true))
        #expect(directory.userIDs(named: "USER1000003", evenDeleted: true) == [Self.id(3)])
    }

    @Test func `a token that has lost its role makes nobody deleted, and that is told once`() async throws {
        let server = try CoderAPIServer { $0.people = (0..<100).map(Self.person) }
        defer { server.stop() }
        let coder = names(server)
        try await coder.readAll()
        server.change { $0.people.removeLast(40) }
        for _ in 0..<3 { try await coder.readAll() }
        #expect(directory.users.allSatisfy { !$0.isDeleted } && count(directory.users) == 100)
        #expect(said.all.filter { $0.contains("40 that were there are missing") }.count == 1, "\(said.all)")
        server.change { $0.isLimited = true }
        try await coder.readAll()
        #expect(directory.users.allSatisfy { !$0.isDeleted } && count(directory.users) == 100)
    }

    @Test func `an organization's auditor has the names of its members, and is told so`() async throws {
        let server = try CoderAPIServer {
            $0.people = (0..<20).map(Self.person)
            $0.organizations = [(Self.id(900_001), "acme")]
            $0.isLimited = true
        }
        defer { server.stop() }
        try await names(server).readAll()
        #expect(count(directory.users) == 20)
        #expect(said.all.contains { $0.contains("members of its organizations only") }, "\(said.all)")
    }

    @Test func `a Coder with one user is no reason to complain`() async throws {
        let server = try CoderAPIServer {
            $0.people = [Self.person(1)]
            $0.organizations = [(Self.id(900_001), "acme")]
        }
        defer { server.stop() }
        try await names(server).readAll()
        #expect(count(directory.users) == 1 && said.all.count == 1, "\(said.all)")
    }

    @Test(arguments: [false, true])
    func `who is new comes by the next look, where Coder can be asked so`(isOld: Bool) async throws {
        let server = try CoderAPIServer {
            $0.people = (0..<10).map(Self.person)
            $0.isOld = isOld
        }
        defer { server.stop() }
        let coder = names(server)
        try await coder.readAll()
        var new = Self.person(10)
        new.created = "2026-02-02T10:00:00.123456Z"
        server.change { [new] in $0.people.append(new) }
        let before = server.requests.count
        for _ in 0..<3 { try await coder.readNew() }
        #expect(count(directory.users) == (isOld ? 10 : 11))
        #expect(server.requests.count == before + (isOld ? 1 : 3))
        try await coder.readAll()
        #expect(count(directory.users) == 11)
    }

    @Test func `an id that nobody knows is asked for once an hour, ten at a time, and a deleted user has its name`()
        async throws
    {
        var gone = Self.person(7)
        gone.isDeleted = true
        let server = try CoderAPIServer { [gone] in $0.people = [Self.person(1), gone] }
        defer { server.stop() }
        let coder = names(server)
        try await coder.readAll()
        try await coder.ask(for: [Self.id(7), "not an id", "../../etc", Self.id(1)], at: .zero)
        #expect(directory.user(Self.id(7)).map { $0.username + "\($0.isDeleted)" } == "user1000007true")
        let strangers = (100..<125).map(Self.id)
        for round in 0..<5 { try await coder.ask(for: strangers, at: .seconds(round * 60)) }
        let asked = server.requests.filter { $0.contains("/users/0000") }
        #expect(asked.count == 1 + 25 && Set(asked).count == asked.count)
        try await coder.ask(for: strangers, at: .seconds(3599))
        #expect(server.requests.filter { $0.contains("/users/0000") }.count == 26)
        try await coder.ask(for: strangers, at: .seconds(3600))
        #expect(server.requests.filter { $0.contains("/users/0000") }.count == 36)
    }

    @Test func `a start without Coder has the names of last time`() async throws {
        let server = try CoderAPIServer { $0.people = (0..<5).map(Self.person) }
        try await names(server).readAll()
        server.stop()
        let later = names(server)
        await #expect(throws: CoderTrouble.self) { try await later.readAll() }
        #expect(count(directory.users) == 5)
    }

    private struct Refusal: Sendable, CustomTestStringConvertible {
        let status: Int
        var headers: [(name: String, value: String)] = []
        var body = ""
        let kind: CoderTrouble.Kind
        let words: String
        var testDescription: String { "\(status) \(words)" }
    }

    private static let refusals = [
        Refusal(
            status: 401, body: #"{"message":"API key expired at \"2026-01-01\".","detail":"x"}"#, kind: .token,
            words: "put it in its place"),
        Refusal(
            status: 403, body: #"{"message":"Forbidden."}"#, kind: .forbidden, words: "give that user the role auditor"),
        Refusal(status: 404, body: #"{"message":"Route not found."}"#, kind: .notFound, words: "is url the address"),
        Refusal(status: 400, body: "{}", kind: .refused, words: "does not understand"),
        Refusal(status: 502, body: "<html>", kind: .away, words: "answers 502"),
        Refusal(
            status: 307, headers: [("Location", "http://127.0.0.1:1/steal")], kind: .strange,
            words: "does not carry the token"),
        Refusal(
            status: 200, headers: [("Content-Type", "text/html; charset=utf-8")], body: "<html>Sign in</html>",
            kind: .strange, words: "page for browsers"),
        Refusal(status: 200, body: #"{"users":"#, kind: .strange, words: "no JSON"),
        Refusal(status: 200, body: #"{"hello":1}"#, kind: .strange, words: "something else"),
        Refusal(status: 204, kind: .strange, words: "none of Coder's"),
    ]

    @Test(arguments: refusals)
    private func `what Coder, or something in its place, answers is a sentence, and names stay`(refusal: Refusal)
        async throws
    {
        let server = try CoderAPIServer { $0.people = (0..<5).map(Self.person) }
        defer { server.stop() }
        let coder = names(server)
        try await coder.readAll()
        server.change { $0.script = [(refusal.status, refusal.headers, refusal.body)] }
        do throws(CoderTrouble) {
            try await coder.readAll()
            Issue.record("no trouble")
        } catch {
            #expect(error.kind == refusal.kind && error.description.contains(refusal.words), "\(error)")
            #expect(!error.description.contains("0123456789012345678901"))
        }
        #expect(count(directory.users) == 5)
        try await coder.readAll()
    }

    @Test func `too many questions: the pause is Coder's, and nothing is missing`() async throws {
        let server = try CoderAPIServer { $0.people = (0..<700).map(Self.person) }
        defer { server.stop() }
        server.change { state in
            state.beforePage = { state, page in
                if page == 1 { state.script = [(429, [("Retry-After", "37")], "{}"), (429, [], "{}")] }
            }
        }
        try await names(server).readAll()
        #expect(said.pauses == [.seconds(37), .seconds(60)])
        #expect(count(directory.users) == 700)
    }

    @Test func `pages that say the same again and again end, and a count that lies changes nothing`() async throws {
        let server = try CoderAPIServer {
            $0.people = (0..<600).map(Self.person)
            $0.repeatsPages = true
        }
        defer { server.stop() }
        let coder = names(server)
        await #expect(throws: CoderTrouble.self) { try await coder.readAll() }
        for lie in [0, 1, 599, 601, 1_000_000, -5] {
            server.change {
                $0.repeatsPages = false
                $0.countLie = lie
            }
            try await coder.readAll()
            #expect(count(directory.users) == 600, "\(lie)")
        }
    }

    @Test func `a token that is replaced in its file is used at once`() async throws {
        let server = try CoderAPIServer { $0.people = (0..<5).map(Self.person) }
        defer { server.stop() }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let secret = folder.appending(path: "token")
        try Data("old\n".utf8).write(to: secret)
        let coder = names(server, token: SecretReference(file: secret.path))
        await #expect(throws: CoderTrouble.self) { try await coder.readAll() }
        try Data("abcdefghij-0123456789012345678901\n".utf8).write(to: secret, options: .atomic)
        try await coder.readAll()
        #expect(count(directory.users) == 5)
    }

    @Test func `run tells trouble once, goes on, and says when it is over`() async throws {
        let server = try CoderAPIServer {
            $0.people = (0..<5).map(Self.person)
            $0.script = Array(repeating: (503, [], ""), count: 4)
        }
        defer { server.stop() }
        let coder = names(server)
        let run = Task { await coder.run() }
        try await Waiting.until("it is over") { self.said.all.contains { $0.contains("answers again") } }
        run.cancel()
        await run.value
        #expect(said.all.filter { $0.contains("answers 503") }.count == 1, "\(said.all)")
        #expect(said.all.contains { $0.hasPrefix("info: directory coder: 6 users") }, "\(said.all)")
        #expect(said.pauses.prefix(4) == [.seconds(20), .seconds(40), .seconds(80), .seconds(160)])
    }

    @Test func `a trial says who the token is and what it sees`() async throws {
        let server = try CoderAPIServer { $0.people = (0..<5).map(Self.person) }
        defer { server.stop() }
        func trial() async -> [TrialFinding] {
            await CoderTrial(
                .names, name: "coder",
                api: CoderAPI(
                    url: server.url, token: SecretReference(literal: "abcdefghij-0123456789012345678901"),
                    http: HTTPSettings(userAgent: "connlog/test"))
            ).run()
        }
        var found = await trial()
        #expect(found.map(\.verdict) == [.good, .good] && found[1].text.hasPrefix("5 users"), "\(found)")
        server.change { $0.isLimited = true }
        found = await trial()
        #expect(found.map(\.verdict) == [.good, .doubtful] && found[1].text.contains("role auditor"), "\(found)")
        server.change { $0.token = "another" }
        #expect(await trial().map(\.verdict) == [.failed])
    }
}
