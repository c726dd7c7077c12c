package import ConnlogSystem

/// What sinks, by way of their deliveries, ask of the queue.
extension Queue {
    /// Makes a sink known: from now on the queue keeps what it has not committed.
    ///
    /// A sink that the queue does not know begins at the oldest event there is.
    /// - Parameter quota: bytes that may wait for it; `nil`: only the queue's own bound holds.
    /// - Throws: `system` when a new sink cannot be stored; it is known all the same.
    package func registerSink(_ name: String, quota: Int?, onFull: OnFull) throws(QueueError) -> SinkPosition {
        try limit("the sink's name", name.utf8.count, SinkEntry.nameBytesMax)
        let oldest = shared.withLock { $0.segments.oldest ?? $0.end }
        do throws(SystemError) {
            let position = try sinks.register(name, quota: quota, onFull: onFull, oldest: oldest)
            if position.isNew { noteCommit() }
            return position
        } catch { throw .system(error) }
    }

    /// A reader from the sink's committed offset.
    package func reader(for sink: String) -> QueueReader {
        let source = ReaderSource(
            sink: sink, directory: directory, fileSystem: fileSystem, coding: coding, shared: shared, sinks: sinks,
            quarantine: quarantine)
        return QueueReader(source, position: source.committed ?? 0)
    }

    /// The sink is done with everything before `offset`. An older offset than the last one is ignored.
    ///
    /// Survives a crash of the process at once, one of the machine after `commitSyncInterval` or `syncCommits`.
    /// - Parameters:
    ///   - state: at most 1 KiB, given back by `registerSink`.
    ///   - durably: survives a crash of the machine as well when this returns, which takes a sync.
    /// - Throws: after `system` the sink is where it was; after a crash it may be here.
    package func commit(
        _ sink: String, offset: UInt64, state: [UInt8] = [], durably: Bool = false
    ) throws(QueueError) {
        try limit("the state of sink \(sink)", state.count, SinkEntry.stateBytesMax)
        precondition(offset <= max(end, sinks.committed(sink) ?? 0), "a sink commits only what it has read")
        let isNews: Bool?
        do throws(SystemError) {
            isNews = try sinks.commit(sink, offset: offset, state: state, durably: durably)
        } catch { throw .system(error) }
        guard let isNews else { throw .unknownSink(sink) }
        if isNews { noteCommit() }
    }

    /// Makes all commits durable.
    package func syncCommits() throws(QueueError) {
        do throws(SystemError) { try sinks.sync() } catch { throw .system(error) }
    }

    /// The sink is at work no more. Its offset and its events are kept, as those of a sink that has not registered since
    /// the queue was opened: its quota holds up nobody, and it loses nothing by `dropOldest`.
    package func retireSink(_ name: String) {
        sinks.retire(name)
        shared.withLock(waking: true) { _ in }
    }

    /// Lets go of a sink's offset and of the segments that only it needed. On disk when it returns.
    package func forgetSink(_ name: String) throws(QueueError) {
        let isKnown: Bool
        do throws(SystemError) { isKnown = try sinks.forget(name) } catch { throw .system(error) }
        guard isKnown else { throw .unknownSink(name) }
        noteCommit()
    }

    /// Tells the writer, which syncs in time, or at once if the queue is full.
    private func noteCommit() {
        let due = shared.timer.now() + options.commitSyncInterval
        shared.withLock(waking: true) { state in
            state.commits += 1
            if state.commitDue == nil { state.commitDue = due }
        }
    }
}

/// Letting go of a sink while no daemon runs.
extension Queue {
    /// What a sink that was forgotten had kept.
    package struct Forgotten: Sendable, Equatable {
        /// Events that it had not committed and that were still there.
        package let events: UInt64
        /// Bytes that the disk has back.
        package let bytes: Int
        /// The sinks that the queue still knows.
        package let remaining: [String]
    }

    /// Lets go of a sink in a queue that nobody has open, and of the segments that only it needed.
    ///
    /// If it was the last sink that the queue knew, the segments stay: the next one to register gets their events.
    /// - Throws: `locked` while a daemon runs, `unknownSink`, `system` when there is no such directory.
    package static func forgetSink(
        _ name: String, in directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) async throws(QueueError) -> Forgotten {
        // Opening would make a directory that is not there.
        do { _ = try fileSystem.list(directory) } catch { throw .system(error) }
        // Nothing is to wait for room here: what is given up makes some.
        let options = QueueOptions(queueBytesMax: .max, freeBytesMin: 0)
        let queue = try open(directory, options, fileSystem: fileSystem)
        let before = queue.status
        do throws(QueueError) {
            try queue.forgetSink(name)
        } catch {
            await queue.close()
            throw error
        }
        await queue.close()
        let lag = before.sinks.first { $0.name == name }?.lag ?? 0
        let after = queue.status
        return Forgotten(
            events: lag, bytes: max(0, before.bytesOnDisk - after.bytesOnDisk), remaining: after.sinks.map(\.name))
    }
}
