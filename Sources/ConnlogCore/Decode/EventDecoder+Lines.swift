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
        let isPlain = !hasWrapped && hasPrefix(batch.bytes.span, at: range.lowerBound, "{\"ts\":")
        if container == .none || container == .auto && isPlain {
            return whole(range, .plain, range.lowerBound, &batch)
        }
        var rest = range
        for _ in 0..<TornLine.entriesMax {
            switch unwrapped(batch.bytes.span, rest) {
            case .plain:
                if hasWrapped, !rest.isEmpty { distrustParts(isJSON: false, &batch) }
                return whole(rest, .plain, rest.lowerBound, &batch)
            case .wrapped(let line): return wrapped(line, rest, &batch)
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
        guard container == .docker || ContainerLine.mayBeDocker(bytes, range.lowerBound) else { return .plain }
        if case .malformed(let fault) = scanner.scan(bytes.extracting(range), into: &fields) {
            return .malformed(fault)
        }
        if let line = ContainerLine(docker: bytes, range) { return .wrapped(line) }
        return container == .docker ? .malformed(LineFault(.badContainerLine, at: 0)) : .plain
    }

    private mutating func wrapped(_ line: ContainerLine, _ range: Range<Int>, _ batch: inout EventBatch) {
        let state = streams[line.stream.rawValue]
        isSound = state.hasPieces ? state.piecesAreJSON : line.beginsWithEntry(batch.bytes.span)
        takeWrapped(line, range, &batch)
        // Docker's wrapping is JSON, which a line in the middle of a line breaks.
        if !line.isEscaped { distrustSwallowed(line, &batch) }
    }

    private mutating func takeWrapped(_ line: ContainerLine, _ range: Range<Int>, _ batch: inout EventBatch) {
        let stream = line.stream.rawValue
        if !hasWrapped {
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
        if !line.isPartial, !line.isEscaped, !streams[stream].hasPieces {
            return whole(line.content, line.stream, range.lowerBound, &batch)
        }
        add(line, range, batch.bytes.span)
        if !line.isPartial { wholeOfPieces(line.stream, range.lowerBound, &batch) }
    }

    // MARK: Parts

    /// Whether a part cannot go on with the parts before it, so that their last one never came.
    ///
    /// What follows a part is text of a line, and who fills a line of the human sink to the length at which the runtime
    /// splits it could make any part look like an entry: so there only the mark of the last part ends a line. A line of the
    /// JSON sink cannot be used so. Inside its strings each quote has a backslash before it, so that none holds
    /// `{"ts":`; an object that is a value of the line has that line's own end behind it, so a part that is a whole
    /// object and nothing more cannot be the end of a line that an earlier part has begun.
    mutating func beginsAnew(_ line: ContainerLine, _ bytes: Span<UInt8>) -> Bool {
        let state = streams[line.stream.rawValue]
        guard state.piecesAreJSON, line.beginsWithEntry(bytes) else { return false }
        if state.hasPieces, !isBeginningOfJSON(state.pieces.span) { return false }
        if line.isPartial { return !":[,".utf8.contains(state.lastByte) }
        var text = ByteBuffer()
        text.append(bytes.extracting(line.content))
        if line.isEscaped {
            text.removeAll()
            JSONText.unescape(bytes, line.content, into: &text)
        }
        return scanner.isJSON(text.span, &fields)
    }

    private mutating func isBeginningOfJSON(_ text: Span<UInt8>) -> Bool {
        guard case .malformed(let fault) = scanner.scan(text, into: &fields) else { return false }
        // An escape, a character or a word may be cut in two.
        return fault.reason == .truncated || fault.position + 12 >= text.count
    }

    /// A line between those of a container's runtime was damaged. It may have been a part, so what comes next may be another
    /// part of the same text, whatever it looks like: only a whole entry of the JSON sink cannot, where that part was one of
    /// a JSON line.
    mutating func distrustParts(isJSON: Bool, _ batch: inout EventBatch) {
        for stream in streams.indices where stream != ContainerLine.Stream.plain.rawValue {
            abandonPieces(stream, LineFault(.unfinished, at: 0), &batch)
            streams[stream].distrust(isJSON: isJSON)
        }
    }

    /// Whether a damaged line of Docker's was one of a JSON line: it begins one, or goes on with one.
    private func isKnownForJSON(_ line: Span<UInt8>) -> Bool {
        if hasBlocks || streams.contains(where: { $0.isDropping || $0.hasPieces && !$0.piecesAreJSON }) { return false }
        if streams.contains(where: \.hasPieces) { return true }
        // Behind a tear the next line of Docker's would begin in the same way.
        return hasPrefix(line, at: 0, "{\"log\":\"{") && !hasPrefix(line, at: 8, "{\"")
    }

    /// A tear may have swallowed the beginning of a CRI line that holds a part, so what comes next may be the rest of that
    /// part's line. Nothing but its time tells it from text: it is one between those of the lines around it. A sound line of
    /// the JSON sink holds no tear.
    private mutating func distrustSwallowed(_ line: ContainerLine, _ batch: inout EventBatch) {
        if isSound && !line.isPartial && !hasBlocks { return }
        let bytes = batch.bytes.span
        guard let time = line.time else { return }
        let part = ContainerLine.swallowed(" P ", bytes, line.content, from: time)
        let last = ContainerLine.swallowed(" F ", bytes, line.content, from: time)
        for case let swallowed? in [part, last] where streams[swallowed.stream.rawValue].hasPieces {
            streams[swallowed.stream.rawValue].piecesAreJSON = false
        }
        if let part, !streams[part.stream.rawValue].hasPieces, !streams[part.stream.rawValue].isDropping {
            streams[part.stream.rawValue].distrust(isJSON: false, from: part.time)
        }
    }

    private mutating func add(_ line: ContainerLine, _ range: Range<Int>, _ bytes: Span<UInt8>) {
        let (maxLine, position, number) = (maxLine, streamPosition(range.lowerBound), lineNumber)
        setPending(line.stream.rawValue) { state in
            if line.isEscaped {
                JSONText.unescape(bytes, line.content, into: &state.pieces)
            } else {
                state.pieces.append(bytes.extracting(line.content))
            }
            if !state.hasPieces {
                state.hasPieces = true
                state.piecesStart = (position, number)
                state.piecesAreJSON = state.pieces.count > 0 && state.pieces[0] == UInt8(ascii: "{")
            }
            if state.pieces.count > 0 { state.lastByte = state.pieces[state.pieces.count - 1] }
            guard state.long != nil || state.pieces.count > maxLine else { return }
            var long = state.long ?? LongLine(max: maxLine)
            // Held twice it would be copied.
            state.long = nil
            long.append(state.pieces.span)
            state.long = long
            state.pieces.removeAll()
        }
    }

    private mutating func setPending(_ stream: Int, _ change: (inout StreamState) -> Void) {
        let before = streams[stream].isPending
        change(&streams[stream])
        let after = streams[stream].isPending
        pendingCount += (after ? 1 : 0) - (before ? 1 : 0)
    }

    mutating func dropPieces(_ stream: Int) {
        setPending(stream) { $0.dropPieces() }
    }

    /// Parts whose last one does not come: told, and forgotten.
    private mutating func abandonPieces(_ stream: Int, _ fault: LineFault, _ batch: inout EventBatch) {
        guard streams[stream].hasPieces else { return }
        let sample = toldPieces(fault, stream)
        dropPieces(stream)
        emit(.told(sample), &batch)
    }

    private func toldPieces(_ fault: LineFault, _ stream: Int) -> DecodeCounts.Sample {
        let state = streams[stream]
        let text = state.long?.text ?? state.pieces
        return told(fault, state.piecesStart.position, state.piecesStart.line, text.span)
    }

    // MARK: A line of coderd's

    /// A line that lies in the batch.
    private mutating func whole(
        _ range: Range<Int>, _ stream: ContainerLine.Stream, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        let look = look(batch.bytes.span(range), stream.rawValue)
        if streams[stream.rawValue].header != nil { finishEntry(stream.rawValue, unless: look, lineStart, &batch) }
        act(look, stream.rawValue, lineStart, at: range, &batch)
        if case .malformed(let fault) = look { behindTear(fault, range, stream, lineStart, &batch) }
    }

    /// What stands behind the place where a writer was stopped in the middle of a line and another went on.
    private mutating func behindTear(
        _ fault: LineFault, _ range: Range<Int>, _ stream: ContainerLine.Stream, _ lineStart: Int,
        _ batch: inout EventBatch
    ) {
        var (fault, rest) = (fault, range)
        isSound = false
        for number in 0..<TornLine.entriesMax {
            guard !isCut, let next = TornLine.next(batch.bytes.span(rest), fault, isMixed: hasBlocks) else {
                return
            }
            rest = rest.lowerBound + next..<rest.upperBound
            let look = look(batch.bytes.span(rest), stream.rawValue)
            guard case .malformed(let nextFault) = look, number + 1 < TornLine.entriesMax else {
                return actAtLast(look, stream.rawValue, lineStart, at: rest, &batch)
            }
            act(look, stream.rawValue, lineStart, at: rest, &batch)
            fault = nextFault
        }
    }

    /// A line that was put together from parts or unescaped.
    private mutating func wholeOfPieces(
        _ stream: ContainerLine.Stream, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        guard let (text, wasCut) = textOfPieces(stream.rawValue) else {
            return abandonPieces(stream.rawValue, LineFault(.lineTooLong, at: maxLine), &batch)
        }
        isCut = wasCut
        defer { isCut = false }
        let start = batch.bytes.count
        let records = batch.count
        batch.bytes.append(text.span)
        let isEntryWithBlock =
            firstIndex(of: 0x0a, in: text.span, 0..<text.count) != nil && text[0] != UInt8(ascii: "{")
        if isEntryWithBlock {
            dropPieces(stream.rawValue)
            entryWithBlock(start..<batch.bytes.count, stream, lineStart, &batch)
        } else {
            let look = look(text.span, stream.rawValue)
            // The line's first parts lie before other lines, so nothing is final until the line is: the entry that it
            // ends is finished while the parts are still pending.
            if streams[stream.rawValue].header != nil { finishEntry(stream.rawValue, unless: look, nil, &batch) }
            dropPieces(stream.rawValue)
            let range = start..<start + text.count
            act(look, stream.rawValue, lineStart, at: range, &batch)
            if case .malformed(let fault) = look { behindTear(fault, range, stream, lineStart, &batch) }
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
        _ range: Range<Int>, _ stream: ContainerLine.Stream, _ lineStart: Int, _ batch: inout EventBatch
    ) {
        var place = range.lowerBound
        while place <= range.upperBound {
            let end = firstIndex(of: 0x0a, in: batch.bytes.span, place..<range.upperBound) ?? range.upperBound
            if place == range.lowerBound {
                whole(place..<end, stream, lineStart, &batch)
            } else if case .continuation = look(batch.bytes.span(place..<end), stream.rawValue) {
                goOn(stream.rawValue)
            } else {
                emit(.other, &batch)
            }
            place = end + 1
        }
        finishEntry(stream.rawValue, &batch)
        streams[stream.rawValue].block = nil
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
        case .auditLog, .other, .otherEntry, .mention:
            // Text says nowhere that it has ended, valid JSON does.
            return text.count > 0 && format != .slogHuman && scanner.isJSON(text, &fields)
        case .opening, .malformed: return false
        }
    }

    // MARK: What is pending

    /// Too much has come since: entries count as they are, lines whose parts are missing are passed over.
    mutating func giveUpPending(_ batch: inout EventBatch) {
        for stream in streams.indices where streams[stream].isPending {
            finishEntry(stream, &batch)
            guard streams[stream].hasPieces else { continue }
            if streams[stream].long != nil {
                // It is kept in little room, however much comes; only a restart has to begin where it began.
                setPending(stream) { $0.isDetached = true }
                continue
            }
            streams[stream].isDropping = true
            abandonPieces(stream, LineFault(.lineTooLong, at: maxLine), &batch)
        }
    }

    /// The input has ended: entries are complete, and so are lines whose last part did not come if they are events.
    ///
    /// - Returns: whether parts are left that are no event.
    mutating func finishPending(_ batch: inout EventBatch) -> Bool {
        var hasRemains = false
        for stream in streams.indices where streams[stream].isPending || streams[stream].hasPieces {
            if streams[stream].hasPieces {
                let text = streams[stream].pieces
                if streams[stream].long == nil, isWhole(text.span, stream) {
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
