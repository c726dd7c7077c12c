internal import ConnlogSystem

/// One line after another: out of its wrapping, put together from its parts, and then looked at.
extension EventDecoder {
    // MARK: From the stream to a line of coderd's

    /// A whole line of the stream, without its line feed.
    mutating func line(_ range: Range<Int>, _ batch: inout EventBatch) {
        if range.count > maxLine, isTooLong(range, batch.bytes.span) { return longLine(range, &batch) }
        unwrap(range, &batch)
    }

    /// A line that is as long as it may be.
    mutating func unwrap(_ range: Range<Int>, _ batch: inout EventBatch) {
        // What coderd writes is wrapped in nothing.
        let isPlain = isUnwrapped && hasPrefix(batch.bytes.span, at: range.lowerBound, "{\"ts\":")
        if isPlain && container == .auto || container == .none && wrapper == nil {
            return whole(range, ContainerLine.plain, range.lowerBound, &batch)
        }
        if isMidLine {
            isMidLine = false
            if range.isEmpty { return }
        }
        var rest = range
        for _ in 0..<TornLine.entriesMax {
            switch unwrapped(batch.bytes.span, rest) {
            case .plain: return unwrappedLine(rest, isDamage: !rest.isEmpty, &batch)
            // A record of no shape that is known is nobody's damage, but what a container's runtime writes is.
            case .json: return unwrappedLine(rest, isDamage: hasWrapped, &batch)
            case .record(let value): return recordOrOther(value, rest, &batch)
            case .wrapped(let line): return wrapped(line, rest, &batch)
            case .named(let line): return named(line, rest, &batch)
            case .malformed(let fault):
                distrustParts(isJSON: isKnownForJSON(batch.bytes.span(rest)), &batch)
                emit(.told(told(faultToTell(fault), rest, batch)), &batch)
                guard !isCut, let next = TornLine.next(batch.bytes.span(rest), fault, isMixed: hasBlocks) else {
                    return
                }
                rest = rest.lowerBound + next..<rest.upperBound
            }
        }
    }

    /// A line that nobody has wrapped.
    mutating func unwrappedLine(_ range: Range<Int>, isDamage: Bool, _ batch: inout EventBatch) {
        if isDamage, hasWrapped || hasRecords { distrustParts(isJSON: false, &batch) }
        // It was not cut, since it seemed to be a record.
        if range.count > maxLine, !isCut { return longLine(range, &batch) }
        whole(range, ContainerLine.plain, range.lowerBound, &batch)
    }

    private enum Unwrapped {
        case plain
        /// An object that nobody has wrapped.
        case json
        case wrapped(ContainerLine)
        case record(Range<Int>)
        case named(NamedLine)
        case malformed(LineFault)
    }

    private mutating func unwrapped(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Unwrapped {
        if wrapper != nil { return named(bytes, range) }
        if container == .cri || container == .auto {
            if let line = ContainerLine(cri: bytes, range) { return .wrapped(line) }
            if container == .cri { return .malformed(LineFault(.badContainerLine, at: 0)) }
        }
        if container == .docker || ContainerLine.mayBeDocker(bytes, range.lowerBound) {
            if case .malformed(let fault) = scanner.scan(bytes.extracting(range), into: &fields) {
                // Splunk's events begin with a time too, and come one after the other.
                if container == .auto, let next = first(bytes, range, fault), ContainerLine(docker: bytes, next) == nil
                {
                    return .record(next)
                }
                return .malformed(fault)
            }
            if let line = ContainerLine(docker: bytes, range) { return .wrapped(line) }
            if container == .docker { return .malformed(LineFault(.badContainerLine, at: 0)) }
        }
        guard container == .auto, let value = EventDecoder.recordValue(bytes, range) else { return .plain }
        switch scanner.scan(bytes.extracting(value), into: &fields) {
        case .malformed(let fault): return first(bytes, value, fault).map { .record($0) } ?? .plain
        default: return isEntry ? .json : .record(value)
        }
    }

    /// The first of several objects without a line feed between them.
    private func first(_ bytes: Span<UInt8>, _ value: Range<Int>, _ fault: LineFault) -> Range<Int>? {
        let end = value.lowerBound + fault.position
        guard fault.reason == .trailingBytes, hasPrefix(bytes, at: end, "{") else { return nil }
        return value.lowerBound..<end
    }

    /// What was scanned last is an entry of the JSON sink.
    private var isEntry: Bool { fields.index[.msg].kind != .absent }

    /// The source says who has wrapped the lines.
    private mutating func named(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Unwrapped {
        if isNamedByPrefix, !hasPrefix(bytes, at: range.lowerBound, "{"), let wrapper {
            if range.isEmpty { return .plain }
            return NamedLine(bytes, range, wrapper, conditions).map { .named($0) }
                ?? .malformed(LineFault(.badContainerLine, at: 0))
        }
        if wrapper == .kubectl || wrapper == .compose { return .malformed(LineFault(.badContainerLine, at: 0)) }
        guard let value = EventDecoder.recordValue(bytes, range) else {
            let isText = range.isEmpty || wrapper == .loki
            let isEntry = hasPrefix(bytes, at: range.lowerBound, "{\"ts\":")
            return isText || isEntry ? .plain : .malformed(LineFault(.badContainerLine, at: 0))
        }
        if case .malformed(let fault) = scanner.scan(bytes.extracting(value), into: &fields) {
            if let first = first(bytes, value, fault) { return .record(first) }
            return .malformed(LineFault(fault.reason, at: fault.position + value.lowerBound - range.lowerBound))
        }
        return isEntry ? .json : .record(value)
    }

    private mutating func wrapped(_ line: ContainerLine, _ range: Range<Int>, _ batch: inout EventBatch) {
        let state = streams[line.stream]
        isSound = state.hasPieces ? state.piecesAreJSON : line.beginsWithEntry(batch.bytes.span)
        takeWrapped(line, range, &batch)
        // Docker's wrapping is JSON, which a line in the middle of a line breaks.
        if !line.isEscaped { distrustSwallowed(line, &batch) }
    }

    /// - Parameter range: the line of the stream.
    mutating func takeWrapped(_ line: ContainerLine, _ range: Range<Int>, _ batch: inout EventBatch) {
        let stream = line.stream
        if !hasWrapped, record == nil {
            hasWrapped = true
            // The first one's beginning may have been that of a part.
            if textLine > 0, textLine == lineNumber - 1 { distrustParts(isJSON: false, &batch) }
        }
        if streams[stream].hasPieces || streams[stream].isDropping, beginsAnew(line, batch.bytes.span) {
            abandonPieces(stream, LineFault(.unfinished, at: 0), &batch)
            streams[stream].trust()
        }
        // Read before what seemed to be a part, so that was text.
        if let from = streams[stream].distrustedFrom, let time = line.time, time < from { streams[stream].trust() }
        if streams[stream].isDropping {
            streams[stream].isDropping = line.isPartial
            // It may have been the first one of a line of text.
            streams[stream].piecesAreJSON = false
            if !line.isPartial, streams[stream].isDistrusted {
                streams[stream].trust()
                emit(.told(told(LineFault(.unfinished, at: 0), range, batch)), &batch)
            }
            return
        }
        let isOneLine =
            record == nil || firstIndex(of: 0x0a, in: batch.bytes.span, line.content) == nil
        if !line.isPartial, !line.isEscaped, !streams[stream].hasPieces, isOneLine {
            if record != nil, openInside(line.content, range, &batch) { return }
            return whole(line.content, stream, range.lowerBound, &batch)
        }
        add(line, range, batch.bytes.span)
        if !line.isPartial { wholeOfPieces(stream, range, &batch) }
    }

    // MARK: A line of coderd's

    /// A line that lies in the batch.
    mutating func whole(_ range: Range<Int>, _ stream: Int, _ lineStart: Int, _ batch: inout EventBatch) {
        if hasConditions { isForeignLine = streams[stream].isForeign }
        let look = look(batch.bytes.span(range), stream)
        if streams[stream].header != nil { finishEntry(stream, unless: look, lineStart, &batch) }
        act(look, stream, lineStart, at: range, &batch)
        if case .malformed(let fault) = look { behindTear(fault, range, stream, lineStart, &batch) }
    }

    /// What stands after the place where a writer was stopped in the middle of a line and another went on.
    private mutating func behindTear(
        _ fault: LineFault, _ range: Range<Int>, _ stream: Int, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        var (fault, rest) = (fault, range)
        isSound = false
        for number in 0..<TornLine.entriesMax {
            guard !isCut, let next = TornLine.next(batch.bytes.span(rest), fault, isMixed: hasBlocks) else {
                return
            }
            rest = rest.lowerBound + next..<rest.upperBound
            let look = look(batch.bytes.span(rest), stream)
            guard case .malformed(let nextFault) = look, number + 1 < TornLine.entriesMax else {
                return actAtLast(look, stream, lineStart, at: rest, &batch)
            }
            act(look, stream, lineStart, at: rest, &batch)
            fault = nextFault
        }
    }

    /// A line that was put together from parts or unescaped.
    mutating func wholeOfPieces(_ stream: Int, _ line: Range<Int>, _ batch: inout EventBatch) {
        guard let (text, wasCut) = textOfPieces(stream) else {
            return abandonPieces(stream, LineFault(.lineTooLong, at: maxLine), &batch)
        }
        if hasConditions { isForeignLine = streams[stream].isForeign }
        isCut = wasCut
        defer { isCut = false }
        let start = batch.bytes.count
        let records = batch.count
        batch.bytes.append(text.span)
        let isEntryWithBlock =
            firstIndex(of: 0x0a, in: text.span, 0..<text.count) != nil && text[0] != UInt8(ascii: "{")
        let range = start..<start + text.count
        if isEntryWithBlock {
            dropPieces(stream)
            entryWithBlock(range, stream, line.lowerBound, &batch)
        } else if record != nil, openInside(range, line, &batch) {
            dropPieces(stream)
        } else {
            let look = look(text.span, stream)
            // The line's first parts lie before other lines, so nothing is final until the line is: the entry that it
            // ends is finished while the parts are still pending.
            if streams[stream].header != nil { finishEntry(stream, unless: look, nil, &batch) }
            dropPieces(stream)
            act(look, stream, line.lowerBound, at: range, &batch)
            if case .malformed(let fault) = look { behindTear(fault, range, stream, line.lowerBound, &batch) }
        }
        if batch.count == records, batch.bytes.count == start + text.count { batch.bytes.truncate(to: start) }
    }

    /// The line, whose longest values may have been cut; `nil` if that did not help.
    private mutating func textOfPieces(_ stream: Int) -> (ByteBuffer, wasCut: Bool)? {
        guard var long = streams[stream].long else {
            var text = streams[stream].pieces
            // Between JSON's tokens a line feed is a blank; inside a string none can stand.
            if text.count > 0, text[0] == UInt8(ascii: "{") { text.blankLineFeeds() }
            return (text, false)
        }
        guard long.finish(reserving: LongLine.mark.utf8CodeUnitCount) else { return nil }
        return (long.text, long.hasCut)
    }

    /// A value that holds line feeds is one entry and its block: only its first line may begin an entry.
    private mutating func entryWithBlock(
        _ range: Range<Int>, _ stream: Int, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        var place = range.lowerBound
        while place <= range.upperBound {
            let end = firstIndex(of: 0x0a, in: batch.bytes.span, place..<range.upperBound) ?? range.upperBound
            if place == range.lowerBound {
                whole(place..<end, stream, lineStart, &batch)
            } else if case .continuation = look(batch.bytes.span(place..<end), stream) {
                goOn(stream)
            } else {
                emit(.other, &batch)
            }
            place = end + 1
        }
        finishEntry(stream, &batch)
        streams[stream].block = nil
    }

    /// The last line of the input, which has no line feed; says whether it was whole.
    mutating func lastLine(_ range: Range<Int>, _ batch: inout EventBatch) -> Bool {
        var content = range
        var stream = ContainerLine.plain
        if container != .none || wrapper != nil {
            switch unwrapped(batch.bytes.span, range) {
            case .malformed: return false
            case .wrapped(let line):
                // What the wrapping says is whole is taken; CRI has no mark at the end, so its content must tell.
                if line.isEscaped || line.isPartial || streams[line.stream].hasPieces {
                    guard line.isEscaped else { return false }
                    self.line(range, &batch)
                    return true
                }
                content = line.content
                stream = line.stream
            case .named(let line):
                content = line.content
                stream = streamOf(line, &batch).0
            case .record:
                self.line(range, &batch)
                return true
            case .plain, .json: break
            }
        }
        guard isWhole(batch.bytes.span(content), stream) else { return false }
        whole(content, stream, range.lowerBound, &batch)
        return true
    }

    /// Whether a line without line feed is an entry to its end.
    mutating func isWhole(_ text: Span<UInt8>, _ stream: Int) -> Bool {
        switch look(text, stream) {
        case .verbatim, .continuation: return true
        case .converted(let format, _):
            return format != .slogHuman || fields.index.status(in: converted.span) != nil
        case .auditLog, .other, .otherEntry, .mention:
            // Text says nowhere that it has ended, valid JSON does.
            return text.count > 0 && format != .slogHuman && scanner.isJSON(text, &fields)
        case .opening, .malformed: return false
        }
    }
}

extension ByteBuffer {
    /// Puts a blank in the place of each line feed.
    fileprivate mutating func blankLineFeeds() {
        var place = 0
        while let found = firstIndex(of: 0x0a, in: span, place..<count) {
            overwrite(at: found, reserving: 1) { $0.append(UInt8(ascii: " ")) }
            place = found + 1
        }
    }
}
