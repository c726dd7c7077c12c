import ConnlogCore
package import ConnlogQueue
package import ConnlogSystem

/// What `connlog queue verify` and `inspect` find: a snapshot, and what a walk over all its records came to.
package struct QueueSurvey: Sendable {
    package let snapshot: QueueSnapshot
    /// The process that has the queue open, as far as that can be seen.
    package let holder: Int32?
    /// Whether the records were read one by one; the counts below mean something only then.
    package let isComplete: Bool
    package private(set) var events: UInt64 = 0
    package private(set) var checkpoints: UInt64 = 0
    package private(set) var marks: UInt64 = 0
    /// Events whose record is no connection event, though its checksum is right.
    package private(set) var unreadable: UInt64 = 0
    package private(set) var oldestTime: Nanoseconds?
    package private(set) var newestTime: Nanoseconds?
    /// Everything that cannot be read, in the order of the queue.
    package private(set) var damage: [Damage] = []
    /// Events that the daemon let go of while the survey went on.
    package private(set) var released: UInt64 = 0

    /// - Parameters:
    ///   - reads: reads every record and checks its checksum. Otherwise only headers, offsets and the last segment.
    ///   - progress: drawn while it reads.
    package init(
        _ snapshot: QueueSnapshot, holder: Int32?, reads: Bool, progress: ProgressBar = ProgressBar(nil)
    ) throws(ToolError) {
        self.snapshot = snapshot
        self.holder = holder
        isComplete = reads
        damage = snapshot.damage
        guard reads else { return }
        do throws(QueueError) { try read(progress) } catch { throw ToolError(error) }
    }

    package var lostEvents: UInt64 { damage.reduce(0) { $0 + $1.events } }
    /// Something is damaged, or the offsets are gone.
    package var isDamaged: Bool { !damage.isEmpty || snapshot.offsetsLost }

    private mutating func read(_ progress: ProgressBar) throws(QueueError) {
        var progress = progress
        var walk = QueueWalk(snapshot)
        var clock = EventClock()
        let codec = RecordCodec()
        var batch = RecordBatch()
        while let step = try walk.next() {
            switch step {
            case .event:
                events += 1
                batch.removeAll()
                walk.appendRecord(to: &batch)
                note(codec.unpack(&batch) ? clock.time(of: batch.record(0)) : nil)
            case .checkpoint: checkpoints += 1
            case .mark: marks += 1
            case .damage(let found): damage.append(found)
            case .released(let offsets): released += UInt64(offsets.count)
            }
            progress.update(done: walk.bytesSoFar, of: walk.bytesInAll, "\(events) events")
        }
    }

    private mutating func note(_ time: Nanoseconds?) {
        guard let time else {
            unreadable += 1
            return
        }
        oldestTime = min(oldestTime ?? time, time)
        newestTime = max(newestTime ?? time, time)
    }
}

extension Damage {
    /// What is wrong, in words that promise nothing about what will be done: nothing was changed.
    var finding: String {
        switch kind {
        case .records where bytes == 0: "\(Quantity.count(events, "event")) missing"
        case .records: "\(Quantity.count(bytes, "damaged byte")), \(Quantity.count(events, "event")) lost"
        case .segmentHeader: "the header is damaged; the records after it are read all the same"
        case .tornTail: "an unfinished write"
        case .foreignFile: "not a file of this queue; it is passed over"
        case .unreadableFile: "it cannot be read"
        case .missingSegment: "it is not there: \(Quantity.count(events, "event")) missing"
        case .offsetsSlot: "one of its two slots is damaged"
        }
    }

    var place: String { "\(file) at byte \(position)" }
}
