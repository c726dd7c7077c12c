import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

@testable import ConnlogSources

/// Journal files and a follower that is driven by hand, with what it has stored so far.
final class JournalBench {
    let files: JournalFiles
    var settings: JournalSettings
    var follower: JournalFollower
    var now = Duration.seconds(10)
    /// What a queue would hold.
    var records: [String] = []
    var checkpoints: [CheckpointKey: [UInt8]] = [:]
    var counts = SourceCounts()
    var batch = EventBatch()
    let log = Log()

    final class Log: Sendable {
        private let state = Mutex<[String]>([])
        var texts: [String] { state.withLock { $0 } }
        func add(_ text: String) { state.withLock { $0.append(text) } }
    }

    init(_ change: (inout JournalSettings) -> Void = { _ in }) throws {
        files = try JournalFiles()
        settings = JournalSettings(units: ["coder.service"])
        settings.place = .directory(files.path)
        change(&settings)
        follower = JournalBench.makeFollower(settings, [:], log)
    }

    private static func makeFollower(
        _ settings: JournalSettings, _ checkpoints: [CheckpointKey: [UInt8]], _ log: Log
    ) -> JournalFollower {
        JournalFollower(
            settings, checkpoints, log: { log.add("\($0): \($1)") },
            makeDecoder: JournaldSource.decoder(.auto, settings.maxLine))
    }

    /// The numbers of the events so far.
    var numbers: [Int] { records.compactMap(TestEvents.number) }

    /// Begins anew with what is stored.
    func restart() {
        batch = EventBatch()
        follower = JournalBench.makeFollower(settings, checkpoints, log)
    }

    /// One poll, so long after the last.
    @discardableResult
    func poll(after wait: Duration = .milliseconds(50)) -> JournalFollower.Round {
        now += wait
        let round = follower.poll(now: now, into: &batch)
        counts.add(follower.takeCounts())
        if round.isHeld { return round }
        records += (0..<batch.count).map { batch.bytes.text(batch.records[$0].range) }
        for checkpoint in round.checkpoints { checkpoints[checkpoint.key] = checkpoint.value }
        batch = EventBatch()
        return round
    }

    /// Waits until the library has noticed what the files hold, and reads all of it, but for what may go on.
    func read() {
        for _ in 0..<3 {
            while follower.wait(.milliseconds(20), now: now) {}
            while poll(after: .milliseconds(1)).hasMore {}
        }
        poll(after: .milliseconds(1100))
        while poll(after: .milliseconds(1)).hasMore {}
    }

    /// The same, and lets what is silent count as complete.
    func settle() {
        read()
        poll(after: .seconds(6))
        poll(after: .milliseconds(1100))
    }

    var position: JournalPosition? { checkpoints[JournalFollower.key].flatMap(JournalPosition.init(checkpoint:)) }
}
