import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSources

/// A queue that remembers events and checkpoints.
private final class Shelf: EventOutput {
    private struct State {
        var lines: [String] = []
        var checkpoints: [CheckpointKey: [UInt8]] = [:]
        var blocked: String?
        var failure: AppendError?
        var flushes = 0
    }

    private let state = Mutex(State())

    var checkpoints: [CheckpointKey: [UInt8]] { state.withLock { $0.checkpoints } }
    var lines: [String] { state.withLock { $0.lines } }
    var flushes: Int { state.withLock { $0.flushes } }
    var blocked: String? {
        get { state.withLock { $0.blocked } }
        set { state.withLock { $0.blocked = newValue } }
    }

    func fail(_ failure: AppendError?) { state.withLock { $0.failure = failure } }

    func enqueue(_ batch: consuming EventBatch, _ checkpoints: [Checkpoint]) async throws(AppendError) {
        let batch = batch
        let failure = state.withLock { state -> AppendError? in
            if let failure = state.failure { return failure }
            state.lines += batch.records.map { batch.bytes.text($0.range) }
            for checkpoint in checkpoints { state.checkpoints[checkpoint.key] = checkpoint.value }
            return nil
        }
        if let failure { throw failure }
    }

    func flush() async throws(AppendError) {
        let failure = state.withLock { state -> AppendError? in
            state.flushes += 1
            return state.failure
        }
        if let failure { throw failure }
    }

    func makeBatch() -> EventBatch { EventBatch() }
}

@Suite struct IngestSourceTests {
    /// Runs `body` while a source takes events for a shelf.
    private func withSource(
        _ shelf: Shelf, status: SourceStatus = SourceStatus(), _ body: (IngestSource) async throws -> Void
    ) async throws {
        let source = IngestSource(SourceContext(once: false, status: status, log: { _, _ in })) { EventDecoder() }
        let running = Task { try await source.run(into: shelf) }
        while (try? source.begin()) == nil, shelf.blocked == nil { await Task.yield() }
        try await body(source)
        running.cancel()
        try await running.value
        #expect(throws: IntakeError.stopping) { _ = try source.begin() }
    }

    private func give(_ text: String, _ source: IngestSource, piece: Int = 1000) async throws -> IntakeReport {
        let session = try source.begin()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let part = Array(bytes[start..<min(bytes.count, start + piece)])
            try await session.take(part.span)
        }
        return try await session.finish()
    }

    @Test func `events are taken whatever the pieces, and acknowledged after a flush`() async throws {
        let text = (0..<20).map { TestEvents.line($0) }.joined(separator: "\n")
        for piece in [1, 7, 500, 100_000] {
            let shelf = Shelf()
            try await withSource(shelf) { source async throws in
                let report = try await give(text, source, piece: piece)
                #expect(report.accepted == 20 && report.duplicates == 0 && report.refused == 0)
                #expect(shelf.lines == (0..<20).map { TestEvents.line($0) } && shelf.flushes == 1)
            }
        }
    }

    @Test func `what is handed in again is known, in the same piece, in another, and after a restart`() async throws {
        let shelf = Shelf()
        let text = (0..<3).map { TestEvents.line($0) + "\n" }.joined()
        let status = SourceStatus()
        try await withSource(shelf, status: status) { source async throws in
            #expect(try await give(text + text, source).duplicates == 3)
            #expect(try await give(text, source) == report(accepted: 0, duplicates: 3))
        }
        try await withSource(shelf) { source async throws in
            let more = text + TestEvents.line(3) + "\n"
            #expect(try await give(more, source) == report(accepted: 1, duplicates: 3))
        }
        #expect(shelf.lines.count == 4)
        #expect(status.counts.events == 3 && status.counts.duplicates == 6)
    }

    private func report(accepted: Int, duplicates: Int) -> IntakeReport {
        var report = IntakeReport()
        (report.accepted, report.duplicates) = (accepted, duplicates)
        return report
    }

    @Test func `as many ids are remembered as promised, and checkpoints stay small`() async throws {
        let shelf = Shelf()
        let count = SeenWindow.slotCount * SeenWindow.idsOfSlot
        try await withSource(shelf) { source async throws in
            for start in stride(from: 0, to: count + 4000, by: 2000) {
                _ = try await give((start..<start + 2000).map { TestEvents.line($0) + "\n" }.joined(), source)
            }
            let newest = (6700..<6710).map { TestEvents.line($0) + "\n" }.joined()
            #expect(try await give(newest, source).duplicates == 10)
            let oldest = (0..<10).map { TestEvents.line($0) + "\n" }.joined()
            #expect(try await give(oldest, source).accepted == 10)
        }
        #expect(shelf.checkpoints.values.allSatisfy { $0.count <= SeenWindow.idsOfSlot * 16 })
        #expect(shelf.checkpoints.count <= SeenWindow.slotCount + 1)
    }

    @Test func `every line that is refused is named, and the others are taken`() async throws {
        let shelf = Shelf()
        let text = TestEvents.line(1) + "\n{\"broken\n\nnot json at all\n" + TestEvents.line(2) + "\n{\"also\":\n"
        try await withSource(shelf) { source async throws in
            let report = try await give(text, source)
            #expect(report.accepted == 2 && report.refused == 2)
            #expect(report.refusals.map(\.line) == [2, 6])
            #expect(report.skipped == 2)
        }
    }

    /// As the daemon makes it, whose decoder keeps as many lines as an answer names.
    @Test(arguments: [5, 6, 100, 101, 250])
    func `of many lines that are refused in one piece the first hundred are named`(count: Int) async throws {
        let section = Section(
            kind: "source", name: "in", type: "ingest", place: Place(file: "c.ini", line: 1, column: 1),
            values: [
                "format": .string("auto"), "container": .string("auto"), "max_line": .integer(1 << 20),
            ], places: [:])
        let made = try IngestSource.make(section, SourceContext(once: false, log: { _, _ in }))
        let source = try #require(made as? IngestSource)
        let text = (0..<count).map { TestEvents.line($0) + "\n{\"broken\": \($0)\n" }.joined()
        let running = Task { try await source.run(into: Shelf()) }
        try await Waiting.until { (try? source.begin()) != nil }
        let report = try await give(text, source)
        running.cancel()
        try await running.value
        #expect(report.accepted == count && report.refused == count)
        #expect(report.refusals.map(\.line) == (1...min(100, count)).map { 2 * $0 })
        #expect(report.refusals.allSatisfy { !$0.reason.isEmpty })
    }

    @Test func `a full queue is told at once, and a broken one does not count as taken`() async throws {
        let shelf = Shelf()
        try await withSource(shelf) { source async throws in
            shelf.blocked = "disk_full"
            #expect(throws: IntakeError.full("disk_full")) { _ = try source.begin() }
            shelf.blocked = nil
            shelf.fail(.failed("no disk"))
            await #expect(throws: IntakeError.failed("no disk")) { try await give(TestEvents.line(1) + "\n", source) }
            shelf.fail(nil)
            #expect(try await give(TestEvents.line(1) + "\n", source).accepted == 1)
        }
    }

    @Test func `what is refused, foreign or incomplete is counted in the report and in the status`() async throws {
        let shelf = Shelf()
        let status = SourceStatus()
        let source = IngestSource(SourceContext(once: false, status: status, log: { _, _ in })) {
            EventDecoder(origins: OriginConditions(namespaces: ["coder"]))
        }
        let running = Task { try await source.run(into: shelf) }
        while (try? source.begin()) == nil { await Task.yield() }
        func entry(_ namespace: String, _ payload: String) -> String {
            "{\"logName\":\"l\",\"resource\":{\"labels\":{\"namespace_name\":\"\(namespace)\"}},\(payload)}\n"
        }
        let parsed =
            "\"jsonPayload\":{\"msg\":\"connection_log\",\"fields\":{\"ID\":\"\(TestEvents.id(1))\","
            + "\"ConnectionStatus\":\"connected\",\"Time\":\"2025-07-10T10:14:38Z\"}}"
        let text = "\"textPayload\":\(JSONText.quoted(TestEvents.line(2)))"
        let report = try await give(
            entry("coder", parsed) + entry("coder", text) + entry("dev", text) + entry("dev", parsed)
                + entry("coder", "\"textPayload\":null") + entry("coder", "\"textPayload\":\"chatter\""), source)
        #expect(report.accepted == 2 && report.foreign == 2 && report.incomplete == 1, "\(report)")
        #expect(report.refused == 1 && report.skipped == 1, "\(report)")
        let counts = status.counts
        #expect(counts.events == 2 && counts.incomplete == 1 && counts.lines == 6)
        #expect(counts.skipped == ["foreign": 2, "other": 1])
        #expect(counts.malformed.values.reduce(0, +) == 1)
        running.cancel()
        try await running.value
    }

    @Test func `human lines, wrapped lines and the newest build's are taken too`() async throws {
        let shelf = Shelf()
        let docker =
            #"{"log":"\#(TestEvents.line(1).replacing("\"", with: "\\\""))\n","stream":"stdout","time":"2025-07-03T05:09:41Z"}"#
        try await withSource(shelf) { source async throws in
            #expect(try await give(docker + "\n", source).accepted == 1)
        }
        #expect(shelf.lines == [TestEvents.line(1)])
    }

    @Test func `whoever may hand in events of one organization only gets others refused`() async throws {
        let shelf = Shelf()
        let (own, other) = (ToldEvent.uuid(900), ToldEvent.uuid(901))
        var theirs = ToldEvent(id: ToldEvent.uuid(2), time: 2)
        theirs.organization = other
        let text = [ToldEvent(id: ToldEvent.uuid(1), time: 1), theirs, ToldEvent(id: ToldEvent.uuid(3), time: 3)]
            .map { $0.line + "\n" }.joined()
        try await withSource(shelf) { source async throws in
            let session = try source.begin(organizations: [own])
            try await session.take(Array(text.utf8).span)
            let report = try await session.finish()
            #expect(report.accepted == 2 && report.refused == 1 && report.duplicates == 0)
            #expect(report.refusals.first?.reason.contains("organization") == true)
            // What was refused was not remembered as seen.
            #expect(try await give(text, source) == self.report(accepted: 1, duplicates: 2))
            let none = try source.begin(organizations: [])
            try await none.take(Array(text.utf8).span)
            #expect(try await none.finish().refused == 3)
        }
    }

    /// A human entry that goes on and on, the parts of a split line, one line without an end.
    @Test(arguments: [0, 1, 2], [100, 4096, 1 << 20])
    func `what is pending costs no more than its bytes, however it comes`(kind: Int, piece: Int) async throws {
        let part = String(repeating: "x", count: 200)
        let size = 900_000
        let text =
            switch kind {
            case 0:
                "2026-01-02 03:04:05.678 [info]  connection_log  ...\n"
                    + String(
                        repeating: "  \(part)\n", count: size / 203)
            case 1: String(repeating: "2026-01-02T03:04:05.678901234Z stdout P \(part)\n", count: size / 241)
            default: String(repeating: part, count: size / 200)
            }
        let bytes = Array(text.utf8)
        try await withSource(Shelf()) { source async throws in
            let begun = try source.begin()
            let session = try #require(begun as? IngestSession)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                try await session.take(Array(bytes[start..<min(bytes.count, start + piece)]).span)
            }
            _ = try await session.finish()
            #expect(session.presentedBytes <= 3 * bytes.count, "\(session.presentedBytes)")
        }
    }

    @Test(arguments: [511, 512, 513])
    func `lines are counted on from piece to piece`(kibibytes: Int) async throws {
        let filler = (0..<kibibytes * 1024 / 100).map { _ in String(repeating: "y", count: 99) + "\n" }.joined()
        let text = filler + "{\"broken\n" + filler + "{\"broken\n" + TestEvents.line(1) + "\n"
        let lines = filler.utf8.count / 100
        try await withSource(Shelf()) { source async throws in
            let report = try await give(text, source, piece: 10_000)
            #expect(report.accepted == 1 && report.skipped == 2 * lines && report.refused == 2)
            #expect(report.refusals.map(\.line) == [lines + 1, 2 * lines + 2])
        }
    }
}
