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
            try readOn(&part)
        } catch {
            pause(.retry(atLeast: nil), Reason("queue_unreadable", "the queue cannot be read, trying again: \(error)"))
        }
        gatheringEnd = reader.position
        guard !part.batch.isEmpty else {
            recycle(part.batch)
            // Everything that was read may have been filtered out.
            retire()
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

    /// Reads until there is enough for a batch, or nothing more; a filter may leave little of what is read.
    private func readOn(_ part: inout Part) throws(QueueError) {
        for _ in 0..<Delivery.readsMax {
            try fill(&part)
            if reader.position >= queue.end || isLarge(part.batch) { return }
        }
    }

    /// So many chunks are read for one batch before the loop looks at what else there is: others may want to stop us, or
    /// to see a commit.
    private static let readsMax = 16

    private func isLarge(_ batch: EventBatch) -> Bool {
        batch.recordBytes >= recordBytesMax * 3 / 4 || batch.count >= max(1, limits.events * 3 / 4)
    }

    /// Appends what the queue has, as far as the limits go, and filters it.
    private func fill(_ part: inout Part) throws(QueueError) {
        let before = part.batch.count
        payloads.removeAll()
        let read = try reader.read(
            into: &payloads, maxEvents: max(1, limits.events - before),
            maxBytes: max(1, recordBytesMax - part.batch.recordBytes)
        ) { RecordCodec.lineBytes($0) }
        countSkipped(before: reader.position - UInt64(read))
        guard read > 0 else { return }
        vitals.step()
        let unreadable = codec.decode(payloads, into: &part.batch)
        part.offsets = part.offsets.appending(
            from: reader.position - UInt64(read), count: read, after: before)
        if !unreadable.isEmpty { passOver(unreadable, of: &part, before: before, read: read) }
        let audited = sieve.audits
        let kept = sieve.apply(to: &part.batch)
        if sieve.audits > audited { update { $0.audits += sieve.audits - audited } }
        guard let kept else { return }
        update { $0.filtered += kept.filtered }
        part.offsets = part.offsets.keeping(kept.indexes)
        compact(&part.batch)
    }

    /// Gives up the memory of events that the filter did not want, when that is most of it.
    private func compact(_ batch: inout EventBatch) {
        guard batch.bytes.count > 64 << 10, batch.bytes.count / 2 > batch.recordBytes else { return }
        var compact = spareBatches.popLast() ?? EventBatch()
        for index in 0..<batch.count { compact.append(batch.record(index)) }
        swap(&batch, &compact)
        recycle(compact)
    }

    /// Reads the first part of a flight again, whose memory was given up. What has been damaged meanwhile, or given up
    /// by `on_full`, is counted as skipped and no longer part of it.
    func readAgain(_ index: Int) throws(QueueError) {
        let wanted = window[index].parts[0]
        var part = Part(batch: spareBatches.popLast() ?? EventBatch(), offsets: .listed([]))
        var offsets: [UInt64] = []
        var next = 0
        var reader = queue.reader(for: name)
        reader.seek(to: wanted.range.lowerBound)
        // A filter may have left few of many, so they are copied out of chunks of a bounded size.
        var chunk = EventBatch()
        while next < wanted.count, reader.position < wanted.range.upperBound {
            chunk.removeAll()
            let limit = Int(clamping: wanted.range.upperBound - reader.position)
            let read = try reader.read(into: &chunk, maxEvents: limit, maxBytes: Delivery.chunkBytes)
            guard read > 0 else { break }
            for index in 0..<read {
                let offset = reader.position - UInt64(read - index)
                while next < wanted.count, wanted.offsets[next] < offset { next += 1 }
                guard next < wanted.count, wanted.offsets[next] == offset else { continue }
                guard codec.decode(chunk.record(index), into: &part.batch) else { continue }
                offsets.append(offset)
            }
        }
        noteSkipped(wanted.count - offsets.count, wanted.range.upperBound)
        part.offsets = offsets.count == wanted.count ? wanted.offsets : .listed(offsets)
        window.change(index) { flight in
            flight.parts[0] = part
            if part.batch.isEmpty { flight.finishPart() }
        }
    }

    private static let chunkBytes = 1 << 20

    /// Records that are not damaged, but that this version cannot read: a newer one has written them.
    private func passOver(_ unreadable: [Int], of part: inout Part, before: Int, read: Int) {
        part.offsets = part.offsets.keeping(
            (0..<before + read).filter { $0 < before || !unreadable.contains($0 - before) })
        update { $0.skipped += unreadable.count }
        log(
            .error,
            "sink \(name): \(unreadable.count) events before offset \(reader.position) are in a form that this version "
                + "does not know and were passed over; was a newer connlog here?")
    }

    /// Events that the queue passed over: damaged ones, and old ones given up by `on_full = drop_oldest`.
    private func countSkipped(before offset: UInt64) {
        noteSkipped(Int(clamping: reader.takeSkipped()), offset)
    }

    private func noteSkipped(_ skipped: Int, _ offset: UInt64) {
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
        guard limits.wait > .zero, window.sending + window.ready > 0, mode == .running else { return false }
        return !isLarge(batch)
    }
}
