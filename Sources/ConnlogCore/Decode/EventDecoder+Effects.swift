internal import ConnlogSystem

/// What becomes of a line, once it is certain that it is consumed.
extension EventDecoder {
    /// Notes what became of a line; at once if nothing before it is pending. Of an event `fields` is what was found in it.
    mutating func emit(_ effect: Effect, _ batch: inout EventBatch) {
        if pendingCount == 0, effects.isEmpty {
            apply(effect, isIndexed: true, &batch)
        } else {
            effects.append(effect)
        }
    }

    /// - Parameter isIndexed: `fields` says where the event's fields lie.
    mutating func apply(_ effect: Effect, isIndexed: Bool, _ batch: inout EventBatch) {
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
        case .tooLong: counts.tooLong += 1
        case .malformed(let fault, let position, let text): counts.add(fault, at: position) { text }
        }
    }

    func malformed(_ fault: LineFault, _ range: Range<Int>, _ batch: borrowing EventBatch) -> Effect {
        let isShown = counts.samples.count < DecodeCounts.samplesMax
        let text = isShown ? printable(batch.bytes.span(range)) : ""
        return .malformed(fault, position: streamPosition(range.lowerBound), text: text)
    }

    func streamPosition(_ place: Int) -> Int { position + place - inputStart }

    /// The first 120 bytes, with control characters as `\x1b`.
    func printable(_ bytes: Span<UInt8>) -> String {
        var start = [UInt8]()
        for place in 0..<min(120, bytes.count) { start.append(bytes[place]) }
        var text = ""
        for scalar in String(decoding: start, as: UTF8.self).unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7f {
                let digits = String(scalar.value, radix: 16)
                text += "\\x" + (digits.count < 2 ? "0" : "") + digits
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
