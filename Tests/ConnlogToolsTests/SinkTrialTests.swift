import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogTools

@Suite struct SinkTrialTests {
    /// A sink that says what the test wants.
    private struct Scripted: Sink {
        var limits: BatchLimits { BatchLimits() }
        var connects: [TrialFinding] = [.good("connected")]
        var hangs = false
        let events: @Sendable (EventBatch) -> Void

        func send(_ batch: EventBatch) async -> SendOutcome { .delivered }

        func connectTrial() async -> [TrialFinding] {
            if hangs { _ = await AsyncStream<Int>.makeStream().stream.first { _ in true } }
            return connects
        }

        func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
            events(batch)
            return [.good("receiver said: thank you")]
        }
    }

    /// One that has nothing to be tried.
    private struct Silent: Sink {
        var limits: BatchLimits { BatchLimits() }
        func send(_ batch: EventBatch) async -> SendOutcome { .delivered }
    }

    private func trial(_ sinks: [(String, any Sink)], timeLimit: Duration = .seconds(600)) -> SinkTrial {
        SinkTrial(
            sinks.map { name, sink in PlannedSink(SinkMaker { sink }, named: name, type: "scripted") }, ground: nil,
            version: "1.2.3", timeLimit: timeLimit)
    }

    @Test func `a test event is a connection event that nobody takes for real`() throws {
        var generator = SeededGenerator(seed: 7)
        let event = TrialEvent(sink: "si\"em", version: "1.2.3", now: 1_700_000_000_000_000_000, using: &generator)
        let read = try #require(ConnectionEvent(line: event.line))
        #expect(read.id == event.id && event.id.count == 36)
        #expect(read.workspaceName == "connlog-test" && read.agentName == "connlog-test")
        #expect(read.ip == "192.0.2.1" && read.userAgent == "connlog-check/1.2.3")
        #expect(read.disconnectReason == "test event of connlog check --send to sink 'si\"em'; not a connection")
        #expect(read.time == 1_700_000_000_000_000_000 && read.status == .disconnected)
        #expect(read.userID == nil && read.workspaceOwnerID == nil)
        let other = TrialEvent(sink: "siem", version: "1.2.3", now: 0, using: &generator)
        #expect(other.id != event.id)
    }

    @Test func `each sink gets one event, under an id of its own, and no event without --send`() async throws {
        let seen = EventList()
        let sinks: [(String, any Sink)] = [("one", Scripted(events: seen.add)), ("two", Scripted(events: seen.add))]
        _ = await trial(sinks).run(sends: false)
        #expect(seen.lines.isEmpty)
        let outcomes = await trial(sinks).run(sends: true)
        #expect(outcomes.map(\.name) == ["one", "two"])
        let ids = seen.lines.compactMap { ConnectionEvent(line: $0)?.id }
        #expect(Set(ids) == Set(outcomes.compactMap(\.eventID)) && Set(ids).count == 2 && ids.count == 2)
        #expect(outcomes.allSatisfy { $0.findings.map(\.text) == ["connected", "receiver said: thank you"] })
    }

    @Test func `a sink that cannot be reached gets no event, and the others do`() async throws {
        let seen = EventList()
        let outcomes = await trial([
            ("dead", Scripted(connects: [.failed("connection refused")], events: seen.add)),
            ("alive", Scripted(events: seen.add)),
        ]).run(sends: true)
        #expect(outcomes.map(\.hasFailed) == [true, false] && outcomes[0].eventID == nil)
        #expect(seen.lines.count == 1)
        #expect(SinkTrial.summary(outcomes, sent: true) == "failed: sink dead; a test event was sent to alive")
        #expect(SinkTrial.summary([outcomes[1]], sent: true) == "all is well; a test event was sent to alive")
        let doubts = await trial([("silent", Silent())]).run(sends: false)
        #expect(SinkTrial.summary(doubts, sent: false) == "nothing failed; there are doubts about sink silent")
    }

    @Test func `a sink that hangs is given up, and keeps nobody waiting`() async throws {
        let outcomes = await trial([("hung", Scripted(hangs: true) { _ in })], timeLimit: .zero).run(sends: true)
        #expect(outcomes[0].hasFailed && outcomes[0].findings[0].text.hasPrefix("no answer within 0 s"))
    }

    @Test func `a sink that cannot be tried says so`() async throws {
        let outcomes = await trial([("silent", Silent())]).run(sends: true)
        #expect(outcomes[0].findings.map(\.verdict) == [.doubtful, .doubtful] && !outcomes[0].hasFailed)
    }

    @Test func `people get lines, programs get JSON`() async throws {
        let outcomes = await trial([
            ("dead", Scripted(connects: [.failed("connection refused")]) { _ in }), ("silent", Silent()),
        ]).run(sends: false)
        #expect(
            SinkTrial.text(outcomes) == """
                sink "dead" (scripted)
                  failed  connection refused
                sink "silent" (scripted)
                  doubt   this kind of sink cannot be tried beforehand; start connlog and look at its log

                """)
        let parsed = try JSONSerialization.jsonObject(with: Data(SinkTrial.json(outcomes).document.utf8))
        let sinks = try #require(parsed as? [[String: Any]])
        #expect(sinks.map { $0["failed"] as? Bool } == [true, false])
        let finding = (sinks[0]["findings"] as? [[String: String]])?.first
        #expect(finding == ["verdict": "failed", "text": "connection refused"])
        // One table of words for both.
        for verdict in TrialFinding.Verdict.allCases {
            var outcome = outcomes[0]
            outcome.findings = [TrialFinding(verdict, "so it is")]
            #expect(SinkTrial.text([outcome]).contains("\n  \(verdict.rawValue) "))
            #expect(SinkTrial.json([outcome]).line.contains("{\"verdict\":\"\(verdict.rawValue)\""))
        }
    }
}

/// What a scripted sink was given.
///
/// `@unchecked Sendable`: `all` is touched only while `lock` is held.
private final class EventList: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [String] = []

    var lines: [String] { lock.withLock { all } }

    @Sendable func add(_ batch: EventBatch) {
        lock.withLock { all += (0..<batch.count).map { batch.bytes.text(batch.records[$0].range) } }
    }
}
