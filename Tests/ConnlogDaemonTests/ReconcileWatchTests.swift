#if Server
import ConnlogCoder
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogDaemon
@testable import ConnlogTools

/// `[store] reconcile_every`: what is counted, told once, and goes on whatever happens.
@Suite struct ReconcileWatchTests {
    private static let coder = "[source \"table\"]\ntype = coder_api\nurl = http://127.0.0.1:1\ntoken = t\n"
    private static let server = "[server]\nlisten = 127.0.0.1:1\nopen = true\n"

    private static func load(_ text: String) throws -> LoadedConfiguration {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "connlog.ini")
        let base = "[connlog]\ndata_dir = \(folder.path)\n[source \"in\"]\ntype = stdin\n"
        try (base + text).write(to: file, atomically: true, encoding: .utf8)
        return Plan.checked(Registry.connlog.load(file.path))
    }

    private static func plan(_ text: String) throws -> ReconcilePlan? {
        let configuration = try #require(try load(text).configuration)
        return try configuration.sections(ofKind: "store").first.flatMap { try ReconcilePlan($0, configuration) }
    }

    private static func store(_ lines: String) -> String { "[store]\ntype = sqlite\n\(lines)\n" }

    /// Pauses that somebody ends, and what is said.
    private final class Stage: Sendable {
        let said = Mutex<[String]>([])
        let asked = Mutex<[(from: Nanoseconds, to: Nanoseconds)]>([])
        let outcomes: Mutex<[ReconcileOutcome?]>
        init(_ outcomes: [ReconcileOutcome?]) { self.outcomes = Mutex(outcomes) }
    }

    private struct Trouble: Error, CustomStringConvertible { let description = "Coder is away" }

    private static func outcome(_ kinds: [ReconcileOutcome.Finding.Kind], isAll: Bool = true) -> ReconcileOutcome {
        var outcome = ReconcileOutcome(coder: "", server: "", asked: TableTime.first...TableTime.last)
        outcome.used = isAll ? outcome.asked : nil
        outcome.reasons = isAll ? [] : ["the store has no row"]
        outcome.equal = 7
        outcome.findings = kinds.map { .init(kind: $0, table: nil, store: nil) }
        return outcome
    }

    private static func figures(_ watch: ReconcileWatch) -> [String: Double?] {
        Dictionary(uniqueKeysWithValues: watch.figures.map { ($0.name, $0.value) })
    }

    @Test func `what differs is counted and told once, trouble too, and counts stay until the next one can be made`()
        async throws
    {
        let plan = try #require(try Self.plan(Self.coder + Self.server + Self.store("reconcile_every = 1h")))
        let different = Self.outcome([.missingInStore, .missingInStore, .missingInTable, .different, .unsure])
        let stage = Stage([
            Self.outcome([]), different, different, nil, nil, Self.outcome([], isAll: false), Self.outcome([]),
        ])
        let count = stage.outcomes.withLock { $0.count }
        let done = Mutex(0)
        let (turns, turn) = AsyncStream.makeStream(of: Void.self)
        let watch = ReconcileWatch(
            version: "1", log: { level, text in stage.said.withLock { $0.append("\(level): \(text)") } },
            pause: { wait in
                #expect(wait == .seconds(3600))
                done.withLock { $0 += 1 }
                var iterator = turns.makeAsyncIterator()
                guard await iterator.next() != nil else { throw CancellationError() }
            },
            compare: { _, from, to in
                stage.asked.withLock { $0.append((from, to)) }
                guard let outcome = stage.outcomes.withLock({ $0.removeFirst() }) else { throw Trouble() }
                return outcome
            })
        #expect(watch.figures.isEmpty)
        watch.use(plan)
        #expect(Self.figures(watch)["reconcile_equal"] == .some(nil))
        var all: [[String: Double?]] = []
        for round in 1...count {
            turn.yield()
            try await Waiting.until("round \(round)") { done.withLock { $0 } == round + 1 }
            all.append(Self.figures(watch))
            // The same again is no other: it goes on.
            watch.use(plan)
        }
        watch.stop()
        func column(_ name: String) -> [Double?] { all.map { $0["reconcile_\(name)"] ?? nil } }
        #expect(column("good") == [1, 1, 1, 0, 0, 0, 1])
        #expect(column("missing_in_store") == [0, 2, 2, 2, 2, 2, 0])
        #expect(column("missing_in_table") == [0, 1, 1, 1, 1, 1, 0])
        #expect(column("different") == [0, 1, 1, 1, 1, 1, 0])
        #expect(column("unsure") == [0, 1, 1, 1, 1, 1, 0])
        #expect(column("equal") == Array(repeating: 7, count: 7))
        let tries = column("last_try_seconds").compactMap { $0 }
        #expect(tries.count == 7 && tries == tries.sorted() && column("last_seconds")[5] == column("last_seconds")[2])
        let said = stage.said.withLock { $0 }
        #expect(said.count == 4, "\(said)")
        #expect(said[0].contains("2 missing in the store, 1 missing in the table, 1 different, 1 unsure"), "\(said)")
        #expect(said[0].contains("connlog reconcile --from -24h --to now"))
        #expect(said[1].contains("Coder is away") && said[2].contains("the store has no row"))
        #expect(said[3].contains("the same again"))
        let asked = stage.asked.withLock { $0 }
        #expect(asked.allSatisfy { $0.to - $0.from == 86_400_000_000_000 })
        watch.use(nil)
        #expect(watch.figures.isEmpty)
    }

    @Test func `a longer interval compares as far back as it is long`() async throws {
        let plan = try #require(try Self.plan(Self.coder + Self.server + Self.store("reconcile_every = 7d")))
        let asked = Mutex<Nanoseconds?>(nil)
        let hasRun = Mutex(false)
        let watch = ReconcileWatch(
            version: "1", log: { _, _ in },
            pause: { _ in
                if hasRun.withLock({ old in
                    defer { old = true }
                    return old
                }) {
                    throw CancellationError()
                }
            },
            compare: { _, from, to in
                asked.withLock { $0 = to - from }
                return Self.outcome([])
            })
        watch.use(plan)
        try await Waiting.until("it was compared") { asked.withLock { $0 } != nil }
        #expect(asked.withLock { $0 } == Nanoseconds(7 * 86_400) * 1_000_000_000)
    }

    @Test(
        arguments: [
            (coder + server, "reconcile_every = 1h", nil),
            (coder + server, "reconcile_every = 1h\nreconcile_coder = table", nil),
            ("", "", nil),
            (coder, "reconcile_every = 1h", "reconcile_every: needs a [server]"),
            (server, "reconcile_every = 1h", "with type = coder_api"),
            (coder + server, "reconcile_every = 1h\nreconcile_coder = people", "there are [source \"table\"]"),
            (coder + server, "reconcile_coder = table", "reconcile_coder: does nothing without reconcile_every"),
            (coder + server, "reconcile_every = 999ms", "too short"),
            (coder + server, "reconcile_every = 8d", "too long"),
        ] as [(String, String, String?)])
    func `what it needs is told at its key`(sections: String, lines: String, mistake: String?) throws {
        let loaded = try Self.load(sections + Self.store(lines))
        let errors = loaded.diagnostics.filter { $0.severity == .error }.map(\.message)
        #expect(errors.count == (mistake == nil ? 0 : 1), "\(errors)")
        if let mistake { #expect(errors.first?.contains(mistake) == true, "\(errors)") }
    }

    @Test func `a directory that asks Coder is asked where there is no such source`() throws {
        let directory = "[directory \"people\"]\ntype = coder_api\nurl = http://127.0.0.1:1\ntoken = t\n"
        let plan = try #require(try Self.plan(directory + Self.server + Self.store("reconcile_every = 1s")))
        #expect(plan.coder.heading == "[directory \"people\"]" && plan.every == .seconds(1))
        let other = try #require(
            try Self.plan(directory + Self.coder + Self.server + Self.store("reconcile_every = 1s")))
        #expect(other.coder.heading == "[source \"table\"]" && !plan.isSame(as: other))
    }
}
#endif
