internal import ConnlogSystem

/// What one line of coderd's is.
extension EventDecoder {
    /// What a line is, found without touching the batch.
    enum Look {
        /// A slog JSON entry, at this place of the line.
        case verbatim(Range<Int>, DuplicateWindow.Key?)
        /// An event of another format, or one that had to be cut, which `converted` holds as JSON.
        case converted(EventFormat, DuplicateWindow.Key?)
        /// The first line of a human entry that goes on; `cleaned` holds it.
        case opening(HumanHeader)
        /// A further line of the entry that is open; `cleaned` holds it.
        case continuation
        case auditLog
        case other
        /// A human entry with another message.
        case otherEntry
        /// No entry, but it holds `connection_log`.
        case mention
        case malformed(LineFault)
    }

    /// - Parameter text: one line of coderd's. Fills `converted` or `cleaned` as the answer says.
    mutating func look(_ text: Span<UInt8>, _ stream: Int) -> Look {
        let end = EventDecoder.endWithoutBlanks(text)
        // The usual line first: an entry at column 0, which goes on with nothing.
        guard end > 0, text[0] == UInt8(ascii: "{"), format != .slogHuman else { return lookAtText(text, end, stream) }
        if hasBlocks { endBlock(stream) }
        return lookAtJSON(text.extracting(0..<end), 0)
    }

    private static func endWithoutBlanks(_ text: Span<UInt8>) -> Int {
        var end = text.count
        while end > 0, text[end - 1] == 0x20 || text[end - 1] == 0x0d || text[end - 1] == 0x09 { end -= 1 }
        return end
    }

    // MARK: JSON

    private mutating func lookAtJSON(_ text: Span<UInt8>, _ offset: Int) -> Look {
        switch scanner.scan(text, into: &fields) {
        case .malformed(let fault): return .malformed(LineFault(fault.reason, at: fault.position + offset))
        case .auditLog: return .auditLog
        case .other:
            // Static, with what it needs: asked of the decoder itself, this copies it for each line.
            let hasMessage = fields.index[.msg].kind != .absent
            return EventDecoder.isUnknown(text, hasMessage: hasMessage) ? .mention : .other
        case .connectionLog: break
        }
        if fields.shape == .slog {
            // Static, as above.
            if EventDecoder.isMadeWhole(text, message: fields.index[.msg].range.lowerBound) { return .mention }
            if format == .stackdriver { return .other }
            // A mark's first member is another, so whoever writes as coderd does passes at once.
            if !hasPrefix(text, at: 0, "{\"ts\":"), ConnlogMark.is(text) {
                return .malformed(LineFault(.mark, at: offset))
            }
            let key = EventDecoder.key(text, fields.index)
            if !isCut { return .verbatim(offset..<(offset + text.count), key) }
            converted.removeAll()
            converted.append(text)
            return isConvertedEvent() ? .converted(.slogJSON, key) : .malformed(LineFault(.lineTooLong, at: maxLine))
        }
        if format == .slogJSON { return .other }
        converted.removeAll()
        StackdriverEntry.convert(text, into: &converted)
        guard isConvertedEvent() else { return .malformed(LineFault(.unexpectedByte, at: offset)) }
        return .converted(.stackdriver, EventDecoder.key(converted.span, fields.index))
    }

    /// Whether text of an entry of the human sink, in which quotes may stand as they are, has closed the string in which a
    /// JSON line was torn, and said what the line is. In coderd's own line only a time and a level stand before the message.
    private static func isMadeWhole(_ text: Span<UInt8>, message: Int) -> Bool {
        message > 100 && TornLine.holdsHumanEntry(text, 0..<message)
    }

    /// Whether JSON that is no entry of coderd's holds the word. Entries begin with `ts` or say so by their keys.
    private static func isUnknown(_ text: Span<UInt8>, hasMessage: Bool) -> Bool {
        if hasMessage || hasPrefix(text, at: 0, "{\"ts\":") { return false }
        let isStackdriver =
            firstIndex(of: "\"timestampSeconds\"", in: text, 0..<text.count) != nil
            || firstIndex(of: "severity\"", in: text, 0..<text.count) != nil
        return !isStackdriver && firstIndex(of: "connection_log", in: text, 0..<text.count) != nil
    }

    private static func key(_ record: Span<UInt8>, _ index: EventIndex) -> DuplicateWindow.Key? {
        index.value(.id, in: record).map { DuplicateWindow.Key(record, $0.range) }
    }

    /// What is stored must be what the JSON sink could have written, so our own line is checked like any other; and none
    /// is longer than a line may be.
    private mutating func isConvertedEvent() -> Bool {
        let record = converted
        guard scanner.scan(record.span, into: &fields) == .connectionLog, fields.shape == .slog else { return false }
        guard isCut || record.count > maxLine else { return true }
        var cut = LongLine(max: maxLine)
        cut.append(record.span)
        guard cut.finish(reserving: LongLine.mark.utf8CodeUnitCount) else { return false }
        guard scanner.scan(cut.text.span, into: &fields) == .connectionLog else { return false }
        converted.removeAll()
        LongLine.addMark(cut.text.span, fields.index[.fields].range, into: &converted)
        counts.truncated += 1
        let marked = converted
        return scanner.scan(marked.span, into: &fields) == .connectionLog && fields.shape == .slog
    }

    // MARK: Text

    /// What begins with something else: a prefix and an entry, an entry of the human sink, a line of a block, or foreign text.
    private mutating func lookAtText(_ text: Span<UInt8>, _ end: Int, _ stream: Int) -> Look {
        var start = 0
        // A hole that a truncation or a power cut has left, and the mark that some editors write.
        while start < end, text[start] == 0 { start += 1 }
        if hasPrefix(text, at: start, "\u{feff}") { start += 3 }
        let hasMark = start + 1 < end && text[start] &+ text[start + 1] == 0xfd && text[start] >= 0xfe
        if hasMark { return .malformed(LineFault(.utf16, at: start)) }
        if start + 3 < end, text[start + 1] == 0, text[start + 3] == 0, text[start] != 0, text[start + 2] != 0 {
            return .malformed(LineFault(.utf16, at: start))
        }
        if firstIndex(of: 0x1b, in: text, 0..<text.count) != nil {
            return lookAtCleaned(text, start, stream, writtenOut: true)
        }
        let prefix = LinePrefix(text, from: start)
        let isSyslog = prefix.kind == .syslog || prefix.kind == .rfc5424 || prefix.kind == .priority
        if isSyslog, firstIndex(of: "#033[", in: text, 0..<text.count) != nil {
            return lookAtCleaned(text, start, stream, writtenOut: true)
        }
        return lookAtLine(text, end, prefix, stream, offset: prefix.end)
    }

    /// The same without colours.
    private mutating func lookAtCleaned(_ text: Span<UInt8>, _ start: Int, _ stream: Int, writtenOut: Bool) -> Look {
        var line = ByteBuffer()
        ANSIColours.strip(text.extracting(start..<text.count), writtenOut: writtenOut, into: &line)
        let look = lookAtLine(
            line.span, EventDecoder.endWithoutBlanks(line.span), LinePrefix(line.span, from: 0), stream, offset: 0)
        guard case .verbatim(let range, let key) = look else { return look }
        converted.removeAll()
        converted.append(line.span(range))
        return .converted(.slogJSON, key)
    }

    /// - Parameters:
    ///   - text: without colours; `end` is the end without blanks.
    ///   - offset: what is added to a place after the prefix to name it in the line.
    private mutating func lookAtLine(
        _ text: Span<UInt8>, _ end: Int, _ prefix: LinePrefix, _ stream: Int, offset: Int
    ) -> Look {
        let start = prefix.end
        if let block = streams[stream].block, continues(text, end, prefix, block, stream) {
            guard streams[stream].header != nil else { return .otherEntry }
            cleaned.removeAll()
            let after = min(
                text.count, start + (block.hasSecondBlank && prefix.kind == .rfc5424 && !prefix.hasSecondBlank ? 1 : 0))
            cleaned.append(text.extracting(after..<text.count))
            return .continuation
        }
        endBlock(stream)
        guard start < end else { return .other }
        if text[start] == UInt8(ascii: "{"), format != .slogHuman {
            return lookAtJSON(text.extracting(start..<end), start)
        }
        if format == .slogJSON || format == .stackdriver { return lookAtJSON(text.extracting(0..<end), 0) }
        guard HumanHeader.isEntry(text, start) else {
            return firstIndex(of: "connection_log", in: text, 0..<end) != nil ? .mention : .other
        }
        beginBlock(text, prefix, stream)
        let entry = text.extracting(start..<end)
        guard let header = HumanHeader(entry, at: 0) else { return holdsTwo(entry) ? .mention : .otherEntry }
        if header.message == .auditLog { return .auditLog }
        cleaned.removeAll()
        cleaned.append(entry)
        if HumanEntry.isOpen(entry, 0..<entry.count) { return .opening(header) }
        return convertEntry(cleaned, header, offset)
    }

    /// Whether an event that was torn in its first key stands in front of another.
    private func holdsTwo(_ entry: Span<UInt8>) -> Bool {
        guard let first = firstIndex(of: ": connection_log ", in: entry, 0..<entry.count), first < 200 else {
            return false
        }
        return firstIndex(of: "]  coderd: connection_log ", in: entry, (first + 16)..<entry.count) != nil
    }

    /// - Parameter offset: where the entry begins in its line.
    mutating func convertEntry(_ text: ByteBuffer, _ header: HumanHeader, _ offset: Int) -> Look {
        converted.removeAll()
        var entry = HumanEntry(header)
        if let fault = entry.convert(text.span, into: &converted) {
            return .malformed(LineFault(fault.reason, at: fault.position + offset))
        }
        guard isConvertedEvent() else { return .malformed(LineFault(.badHumanLine, at: offset)) }
        return .converted(.slogHuman, EventDecoder.key(converted.span, fields.index))
    }

    // MARK: Blocks

    /// Whether a line belongs to the block of the entry before it: after the same kind of prefix and the same origin
    /// stand four blanks or more, or nothing at all, which is how slog writes an empty line.
    private func continues(
        _ text: Span<UInt8>, _ end: Int, _ prefix: LinePrefix, _ block: Block, _ stream: Int
    ) -> Bool {
        guard prefix.kind == block.kind, prefix.origin.count == block.origin.count else { return false }
        for place in 0..<block.origin.count where block.origin[place] != text[prefix.origin.lowerBound + place] {
            return false
        }
        return HumanEntry.isIndented(text, prefix.end, text.count) || prefix.end >= end
    }

    private mutating func beginBlock(_ text: Span<UInt8>, _ prefix: LinePrefix, _ stream: Int) {
        hasBlocks = true
        var origin: [UInt8] = []
        for place in prefix.origin { origin.append(text[place]) }
        streams[stream].block = Block(kind: prefix.kind, origin: origin, hasSecondBlank: prefix.hasSecondBlank)
    }

    /// The entry that is open is held until it is finished.
    private mutating func endBlock(_ stream: Int) {
        if streams[stream].block != nil { streams[stream].block = nil }
    }
}

/// How the lines of a human entry's block begin.
struct Block: Sendable {
    let kind: LinePrefix.Kind
    let origin: [UInt8]
    let hasSecondBlank: Bool
}

/// Lines that connlog itself writes into its sinks, and takes from nobody.
enum ConnlogMark {
    /// Whether an object's first member is `"connlog":"checkpoint"`.
    static func `is`(_ line: Span<UInt8>) -> Bool {
        var members = JSONMembers(line, 0..<line.count)
        guard let first = members.next(), JSONText.string(line, first.key) == "connlog" else { return false }
        return JSONText.string(line, first.value.range) == "checkpoint"
    }
}
