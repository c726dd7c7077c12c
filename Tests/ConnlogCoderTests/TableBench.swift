import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

@testable import ConnlogCoder

/// A source's queue that can be told to lose its process.
final class TableQueue: EventOutput {
    private struct State {
        var lines: [String] = []
        var checkpoints: [CheckpointKey: [UInt8]] = [:]
        var callsLeft = Int.max
        var largest = 0
    }

    private let state = Mutex(State())

    var checkpoints: [CheckpointKey: [UInt8]] { state.withLock { $0.checkpoints } }
    var lines: [String] { state.withLock { $0.lines } }
    var events: [ConnectionEvent] { lines.compactMap { ConnectionEvent(line: $0) } }
    /// Of a write's checkpoints, in bytes.
    var largestWrite: Int { state.withLock { $0.largest } }
    /// The process is killed instead of the write after so many.
    func kill(after calls: Int) { state.withLock { $0.callsLeft = calls } }

    func enqueue(_ batch: consuming EventBatch, _ checkpoints: [Checkpoint]) async throws(AppendError) {
        let batch = batch
        let texts = batch.records.map { batch.bytes.text($0.range) }
        let isKilled = state.withLock { state in
            guard state.callsLeft > 0 else { return true }
            state.callsLeft -= 1
            state.lines += texts
            state.largest = max(state.largest, checkpoints.reduce(0) { $0 + ($1.value?.count ?? 0) })
            for checkpoint in checkpoints { state.checkpoints[checkpoint.key] = checkpoint.value }
            return false
        }
        if isKilled { throw .stopping }
    }

    func flush() async throws(AppendError) {}
    func makeBatch() -> EventBatch { EventBatch() }
}

/// A clock that moves when somebody waits, or is told to.
final class TableClock: WallTime {
    private let time: Mutex<Int64>
    init(_ start: TableTime) { time = Mutex(start.microseconds * 1000) }
    func now() -> Nanoseconds { time.withLock { $0 } }
    func uptime() -> Nanoseconds { time.withLock { $0 } }
    func advance(_ duration: Duration) {
        time.withLock { $0 += TableTime.length(duration) * 1000 }
    }
    var table: TableTime { TableTime(nanoseconds: now()) }
}

/// What was told.
final class SaidLines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// A Coder, a queue, and readers of the one into the other, one process's after another's.
final class TableBench {
    static let token = "abcdefghij-0123456789012345678901"
    static let start = TableTime("2026-11-30T12:00:00Z") ?? .first

    let server: CoderAPIServer
    let queue = TableQueue()
    let clock = TableClock(TableBench.start)
    let said = SaidLines()
    var settings = TableReader.Settings(name: "table")
    private var reader: TableReader?

    init(_ change: (inout CoderAPIServer.Table) -> Void = { _ in }) throws {
        server = try CoderAPIServer { change(&$0.table) }
    }

    deinit { server.stop() }

    func api(token: SecretReference? = nil) -> CoderAPI {
        CoderAPI(
            url: server.url, token: token ?? SecretReference(literal: TableBench.token),
            http: HTTPSettings(userAgent: "connlog/test"), timeout: .seconds(60))
    }

    var questions: TableQuestions {
        let clock = clock
        return TableQuestions(api(), clock: clock, pause: { clock.advance($0) })
    }

    func change(_ body: (inout CoderAPIServer.Table) -> Void) { server.change { body(&$0.table) } }

    /// Another process with what is stored.
    func restart() { reader = nil }

    /// A process of its own.
    func makeReader() -> TableReader {
        TableReader(settings, questions, queue, status: SourceStatus(), clock: clock) { [said] level, text in
            said.add("\(level): \(text)")
        }
    }

    /// What one interval brings, to its end.
    func poll() async throws {
        let reader = self.reader ?? makeReader()
        self.reader = reader
        repeat { while try await reader.poll() {} } while reader.isSweeping
        clock.advance(settings.interval)
    }

    /// At least so many that each kind of look has had its turn.
    func pollAll() async throws {
        for _ in 0..<3 { try await poll() }
        restart()
        try await poll()
    }

    /// How often each id was handed over.
    var ids: [String: Int] { queue.events.reduce(into: [:]) { $0[$1.id ?? "", default: 0] += 1 } }

    /// What the rows of the table come to, each once.
    func expected(_ rows: some Sequence<CoderAPIServer.Row>) -> [String: Int] {
        rows.reduce(into: [:]) { ids, row in
            let end = RowID(row.id)?.named("disconnected").text ?? ""
            if row.isWeb || row.end == nil || row.end != row.connect { ids[row.id] = 1 }
            if !row.isWeb, row.end != nil { ids[end] = 1 }
        }
    }

    var table: [CoderAPIServer.Row] {
        var rows: [CoderAPIServer.Row] = []
        change { rows = Array($0.rows.values) }
        return rows
    }

    static func id(_ number: Int, _ kind: Int = 0) -> String {
        let digits = String(number, radix: 16)
        return "0000000\(kind)-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// - Parameter ago: seconds before the start.
    static func row(_ number: Int, ago: Double, lasts: Double? = nil, type: String = "ssh") -> CoderAPIServer.Row {
        let connect = start.microseconds - Int64(ago * 1e6)
        return CoderAPIServer.Row(
            id: id(number), connect: connect, end: lasts.map { connect + Int64($0 * 1e6) },
            connection: id(number, 1), type: type)
    }
}
