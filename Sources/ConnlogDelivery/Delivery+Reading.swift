import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// From the queue to batches of the size that the sink likes.
extension Delivery {
    /// Reads the next batch into the window. `false` when there is nothing, or when it is better to gather more first.
    func readFlight() -> Bool {
        var part =
            gathering ?? Part(batch: spareBatches.popLast() ?? EventBatch(), offsets: .contiguous(reader.position))
        gathering = nil
        do throws(QueueError) {
            try fill(&part)
        } catch {
            pause(.retry(atLeast: nil), Reason("queue_unreadable", "the queue cannot be read, trying again: \(error)"))
        }
        gatheringEnd = reader.position
        guard !part.batch.isEmpty else {
            // Everything that was read may have been filtered out.
            if gatheringEnd > frontier, window.isEmpty { advance(to: gatheringEnd) }
            recycle(part.batch)
            return false
        }
        gathering = part
        if shouldGather(part.batch) { return false }
        takeGathered()
        return true
    }

    /// Keeps the memory of a batch that is done with, so that the steady state allocates nothing.
    func recycle(_ batch: consuming EventBatch) {
        guard spareBatches.count <= limits.inFlight else { return }
        batch.removeAll()
        spareBatches.append(batch)
    }

    /// The batch that was growing is large or old enough.
    func takeGathered() {
        guard let part = gathering else { return }
        gathering = nil
        window.append(Flight(id: nextFlight, part: part, end: gatheringEnd))
        nextFlight += 1
    }

    /// Appends what the queue has, as far as the limits go, and filters it.
    private func fill(_ part: inout Part) throws(QueueError) {
        let before = part.batch.count
        let read = try reader.read(
            into: &part.batch, maxEvents: max(1, limits.events - before),
            maxBytes: max(1, recordBytesMax - part.batch.recordBytes))
        countSkipped(before: reader.position - UInt64(read))
        guard read > 0 else { return }
        part.offsets = part.offsets.appending(
            from: reader.position - UInt64(read), count: read, after: before)
        guard let kept = filter?.apply(to: &part.batch) else { return }
        update { $0.filtered += before + read - kept.count }
        part.offsets = part.offsets.keeping(kept)
    }

    /// Events that the queue passed over: damaged ones, and old ones given up by `on_full = drop_oldest`.
    private func countSkipped(before offset: UInt64) {
        let skipped = Int(clamping: reader.takeSkipped())
        guard skipped > 0 else { return }
        update { $0.skipped += skipped }
        log(
            .error,
            "sink \(name): \(skipped) events before offset \(offset) were passed over: given up by on_full, or damaged"
        )
    }

    /// The limit in bytes of records, when each record grows by `bytesPerEvent` on the wire.
    private var recordBytesMax: Int {
        let typicalRecord = 800
        return max(1, bytesMax * typicalRecord / (typicalRecord + limits.bytesPerEvent))
    }

    /// A small batch waits for more while others are under way; alone it goes at once.
    private func shouldGather(_ batch: EventBatch) -> Bool {
        guard limits.wait > .zero, !window.isEmpty, mode == .running else { return false }
        return batch.recordBytes < recordBytesMax * 3 / 4 && batch.count < limits.events * 3 / 4
    }
}
