internal import ConnlogSystem

/// Lines that come in parts: kept until the last one, or given up.
extension EventDecoder {
    // MARK: Parts

    /// Whether a part cannot go on with the parts before it, so that their last one never came.
    ///
    /// What follows a part is text of a line, and who fills a line of the human sink to the length at which the runtime
    /// splits it could make any part look like an entry: so there only the mark of the last part ends a line. A line of the
    /// JSON sink cannot be used so. Inside its strings each quote has a backslash before it, so that none holds
    /// `{"ts":`; an object that is a value of the line has that line's own end after it, so a part that is a whole
    /// object and nothing more cannot be the end of a line that an earlier part has begun.
    mutating func beginsAnew(_ line: ContainerLine, _ bytes: Span<UInt8>) -> Bool {
        let state = streams[line.stream]
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
        if hasRecords { recordStreams.hasForgotten = true }
        for stream in streams.indices where stream != ContainerLine.plain && streams[stream].hasParts {
            abandonPieces(stream, LineFault(.unfinished, at: 0), &batch)
            streams[stream].distrust(isJSON: isJSON)
        }
    }

    /// Whether a damaged line of Docker's was one of a JSON line: it begins one, or goes on with one.
    func isKnownForJSON(_ line: Span<UInt8>) -> Bool {
        if hasBlocks || streams.contains(where: { $0.isDropping || $0.hasPieces && !$0.piecesAreJSON }) { return false }
        if streams.contains(where: \.hasPieces) { return true }
        // After a tear the next line of Docker's would begin in the same way.
        return hasPrefix(line, at: 0, "{\"log\":\"{") && !hasPrefix(line, at: 8, "{\"")
    }

    /// A tear may have swallowed the beginning of a CRI line that holds a part, so what comes next may be the rest of that
    /// part's line. Nothing but its time tells it from text: it is one between those of the lines around it. A sound line of
    /// the JSON sink holds no tear.
    mutating func distrustSwallowed(_ line: ContainerLine, _ batch: inout EventBatch) {
        if isSound && !line.isPartial && !hasBlocks { return }
        let bytes = batch.bytes.span
        guard let time = line.time else { return }
        let part = ContainerLine.swallowed(" P ", bytes, line.content, from: time)
        let last = ContainerLine.swallowed(" F ", bytes, line.content, from: time)
        for case let swallowed? in [part, last] where streams[swallowed.stream].hasPieces {
            streams[swallowed.stream].piecesAreJSON = false
        }
        if let part, !streams[part.stream].hasPieces, !streams[part.stream].isDropping {
            streams[part.stream].distrust(isJSON: false, from: part.time)
        }
    }

    mutating func add(_ line: ContainerLine, _ range: Range<Int>, _ bytes: Span<UInt8>) {
        let (maxLine, position, number) = (maxLine, streamPosition(range.lowerBound), lineNumber)
        setPending(line.stream) { state in
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

    mutating func setPending(_ stream: Int, _ change: (inout StreamState) -> Void) {
        let before = streams[stream].isPending
        change(&streams[stream])
        let after = streams[stream].isPending
        pendingCount += (after ? 1 : 0) - (before ? 1 : 0)
    }

    mutating func dropPieces(_ stream: Int) {
        setPending(stream) { $0.dropPieces() }
    }

    /// Parts whose last one does not come: told, and forgotten.
    mutating func abandonPieces(_ stream: Int, _ fault: LineFault, _ batch: inout EventBatch) {
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

    // MARK: What is pending

    /// Too much has come since: entries count as they are, lines whose parts are missing are passed over.
    mutating func giveUpPending(_ batch: inout EventBatch) {
        for stream in streams.indices where streams[stream].isPending {
            finishEntry(stream, &batch)
            guard streams[stream].hasPieces else { continue }
            if streams[stream].long != nil, stream <= ContainerLine.Stream.stderr.rawValue {
                // It is kept in little room, however much comes; only a restart has to begin where it began.
                setPending(stream) { $0.isDetached = true }
                continue
            }
            giveUp(stream, &batch)
        }
    }

    /// The rest of a line is passed over.
    mutating func giveUp(_ stream: Int, _ batch: inout EventBatch) {
        finishEntry(stream, &batch)
        streams[stream].isDropping = streams[stream].numbered == nil
        abandonPieces(stream, LineFault(.lineTooLong, at: maxLine), &batch)
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
                    wholeOfPieces(stream, inputStart..<inputStart, &batch)
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
