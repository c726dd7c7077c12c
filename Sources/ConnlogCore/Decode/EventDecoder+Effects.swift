internal import ConnlogSystem

/// What becomes of a line, once it is certain that it is consumed.
extension EventDecoder {
    /// Notes what became of a line; at once if nothing before it is pending. Of an event `fields` is what was found in it.
    mutating func emit(_ effect: Effect, _ batch: inout EventBatch) {
        if pendingCount == 0, effects.isEmpty { return apply(effect, isIndexed: true, &batch) }
        guard case .event(let format, let range, let key) = effect else { return effects.append(effect) }
        let start = held.count
        held.append(batch.bytes.span(range))
        effects.append(.event(format, start..<held.count, key))
    }

    /// What has waited.
    mutating func applyEffects(_ batch: inout EventBatch) {
        for effect in effects {
            guard case .event(let format, let range, let key) = effect else {
                apply(effect, isIndexed: false, &batch)
                continue
            }
            let start = batch.bytes.count
            batch.bytes.append(held.span(range))
            apply(.event(format, start..<batch.bytes.count, key), isIndexed: false, &batch)
        }
        effects.removeAll(keepingCapacity: true)
        held.removeAll()
    }

    /// - Parameter isIndexed: `fields` says where the event's fields lie.
    private mutating func apply(_ effect: Effect, isIndexed: Bool, _ batch: inout EventBatch) {
        switch effect {
        case .event(let format, let range, let key):
            if let key, window.isDuplicate(key, format) {
                counts.duplicates += 1
            } else {
                counts.add(format)
                if isIndexed { batch.addRecord(range, fields.ranges.span) } else { batch.addRecord(range) }
            }
        case .auditLog: counts.auditLog += 1
        case .other: counts.other += 1
        case .foreign: counts.foreign += 1
        case .incomplete: counts.incomplete += 1
        case .told(let sample): counts.add(sample, samplesMax)
        }
    }

    /// What is told of a line that lies in the batch.
    func told(_ fault: LineFault, _ range: Range<Int>, _ batch: borrowing EventBatch) -> DecodeCounts.Sample {
        told(fault, streamPosition(range.lowerBound), lineNumber, batch.bytes.span(range))
    }

    /// What is told of any line.
    func told(_ fault: LineFault, _ position: Int, _ line: Int, _ text: Span<UInt8>) -> DecodeCounts.Sample {
        let isShown = counts.samples.count < samplesMax
        return DecodeCounts.Sample(
            position: position, line: line, fault: fault, text: isShown ? LineBeginning.text(text) : "")
    }

    /// Where a place of the input lies, in bytes since the decoder was made.
    func streamPosition(_ place: Int) -> Int { longStart ?? position + place - inputStart }
}
