public import ConnlogCore
package import ConnlogPipeline
import ConnlogSystem

/// `type = file`: logs that grow, rotate and come and go (`FileFollower`).
///
/// One thread reads all files. A change is noticed through inotify within about a millisecond where the kernel tells
/// of it, else by looking, within 16 ms of the last change and one second at the latest.
public struct FileSource: Source {
    let settings: FileSettings
    let context: SourceContext
    let makeDecoder: @Sendable () -> any EntryDecoder

    package init(
        _ settings: FileSettings, _ context: SourceContext, makeDecoder: @escaping @Sendable () -> any EntryDecoder
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
        let places = ReadPlaces()
        context.status.setProbe { places.ask().compactMap(\.unread) }
        defer { context.status.setProbe(nil) }
        var follower = FileFollower(settings, output.checkpoints, log: context.log, makeDecoder: makeDecoder)
        do throws(AppendError) {
            try await follow(&follower, output, places)
        } catch {
            guard case .failed(let reason) = error else { return }
            throw SourceError("reading files stops, since the queue cannot be written: \(reason)")
        }
    }

    private func follow(
        _ follower: inout FileFollower, _ output: any EventOutput, _ places: ReadPlaces
    ) async throws(AppendError) {
        var watcher = FileWatcher()
        var changes = FileChanges()
        let clock = ContinuousClock()
        let start = clock.now
        var batch = output.makeBatch()
        while !Task.isCancelled {
            let round = follower.poll(now: clock.now - start, changes: changes, into: &batch)
            changes = FileChanges()
            if batch.isEmpty, round.checkpoints.isEmpty {
                batch.removeAll()
            } else {
                try await output.enqueue(batch, round.checkpoints)
                batch = output.makeBatch()
            }
            report(&follower)
            places.answer { follower.readPlaces }
            if round.isDone { break }
            if round.hasMore { continue }
            var isNew = false
            for path in follower.takeUnwatched() where watcher.watch(path) { isNew = true }
            // What changed before the watching began shows only by looking once more.
            if isNew { follower.lookAgain() } else { changes = wait(&watcher, round.wait) }
        }
        batch.removeAll()
        let rest = follower.finalCheckpoints(clock.now - start)
        if !rest.isEmpty { try await output.enqueue(batch, rest) }
        if context.once { try await output.flush() }
    }

    /// Waits for a change, in slices so that cancelling is noticed.
    private func wait(_ watcher: inout FileWatcher, _ limit: Duration) -> FileChanges {
        var left = limit
        while left > .zero, !Task.isCancelled {
            let changes = watcher.wait(min(left, FileSource.slice))
            if !changes.paths.isEmpty || changes.isOverflow { return changes }
            left -= FileSource.slice
        }
        return FileChanges()
    }

    private func report(_ follower: inout FileFollower) {
        let counts = follower.takeCounts()
        context.status.update {
            $0.add(counts)
            $0.files = counts.files
        }
    }

    private static let slice = Duration.milliseconds(100)
}
