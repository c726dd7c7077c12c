public import ConnlogCore
package import ConnlogPipeline
import ConnlogSystem

/// `type = journald`: what a unit writes to standard output and error, as systemd's journal has it (`JournalFollower`).
///
/// One thread has the journal open from beginning to end. journald tells of new entries within a quarter of a second. The
/// position goes into the queue with the events, so a crash neither loses nor repeats one.
public struct JournaldSource: Source {
    let settings: JournalSettings
    let context: SourceContext
    let makeDecoder: @Sendable () -> StreamDecoder

    package init(
        _ settings: JournalSettings, _ context: SourceContext, makeDecoder: @escaping @Sendable () -> StreamDecoder
    ) {
        self.settings = settings
        self.context = context
        self.makeDecoder = makeDecoder
    }

    /// Where it counts: see `Source.status`.
    public var status: SourceStatus? { context.status }
    /// Whether it looks for more each second by itself: see `Source.comesRound`.
    public var comesRound: Bool { true }

    /// Reads until the end of its input or until its task is cancelled: see `Source.run(into:)`.
    public func run(into output: any EventOutput) async throws(SourceError) {
        if let missing = Journal.missing {
            throw SourceError(
                "\(settings.subject) cannot be read without libsystemd: \(JournaldSource.advice(missing))")
        }
        var follower = JournalFollower(settings, output.checkpoints, log: context.log, makeDecoder: makeDecoder)
        let unread = JournalUnread(settings)
        context.status.setProbe { unread.look() }
        defer { context.status.setProbe(nil) }
        do throws(AppendError) {
            try await follow(&follower, output, unread)
        } catch {
            guard case .failed(let reason) = error else { return }
            throw SourceError("reading the journal stops, since the queue cannot be written: \(reason)")
        }
    }

    static func advice(_ missing: String) -> String {
        "\(missing); install the package libsystemd0 (systemd-libs elsewhere)"
    }

    private func follow(
        _ follower: inout JournalFollower, _ output: any EventOutput, _ unread: JournalUnread
    ) async throws(AppendError) {
        let clock = ContinuousClock()
        let start = clock.now
        var batch = output.makeBatch()
        while !Task.isCancelled {
            let round = follower.poll(now: clock.now - start, into: &batch)
            unread.note(follower.readUpTo.cursor, hasBegun: follower.hasBegun)
            if round.isHeld {
                // It goes on growing.
            } else if batch.isEmpty, round.checkpoints.isEmpty {
                batch.removeAll()
            } else {
                try await output.enqueue(batch, round.checkpoints)
                batch = output.makeBatch()
            }
            let counts = follower.takeCounts()
            context.status.update { $0.add(counts) }
            if round.isDone { break }
            if !round.hasMore { wait(&follower, round.wait, since: start, clock) }
        }
        let rest = follower.finalCheckpoints(clock.now - start)
        if !rest.isEmpty { try await output.enqueue(EventBatch(), rest) }
        if context.once { try await output.flush() }
    }

    /// Waits for a change, in slices so that cancelling is noticed.
    private func wait(
        _ follower: inout JournalFollower, _ limit: Duration, since start: ContinuousClock.Instant,
        _ clock: ContinuousClock
    ) {
        var left = limit
        while left > .zero, !Task.isCancelled {
            if follower.wait(min(left, JournaldSource.slice), now: clock.now - start) { return }
            left -= JournaldSource.slice
        }
    }

    private static let slice = Duration.milliseconds(100)
}
