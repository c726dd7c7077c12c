/// How the queue is, for people and programs.
extension Queue {
    /// Whether it takes events, and if not, why. Never waits for a disk.
    public var state: QueueStatus.State { shared.withLock { $0.status.state } }

    /// How the queue is now.
    public var status: QueueStatus {
        let known = sinks.sinks
        let offsetsBytes = sinks.bytesOnDisk
        return shared.withLock { state in
            var status = state.status
            let oldest = state.segments.oldest ?? state.end
            status.bytesOnDisk = state.bytesOnDisk + offsetsBytes
            status.events = state.end - min(oldest, state.end)
            status.end = state.end
            status.segments = state.segments.all.count
            status.sinks = known.map { sink in
                let from = max(sink.entry.committed, oldest)
                return QueueStatus.SinkStatus(
                    name: sink.entry.name, registered: sink.isRegistered, committed: sink.entry.committed,
                    lag: state.end - min(from, state.end), dropped: sink.entry.dropped, drops: sink.drops,
                    dropping: sink.dropping?.reason)
            }
            return status
        }
    }

    /// What happened since the last call that a person should read, in order. At most 100 are kept.
    public func takeNotices() -> [QueueNotice] { shared.withLock { $0.takeNotices() } }
}
