internal import ConnlogSystem

/// One line after another: what it is, and what becomes of it.
extension EventDecoder {
    /// What a line is, found without touching the batch.
    enum Look {
        /// A slog JSON entry, at this place of the line.
        case verbatim(Range<Int>, DuplicateWindow.Key?)
        /// An event of another format, which `converted` holds as JSON.
        case converted(EventFormat, DuplicateWindow.Key?)
        /// The first line of a human entry that goes on; `cleaned` holds it.
        case opening(HumanHeader)
        /// A further line of the entry that is open; `cleaned` holds it.
        case continuation
        case auditLog
        case other
        case malformed(LineFault)
    }

    // MARK: From the stream to a line of coderd's

    /// A whole line of the stream, without its line feed.
    mutating func line(_ range: Range<Int>, _ batch: inout EventBatch) {
        guard range.count <= maxLine else {
            // As when only a part of the line is there yet: what it might go on with is given up.
            giveUpPending(&batch)
            return emit(.told(told(LineFault(.lineTooLong, at: maxLine), range, batch)), &batch)
        }
        if container == .none { return whole(range, .plain, range.lowerBound, &batch) }
        switch unwrapped(batch.bytes.span, range) {
        case .plain: whole(range, .plain, range.lowerBound, &batch)
        case .wrapped(let line): wrapped(line, range, &batch)
        case .malformed(let fault): emit(.told(told(fault, range, batch)), &batch)
        }
    }

    private enum Unwrapped {
        case plain
        case wrapped(ContainerLine)
        case malformed(LineFault)
    }

    private mutating func unwrapped(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Unwrapped {
        if container == .cri || container == .auto {
            if let line = ContainerLine(cri: bytes, range) { return .wrapped(line) }
            if container == .cri { return .malformed(LineFault(.badContainerLine, at: 0)) }
        }
        guard container == .docker || hasPrefix(bytes, at: range.lowerBound, "{\"log\":") else { return .plain }
        if case .malformed(let fault) = scanner.scan(bytes.extracting(range), into: &fields) {
            return .malformed(fault)
        }
        if let line = ContainerLine(docker: bytes, range) { return .wrapped(line) }
        return container == .docker ? .malformed(LineFault(.badContainerLine, at: 0)) : .plain
    }

    private mutating func wrapped(_ line: ContainerLine, _ range: Range<Int>, _ batch: inout EventBatch) {
        let stream = line.stream.rawValue
        if streams[stream].isDropping {
            streams[stream].isDropping = line.isPartial
            return
        }
        if !line.isPartial, !line.isEscaped, !streams[stream].hasPieces {
            return whole(line.content, line.stream, range.lowerBound, &batch)
        }
        setPending(stream) { state in
            state.hasPieces = true
            if line.isEscaped {
                JSONText.unescape(batch.bytes.span, line.content, into: &state.pieces)
            } else {
                state.pieces.append(batch.bytes.span(line.content))
            }
        }
        if streams[stream].pieces.count > maxLine {
            let sample = toldPieces(LineFault(.lineTooLong, at: maxLine), stream)
            dropPieces(stream)
            streams[stream].isDropping = line.isPartial
            emit(.told(sample), &batch)
        } else if !line.isPartial {
            wholeOfPieces(line.stream, range.lowerBound, &batch)
        }
    }

    private mutating func setPending(_ stream: Int, _ change: (inout StreamState) -> Void) {
        let before = streams[stream].isPending
        change(&streams[stream])
        let after = streams[stream].isPending
        pendingCount += (after ? 1 : 0) - (before ? 1 : 0)
    }

    private func toldPieces(_ fault: LineFault, _ stream: Int) -> DecodeCounts.Sample {
        let text = streams[stream].pieces
        return told(fault, position, lineNumber, text.span)
    }

    private mutating func dropPieces(_ stream: Int) {
        setPending(stream) { state in
            state.pieces.removeAll()
            state.hasPieces = false
        }
    }

    // MARK: A line of coderd's

    /// A line that lies in the batch.
    private mutating func whole(
        _ range: Range<Int>, _ stream: ContainerLine.Stream, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        let look = look(batch.bytes.span(range), stream.rawValue)
        if streams[stream.rawValue].header != nil { finishEntry(stream.rawValue, unless: look, lineStart, &batch) }
        act(look, stream.rawValue, lineStart, at: range, &batch)
    }

    /// A line that was put together from parts or unescaped.
    private mutating func wholeOfPieces(
        _ stream: ContainerLine.Stream, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        let text = streams[stream.rawValue].pieces
        let look = look(text.span, stream.rawValue)
        // The line's first parts lie before other lines, so nothing is final until the line is: the entry that it ends
        // is finished while the parts are still pending.
        if streams[stream.rawValue].header != nil { finishEntry(stream.rawValue, unless: look, nil, &batch) }
        dropPieces(stream.rawValue)
        let start = batch.bytes.count
        if case .verbatim = look { batch.bytes.append(text.span) }
        if case .malformed(let fault) = look {
            return emit(.told(told(fault, streamPosition(lineStart), lineNumber, text.span)), &batch)
        }
        act(look, stream.rawValue, lineStart, at: start..<batch.bytes.count, &batch)
    }

    /// The last line of the input, which has no line feed; says whether it was whole.
    mutating func lastLine(_ range: Range<Int>, _ batch: inout EventBatch) -> Bool {
        var content = range
        var stream = ContainerLine.Stream.plain
        if container != .none {
            switch unwrapped(batch.bytes.span, range) {
            case .malformed: return false
            case .wrapped(let line):
                // What the wrapping says is whole is taken; CRI has no mark at the end, so its content must tell.
                if line.isEscaped || line.isPartial || streams[line.stream.rawValue].hasPieces {
                    guard line.isEscaped else { return false }
                    self.line(range, &batch)
                    return true
                }
                content = line.content
                stream = line.stream
            case .plain: break
            }
        }
        guard isWhole(batch.bytes.span(content), stream.rawValue) else { return false }
        whole(content, stream, range.lowerBound, &batch)
        return true
    }

    /// Whether a line without line feed is an entry to its end.
    private mutating func isWhole(_ text: Span<UInt8>, _ stream: Int) -> Bool {
        switch look(text, stream) {
        case .verbatim, .continuation: return true
        case .converted(let format, _):
            return format != .slogHuman || fields.index.status(in: converted.span) != nil
        case .auditLog, .other:
            // Text says nowhere that it has ended, valid JSON does.
            return text.count > 0 && format != .slogHuman && scanner.isJSON(text, &fields)
        case .opening, .malformed: return false
        }
    }

    // MARK: Looking

    /// - Parameter text: one line of coderd's. Fills `converted` or `cleaned` as the answer says.
    private mutating func look(_ text: Span<UInt8>, _ stream: Int) -> Look {
        if let header = streams[stream].header, continues(text, header) { return .continuation }
        var start = 0
        var end = text.count
        while start < end, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
        while end > start, isBlank(text[end - 1]) { end -= 1 }
        guard start < end else { return .other }
        let isJSON = text[start] == UInt8(ascii: "{") || format == .slogJSON || format == .stackdriver
        guard isJSON, format != .slogHuman else { return lookAtText(text.extracting(0..<end)) }
        return lookAtJSON(text.extracting(start..<end), start)
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0d || byte == 0x09 }

    private mutating func lookAtJSON(_ text: Span<UInt8>, _ offset: Int) -> Look {
        switch scanner.scan(text, into: &fields) {
        case .malformed(let fault): return .malformed(LineFault(fault.reason, at: fault.position + offset))
        case .auditLog: return .auditLog
        case .other: return .other
        case .connectionLog: break
        }
        if fields.shape == .slog {
            if format == .stackdriver { return .other }
            return .verbatim(offset..<(offset + text.count), EventDecoder.key(text, fields.index))
        }
        if format == .slogJSON { return .other }
        converted.removeAll()
        StackdriverEntry.convert(text, into: &converted)
        guard isConvertedEvent() else { return .malformed(LineFault(.unexpectedByte, at: offset)) }
        return .converted(.stackdriver, EventDecoder.key(converted.span, fields.index))
    }

    private mutating func lookAtText(_ text: Span<UInt8>) -> Look {
        guard firstIndex(of: "connection_log", in: text, 0..<text.count) != nil else {
            let isAudit = firstIndex(of: "audit_log", in: text, 0..<text.count) != nil
            guard isAudit else { return .other }
            clean(text)
            return HumanHeader(cleaned.span, 0..<cleaned.count) == nil ? .other : .auditLog
        }
        clean(text)
        guard let header = HumanHeader(cleaned.span, 0..<cleaned.count) else { return .other }
        if header.message == .auditLog { return .auditLog }
        if HumanEntry.isOpen(cleaned.span, 0..<cleaned.count) { return .opening(header) }
        return convertEntry(cleaned, header)
    }

    /// Puts the text without colours into `cleaned`.
    private mutating func clean(_ text: Span<UInt8>) {
        cleaned.removeAll()
        if firstIndex(of: 0x1b, in: text, 0..<text.count) == nil {
            cleaned.append(text)
        } else {
            ANSIColours.strip(text, into: &cleaned)
        }
    }

    private mutating func convertEntry(_ text: ByteBuffer, _ header: HumanHeader) -> Look {
        converted.removeAll()
        var entry = HumanEntry(header)
        if let fault = entry.convert(text.span, into: &converted) { return .malformed(fault) }
        guard isConvertedEvent() else { return .malformed(LineFault(.badHumanLine, at: 0)) }
        return .converted(.slogHuman, EventDecoder.key(converted.span, fields.index))
    }

    /// What is stored must be what the JSON sink could have written, so our own line is checked like any other.
    private mutating func isConvertedEvent() -> Bool {
        let record = converted
        return scanner.scan(record.span, into: &fields) == .connectionLog && fields.shape == .slog
    }

    private static func key(_ record: Span<UInt8>, _ index: EventIndex) -> DuplicateWindow.Key? {
        index.value(.id, in: record).map { DuplicateWindow.Key(record, $0.range) }
    }

    /// Whether a line goes on with an entry; then `cleaned` holds it.
    private mutating func continues(_ text: Span<UInt8>, _ header: HumanHeader) -> Bool {
        clean(text)
        let count = cleaned.count
        if count == 0 || (count == 1 && cleaned[0] == 0x0d) { return true }
        guard HumanEntry.margin(cleaned.span, 0, count, header.prefixLength) != nil else { return false }
        // A value may hold a whole entry, such as one that was copied from a log: only one that begins where this one
        // began is the next.
        guard let other = HumanHeader(cleaned.span, 0..<count) else { return true }
        return other.prefixLength != header.prefixLength
    }

    // MARK: Acting

    private mutating func act(
        _ look: Look, _ stream: Int, _ lineStart: Int, at place: Range<Int>, _ batch: inout EventBatch
    ) {
        switch look {
        case .verbatim(let range, let key):
            let start = place.lowerBound
            emit(.event(.slogJSON, (start + range.lowerBound)..<(start + range.upperBound), key), &batch)
        case .converted(let format, let key):
            emitConverted(format, key, &batch)
        case .opening(let header): open(stream, header, lineStart)
        case .continuation: goOn(stream, &batch)
        case .auditLog: emit(.auditLog, &batch)
        case .other: emit(.other, &batch)
        case .malformed(let fault): emit(.told(told(fault, place, batch)), &batch)
        }
    }

    private mutating func emitConverted(
        _ format: EventFormat, _ key: DuplicateWindow.Key?, _ batch: inout EventBatch
    ) {
        let start = batch.bytes.count
        batch.bytes.append(converted.span)
        emit(.event(format, start..<batch.bytes.count, key), &batch)
    }

    /// Holds back the first line of an entry of several.
    private mutating func open(_ stream: Int, _ header: HumanHeader, _ lineStart: Int) {
        let first = cleaned
        let (start, line) = (streamPosition(lineStart), lineNumber)
        setPending(stream) { state in
            state.header = header
            state.entryStart = start
            state.entryLine = line
            state.entry.removeAll()
            state.entry.append(first.span)
        }
    }

    private mutating func goOn(_ stream: Int, _ batch: inout EventBatch) {
        guard streams[stream].entry.count + cleaned.count < maxLine else {
            let state = streams[stream]
            setPending(stream) { $0.header = nil }
            let fault = LineFault(.lineTooLong, at: maxLine)
            return emit(.told(told(fault, state.entryStart, state.entryLine, state.entry.span)), &batch)
        }
        let line = cleaned
        // All of them: with one left, each time it is written and read the value would lose another.
        var end = line.count
        while end > 0, line[end - 1] == 0x0d { end -= 1 }
        streams[stream].entry.append(0x0a)
        streams[stream].entry.append(line.span(0..<end))
    }

    /// The entry that was open is complete, unless the line goes on with it.
    /// - Parameter lineStart: where the line begins, if all of it lies there.
    private mutating func finishEntry(
        _ stream: Int, unless look: Look, _ lineStart: Int?, _ batch: inout EventBatch
    ) {
        if case .continuation = look { return }
        // Looking at the line has filled the buffers that finishing needs too.
        let kept = (converted, cleaned, fields)
        finishEntry(stream, &batch)
        (converted, cleaned, fields) = kept
        if pendingCount == 0, let lineStart { commit(lineStart, &batch) }
    }

    mutating func finishEntry(_ stream: Int, _ batch: inout EventBatch) {
        guard let header = streams[stream].header else { return }
        let entry = streams[stream].entry
        setPending(stream) { $0.header = nil }
        switch convertEntry(entry, header) {
        case .converted(let format, let key): emitConverted(format, key, &batch)
        case .malformed(let fault):
            let state = streams[stream]
            emit(.told(told(fault, state.entryStart, state.entryLine, entry.span)), &batch)
        default: emit(.other, &batch)
        }
    }

    // MARK: What is pending

    /// Too much has come since: entries count as they are, lines whose parts are missing are passed over.
    mutating func giveUpPending(_ batch: inout EventBatch) {
        for stream in streams.indices where streams[stream].isPending {
            finishEntry(stream, &batch)
            guard streams[stream].hasPieces else { continue }
            let sample = toldPieces(LineFault(.lineTooLong, at: maxLine), stream)
            dropPieces(stream)
            streams[stream].isDropping = true
            emit(.told(sample), &batch)
        }
    }

    /// The input has ended: entries are complete, and so are lines whose last part did not come if they are events.
    ///
    /// - Returns: whether parts are left that are no event.
    mutating func finishPending(_ batch: inout EventBatch) -> Bool {
        var hasRemains = false
        for stream in streams.indices where streams[stream].isPending {
            if streams[stream].hasPieces {
                let text = streams[stream].pieces
                if isWhole(text.span, stream) {
                    wholeOfPieces(ContainerLine.Stream(rawValue: stream) ?? .plain, inputStart, &batch)
                } else {
                    hasRemains = true
                    counts.partial += 1
                    counts.keep(toldPieces(LineFault(.unfinished, at: text.count), stream), samplesMax)
                    dropPieces(stream)
                }
            }
            finishEntry(stream, &batch)
        }
        return hasRemains
    }
}
