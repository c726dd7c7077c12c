package import ConnlogSystem

/// How the queue is, for people and programs.
extension Queue {
    /// Whether it takes events, and if not, why. Never waits for a disk.
    package var state: QueueStatus.State { shared.withLock { $0.status.state } }

    /// How the queue is now.
    package var status: QueueStatus {
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

    /// When each segment was begun, oldest first, by the wall clock as it was then; those whose header cannot be read are
    /// left out. Reads the disk.
    package var beginnings: [(first: UInt64, created: Nanoseconds)] {
        shared.withLock { $0.segments.all }.compactMap { segment in
            var bytes = ByteBuffer()
            guard let file = try? fileSystem.open("\(directory)/\(segment.name)", .read) else { return nil }
            _ = try? file.readTolerantly(into: &bytes, at: 0, count: SegmentHeader.size)
            guard case .valid(let header) = SegmentHeader.read(bytes.span), header.first == segment.first else {
                return nil
            }
            return (header.first, header.created)
        }
    }

    /// What happened since the last call that a person should read, in order. At most 100 are kept.
    package func takeNotices() -> [QueueNotice] { shared.withLock { $0.takeNotices() } }
}
