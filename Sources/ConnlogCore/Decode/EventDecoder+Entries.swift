internal import ConnlogSystem

/// What becomes of a line that was looked at: an event at once, or an entry that is held until its block is complete.
extension EventDecoder {
    /// - Parameters:
    ///   - lineStart: where the line of the stream begins.
    ///   - place: where the line of coderd's lies in the batch.
    mutating func act(
        _ look: Look, _ stream: Int, _ lineStart: Int, at place: Range<Int>, _ batch: inout EventBatch
    ) {
        switch look {
        case .verbatim(let range, let key):
            let start = place.lowerBound
            if isForeignLine { return emit(.foreign, &batch) }
            emit(.event(.slogJSON, (start + range.lowerBound)..<(start + range.upperBound), key), &batch)
        case .converted(let format, let key): emitConverted(format, key, &batch)
        case .opening(let header): open(stream, header, lineStart)
        case .continuation: goOn(stream)
        case .auditLog: emit(.auditLog, &batch)
        case .otherEntry: emit(.other, &batch)
        case .other:
            textLine = lineNumber
            emit(.other, &batch)
        case .mention:
            textLine = lineNumber
            tell(LineFault(.mention, at: 0), lineStart, place, &batch)
        case .malformed(let fault):
            // Two whole entries on one line, the first of which is none the worse for it.
            if fault.reason == .trailingBytes, TornLine.next(batch.bytes.span(place), fault, isMixed: hasBlocks) != nil
            {
                let first = place.lowerBound..<place.lowerBound + fault.position
                return act(self.look(batch.bytes.span(first), stream), stream, lineStart, at: first, &batch)
            }
            textLine = lineNumber
            tell(faultToTell(fault), lineStart, place, &batch)
        }
    }

    /// The same with the last entry of a line that is looked at.
    mutating func actAtLast(
        _ look: Look, _ stream: Int, _ lineStart: Int, at place: Range<Int>, _ batch: inout EventBatch
    ) {
        guard case .malformed(let fault) = look else { return act(look, stream, lineStart, at: place, &batch) }
        tell(faultToTell(fault), lineStart, place, &batch)
    }

    private mutating func tell(_ fault: LineFault, _ lineStart: Int, _ place: Range<Int>, _ batch: inout EventBatch) {
        emit(.told(told(fault, streamPosition(lineStart), lineNumber, batch.bytes.span(place))), &batch)
    }

    /// Of a line that had to be cut it is its length that is to blame.
    func faultToTell(_ fault: LineFault) -> LineFault {
        isCut && fault.reason != .mark ? LineFault(.lineTooLong, at: maxLine) : fault
    }

    private mutating func emitConverted(
        _ format: EventFormat, _ key: DuplicateWindow.Key?, _ batch: inout EventBatch
    ) {
        if isForeignLine { return emit(.foreign, &batch) }
        let start = batch.bytes.count
        batch.bytes.append(converted.span)
        emit(.event(format, start..<batch.bytes.count, key), &batch)
    }

    // MARK: Entries of several lines

    /// Holds back the first line of an entry of several.
    private mutating func open(_ stream: Int, _ header: HumanHeader, _ lineStart: Int) {
        let first = cleaned
        let (start, line, isCut) = (streamPosition(lineStart), lineNumber, isCut)
        setHeader(stream, header)
        streams[stream].entryStart = (start, line)
        streams[stream].entryIsCut = isCut
        streams[stream].entryIsForeign = isForeignLine
        streams[stream].entry.removeAll()
        streams[stream].entry.append(first.span)
    }

    private mutating func setHeader(_ stream: Int, _ header: HumanHeader?) {
        let before = streams[stream].isPending
        streams[stream].header = header
        let after = streams[stream].isPending
        pendingCount += (after ? 1 : 0) - (before ? 1 : 0)
    }

    /// A further line; what is beyond the limit is cut off.
    mutating func goOn(_ stream: Int) {
        guard !streams[stream].entryIsCut else { return }
        let line = cleaned
        // All of them: with one left, each time it is written and read the value would lose another.
        var end = line.count
        while end > 0, line[end - 1] == 0x0d { end -= 1 }
        let room = max(0, maxLine - streams[stream].entry.count - 1)
        streams[stream].entryIsCut = isCut || end > room
        if end > room {
            end = room
            while end > 0, line[end] & 0xc0 == 0x80 { end -= 1 }
        }
        guard end > 0 || line.count == 0 else { return }
        streams[stream].entry.append(0x0a)
        streams[stream].entry.append(line.span(0..<end))
    }

    /// The entry that was open is complete, unless the line goes on with it.
    /// - Parameter lineStart: where the line begins, if all of it lies there.
    mutating func finishEntry(_ stream: Int, unless look: Look, _ lineStart: Int?, _ batch: inout EventBatch) {
        if case .continuation = look { return }
        // Looking at the line has filled the buffers that finishing needs too.
        let kept = (converted, cleaned, fields, isCut, isForeignLine)
        finishEntry(stream, &batch)
        (converted, cleaned, fields, isCut, isForeignLine) = kept
        if pendingCount == 0, let lineStart { commit(lineStart, &batch) }
    }

    mutating func finishEntry(_ stream: Int, _ batch: inout EventBatch) {
        guard let header = streams[stream].header else { return }
        let state = streams[stream]
        setHeader(stream, nil)
        let wasCut = isCut
        isCut = state.entryIsCut
        isForeignLine = state.entryIsForeign
        defer { isCut = wasCut }
        switch convertEntry(state.entry, header, 0) {
        case .converted(let format, let key): emitConverted(format, key, &batch)
        case .malformed(let fault):
            emit(
                .told(told(faultToTell(fault), state.entryStart.position, state.entryStart.line, state.entry.span)),
                &batch)
        default: emit(.other, &batch)
        }
    }
}
