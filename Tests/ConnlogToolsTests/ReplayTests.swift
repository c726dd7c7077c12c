import ConnlogCore
import ConnlogQueue
import ConnlogSinks
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogTools

@Suite struct ReplayTests {
    private func gzip(_ text: String) -> Data {
        var output = ByteBuffer()
        let gzip = Gzip()
        gzip.update(ByteBuffer(text.utf8).span, into: &output)
        gzip.finish(into: &output)
        return Data(output.array)
    }

    private func lines(_ numbers: some Sequence<Int>) -> String { numbers.map { ToolBench.line($0) + "\n" }.joined() }

    /// Who asked, in the range that is sent again.
    private static var audit: String {
        AuditEvent(.list, by: "token:x", role: "auditor", address: "::1", at: ToolBench.minute(9)).line
    }

    /// Events 0..<4 in a compressed file, 4..<8 in a rotated one, 8..<11 in the present one, and 9..<14 in the queue.
    private func bench() async throws -> ToolBench {
        let bench = try ToolBench()
        await (try bench.fill(9..<14)).close()
        try bench.write("", to: "log/events.jsonl")
        try gzip(lines(0..<4)).write(to: URL(filePath: bench.directory + "/log/events-20260101T000400.000Z.1.jsonl.gz"))
        // Left by a crash in the middle of compressing: the plain one counts.
        try Data("x".utf8).write(to: URL(filePath: bench.directory + "/log/events-20260101T000400.000Z.2.jsonl.gz"))
        try bench.write(lines(4..<8), to: "log/events-20260101T000400.000Z.2.jsonl")
        try bench.write("half a line", to: "log/events-20260101T000400.000Z.2.jsonl.gz.tmp")
        try bench.write("noise\n" + ReplayTests.audit + "\n" + lines(8..<11) + "{\"half\":", to: "log/events.jsonl")
        return bench
    }

    private func replay(
        _ bench: ToolBench, _ sink: Receiver, from: Int = 0, to: Int = 100, sends: Bool = true, files: [String]? = nil
    ) async throws -> Replay.Outcome {
        let times = TimeRange(from: ToolBench.minute(from), to: ToolBench.minute(to))
        return try await ResendTarget("siem", sink, patience: .zero).replay(
            times, at: bench.location, files: files ?? [bench.directory + "/log/events.jsonl"], sends: sends,
            progress: ProgressBar(nil))
    }

    @Test func `every event comes once, the oldest first, from files of every kind and from the queue`() async throws {
        let bench = try await bench()
        let sink = Receiver()
        let outcome = try await replay(bench, sink)
        #expect(await sink.taken == Array(0..<14))
        #expect(outcome.found == 14 && outcome.delivered == 14 && outcome.fromFiles == 11 && outcome.fromQueue == 3)
        #expect(outcome.repeated == 2 && outcome.isComplete && outcome.oldest == ToolBench.minute(0))
    }

    @Test func `only the range is sent`() async throws {
        let sink = Receiver()
        let outcome = try await replay(try await bench(), sink, from: 3, to: 12)
        #expect(await sink.taken == Array(3..<12))
        #expect(outcome.found == 9)
    }

    @Test func `without log files the queue gives what it has, and the other way round`() async throws {
        let bench = try await bench()
        let first = Receiver()
        _ = try await replay(bench, first, files: [])
        #expect(await first.taken == Array(9..<14))
        try FileManager.default.removeItem(atPath: bench.location.directory)
        let second = Receiver()
        _ = try await replay(bench, second)
        #expect(await second.taken == Array(0..<11))
    }

    @Test func `a dry run counts and sends nothing`() async throws {
        let sink = Receiver()
        let outcome = try await replay(try await bench(), sink, from: 2, sends: false)
        #expect(await sink.taken.isEmpty)
        #expect(outcome.found == 12 && outcome.isDryRun && outcome.delivered == 0)
        #expect(
            outcome.text(sink: "siem").hasPrefix(
                "dry run: nothing was sent\nfound       12 events: 9 in log files, 3 more"))
    }

    @Test func `a daemon may be at work on the queue, and does not notice`() async throws {
        let bench = try ToolBench()
        let queue = try await bench.fill(0..<5)
        let sink = Receiver()
        _ = try await replay(bench, sink, files: [])
        #expect(await sink.taken == Array(0..<5))
        #expect(queue.status.sinks.first { $0.name == "siem" }?.committed == 5)
        #expect(queue.status.sinks.first { $0.name == "splunk" }?.committed == 0)
        await queue.close()
    }

    @Test func `what is refused is counted, and the rest is sent`() async throws {
        let sink = Receiver(refuses: [5, 12])
        let outcome = try await replay(try await bench(), sink)
        #expect(outcome.delivered == 12 && outcome.refused == ["http_400": 2] && !outcome.isComplete)
    }

    @Test func `a sink that is away is given up`() async throws {
        let outcome = try await replay(try await bench(), Receiver(isAway: true))
        #expect(outcome.gaveUp == "nobody listens there" && outcome.delivered == 0 && !outcome.isComplete)
    }

    @Test func `a file that cannot be read to its end is told, and the others are read`() async throws {
        let bench = try await bench()
        let file = URL(filePath: bench.directory + "/log/events-20260101T000400.000Z.1.jsonl.gz")
        try Data(contentsOf: file).dropLast(12).write(to: file)
        let sink = Receiver()
        let outcome = try await replay(bench, sink)
        #expect(
            outcome.losses.count == 1
                && outcome.losses.first?.contains("events-20260101T000400.000Z.1.jsonl.gz") == true)
        #expect(await Set(sink.taken).isSuperset(of: 4..<14) && !outcome.isComplete)
    }

    @Test func `a file that ended a day before the range is not opened`() async throws {
        let bench = try ToolBench()
        try bench.write("", to: "log/events.jsonl")
        try Data("not gzip".utf8).write(
            to: URL(filePath: bench.directory + "/log/events-20251230T235900.000Z.1.jsonl.gz"))
        let outcome = try await replay(bench, Receiver())
        #expect(outcome.losses.isEmpty && outcome.found == 0 && outcome.isComplete)
    }
}
