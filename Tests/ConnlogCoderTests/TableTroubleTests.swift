import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogCoder

/// What Coder may answer in place of rows (case A3): one sentence with the next step, and reading goes on.
@Suite(.timeLimit(.minutes(10))) struct TableTroubleTests {
    private let said = SaidLines()

    /// Runs a source until it has handed over so many events.
    private func run(
        _ bench: TableBench, token: SecretReference? = nil, until events: Int, saying words: String = "",
        once: Bool = false,
        pause: @escaping @Sendable (Duration) async -> Void = { _ in await Task.yield() }
    ) async throws {
        let said = said
        let source = CoderTableSource(
            bench.settings, bench.api(token: token),
            SourceContext(once: once, name: "table", version: "1", log: { said.add("\($0): \($1)") }), pause: pause)
        let queue = bench.queue
        let run = Task { try await source.run(into: queue) }
        if !once {
            try await Waiting.until("\(events) events came") {
                queue.lines.count >= events && (words.isEmpty || said.all.contains { $0.contains(words) })
            }
            run.cancel()
        }
        try await run.value
    }

    private func warnings(_ word: String) -> Int {
        said.all.filter { $0.hasPrefix("warning") && $0.contains(word) }.count
    }

    @Test(
        arguments: [
            (
                401,
                #"{"message":"You are signed out or your session has expired. Please sign in again to continue."}"#,
                "does not take the token"
            ),
            (
                401,
                #"{"message":"User is not active (status = \"suspended\"). Contact an admin to reactivate your account."}"#,
                "coder tokens create"
            ),
            (403, #"{"message":"Connection Log is a Premium feature. Contact sales!"}"#, "licence"),
            (403, #"{"message":"Forbidden."}"#, "role auditor"),
            (404, #"{"message":"Route not found."}"#, "need 2.25 or newer, and Coder Premium"),
            (
                404, #"{"message":"Resource not found or you do not have access to this resource"}"#,
                "has no connection logs"
            ),
            (400, #"{"message":"Invalid connection search query.","validations":[]}"#, "does not understand"),
            (428, "{}", "asked too often"), (500, "{}", "answers 500"),
            (502, "<html>Bad gateway</html>", "answers 502"),
            (200, "<html>Log in</html>", "page for browsers"), (200, #"{"connection_logs":"none"}"#, "something else"),
            (200, #"{"users":[]}"#, "something else"), (302, "", "does not carry the token"),
        ] as [(Int, String, String)])
    func `each is told once with the next step, and events come when it is over`(
        status: Int, body: String, sentence: String
    ) async throws {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 60, lasts: 1)) }
        let other = try CoderAPIServer()
        defer { other.stop() }
        bench.server.change {
            let headers = [
                ("Content-Type", body.hasPrefix("<") ? "text/html" : "application/json"),
                ("Location", other.url + "/x"),
            ]
            $0.script = Array(repeating: (status, headers.map { (name: $0.0, value: $0.1) }, body), count: 7)
        }
        try await run(bench, until: 2, saying: "answers again")
        #expect(warnings(sentence) == 1, "\(said.all)")
        #expect(!said.all.contains { $0.contains(TableBench.token) })
        #expect(other.requests.isEmpty)
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `a token that is replaced in its file is used without a restart`() async throws {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 60, lasts: 1)) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "table-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let secret = folder.appending(path: "token")
        try Data("old\n".utf8).write(to: secret)
        let pauses = Counter()
        try await run(bench, token: SecretReference(file: secret.path), until: 2) { _ in
            if pauses.next() == 4 { try? Data("\(TableBench.token)\n".utf8).write(to: secret, options: .atomic) }
        }
        #expect(warnings("does not take the token") == 1, "\(said.all)")
    }

    @Test func `429 for an hour is waited for as Coder says, and told once`() async throws {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 60, lasts: 1)) }
        bench.server.change {
            $0.script = Array(repeating: (429, [(name: "Retry-After", value: "60")], "{}"), count: 60)
        }
        let pauses = Mutex<[Duration]>([])
        try await run(bench, until: 2) { wait in pauses.withLock { $0.append(wait) } }
        #expect(pauses.withLock { $0.filter { $0 == .seconds(60) }.count } == 60)
        #expect(warnings("asked too often") == 1, "\(said.all)")
    }

    @Test func `a quarter of what Coder allows is left to others`() async throws {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 60, lasts: 1)) }
        let pauses = Mutex<[Duration]>([])
        for (left, isWaiting) in [(128, false), (127, true), (0, true), (512, false)] {
            bench.change { $0.left = left }
            pauses.withLock { $0 = [] }
            let clock = bench.clock
            let questions = TableQuestions(
                bench.api(), clock: SystemWallTime(),
                pause: { wait in
                    pauses.withLock { $0.append(wait) }
                    clock.advance(wait)
                })
            for _ in 0..<3 { _ = try await questions.page(.init(after: .first, before: nil)) }
            let waits = pauses.withLock { $0 }
            #expect(waits.count == (isWaiting ? 2 : 0), "\(left): \(waits)")
            #expect(waits.allSatisfy { $0 > .zero && $0 <= .seconds(43) }, "\(left): \(waits)")
        }
    }

    @Test func `no more than twenty requests at once and four a second are made`() async throws {
        let bench = try TableBench()
        let before = bench.clock.table
        let questions = bench.questions
        for _ in 0..<120 { _ = try await questions.page(.init(after: .first, before: nil)) }
        let took = bench.clock.table.since(before)
        #expect((24_000_000...26_000_000).contains(took), "\(took)")
    }

    @Test func `a Coder that pays no heed to bounds or offsets is no endless loop`() async throws {
        let rows = (0..<1500).map { TableBench.row($0, ago: 100) }
        let bench = try TableBench { table in
            for row in rows { table.add(row) }
            table.ignoresOffset = true
        }
        try await bench.poll()
        #expect(bench.queue.lines.count == 500)
        bench.change {
            $0.ignoresBounds = true
            $0.add(TableBench.row(9999, ago: -80_000))
        }
        bench.restart()
        await #expect(throws: TableReader.Stop.self) { try await bench.poll() }
    }

    @Test func `with run --once a Coder that stays away is an error after three tries`() async throws {
        let bench = try TableBench()
        bench.server.change { $0.script = Array(repeating: (503, [], ""), count: 9) }
        await #expect(throws: SourceError.self) { try await run(bench, until: 0, once: true) }
        #expect(bench.server.requests.count == 3)
        bench.server.change { $0.script = [] }
        try await run(bench, until: 0, once: true)
    }

    @Test func `a trial says who the token is and whether rows can be read`() async throws {
        let bench = try TableBench()
        func trial() async -> [TrialFinding] { await CoderTrial(.rows, name: "table", api: bench.api()).run() }
        var found = await trial()
        #expect(found.map(\.verdict) == [.good, .doubtful] && found[1].text.contains("role auditor"), "\(found)")
        bench.change { $0.add(TableBench.row(1, ago: 60)) }
        found = await trial()
        #expect(found.map(\.verdict) == [.good, .good] && found[1].text.contains("2026-11-30T11:59:00Z"), "\(found)")
        bench.server.change { $0.token = "another" }
        #expect(await trial().map(\.verdict) == [.failed])
    }
}
