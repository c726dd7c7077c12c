internal import ConnlogSystem

/// Lines that are longer than a line may be, and too long to be presented at once.
extension EventDecoder {
    /// Whether a line of more than `maxLine` bytes has to be cut. Docker and others that wrap lines into JSON write up to six
    /// bytes for one of the line's, so there what it holds decides.
    func isTooLong(_ line: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        let isEscaped =
            container == .docker || container == .auto && ContainerLine.mayBeDocker(bytes, line.lowerBound)
            || takesRecords && EventDecoder.recordValue(bytes, line) != nil
        return !isEscaped || line.count > pendingMax
    }

    /// Objects that follow one another without a line feed, as many as there are in a line too long to be presented.
    /// - Returns: where the next one begins.
    mutating func takeObjects(_ rest: Range<Int>, _ batch: inout EventBatch) -> Int {
        guard takesRecords else { return rest.lowerBound }
        var place = rest.lowerBound
        while rest.upperBound - place > maxLine,
            let value = EventDecoder.recordValue(batch.bytes.span, place..<rest.upperBound),
            value.lowerBound == place, let first = nextValue(value, batch.bytes.span),
            first.upperBound < value.upperBound,
            hasPrefix(batch.bytes.span, at: first.upperBound, "{")
        {
            lineNumber += 1
            line(first, &batch)
            lineNumber -= 1
            isMidLine = true
            place = first.upperBound
            if pendingCount > 0, place - done > pendingMax { giveUpPending(&batch) }
            if pendingCount == 0 { commit(place, &batch) }
        }
        return place
    }

    /// All of the line lies there.
    mutating func longLine(_ range: Range<Int>, _ batch: inout EventBatch) {
        // A hole is no part of the line after it.
        let line = withoutHole(range, batch)
        guard line.count > maxLine else { return unwrap(line, &batch) }
        if isOfBlock(line, &batch) { return }
        var cut = LongLine(max: maxLine)
        cut.append(batch.bytes.span(line))
        take(&cut, &batch)
    }

    /// Whether the line goes on with the entry that is open; that then has what it can have of it. Whatever is open cannot be
    /// presented again together with such a line, and is finished.
    private mutating func isOfBlock(_ line: Range<Int>, _ batch: inout EventBatch) -> Bool {
        let stream = ContainerLine.Stream.plain.rawValue
        var isOfBlock = false
        if streams[stream].header != nil {
            let head = line.lowerBound..<line.lowerBound + maxLine
            if case .continuation = look(batch.bytes.span(head), stream) {
                goOn(stream)
                isOfBlock = true
            }
        }
        giveUpPending(&batch)
        return isOfBlock
    }

    private func withoutHole(_ range: Range<Int>, _ batch: borrowing EventBatch) -> Range<Int> {
        var start = range.lowerBound
        while start < range.upperBound, batch.bytes[start] == 0 { start += 1 }
        return start..<range.upperBound
    }

    /// A line without end that cannot be presented again, so that it is read as it comes.
    /// - Returns: where decoding goes on.
    mutating func beginLongLine(_ rest: Range<Int>, _ batch: inout EventBatch) -> Int {
        guard isTooLong(rest, batch.bytes.span) else { return rest.lowerBound }
        let line = withoutHole(rest, batch)
        guard line.count > maxLine else {
            giveUpPending(&batch)
            commit(line.lowerBound, &batch)
            return line.lowerBound
        }
        lineNumber += 1
        longStart = streamPosition(line.lowerBound)
        longIsOfBlock = isOfBlock(line, &batch)
        if !longIsOfBlock {
            var cut = LongLine(max: maxLine)
            cut.append(batch.bytes.span(line))
            long = cut
        }
        commit(rest.upperBound, &batch)
        passedOver = line.count
        return rest.upperBound
    }

    mutating func goOnWithLongLine(_ input: Range<Int>, _ batch: inout EventBatch) -> Int {
        let end = firstIndex(of: 0x0a, in: batch.bytes.span, input)
        long?.append(batch.bytes.span(input.lowerBound..<(end ?? input.upperBound)))
        if let end {
            endLongLine(end + 1, &batch)
        } else {
            passedOver += input.count
            done = input.upperBound
        }
        return done
    }

    mutating func endLongLine(_ place: Int, _ batch: inout EventBatch) {
        if var cut = long { take(&cut, &batch) }
        long = nil
        longStart = nil
        longIsOfBlock = false
        passedOver = 0
        linesSinceDone += 1
        commit(place, &batch)
    }

    /// Whether a CRI line holds a part of a line only. What could be cut of a part that begins in the middle of a value cannot
    /// be told: quotes close there that were opened before.
    private mutating func isPart(_ range: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        guard container == .cri || container == .auto, let line = ContainerLine(cri: bytes, range) else { return false }
        let state = streams[line.stream]
        return line.isPartial || (state.hasPieces || state.isDropping) && !beginsAnew(line, bytes)
    }

    /// Nothing was made of a line that was too long; what comes next is not its rest, or passed over with it.
    private mutating func isLost(_ range: Range<Int>, _ batch: inout EventBatch) {
        let isCRI = container == .cri || container == .auto
        guard isCRI, let line = ContainerLine(cri: batch.bytes.span, range) else {
            return distrustParts(isJSON: false, &batch)
        }
        hasWrapped = true
        let stream = line.stream
        dropPieces(stream)
        streams[stream].trust()
        streams[stream].isDropping = line.isPartial
        streams[stream].piecesAreJSON = false
    }

    /// What is left of a line that was too long.
    private mutating func take(_ line: inout LongLine, _ batch: inout EventBatch) {
        let fits = line.finish(reserving: LongLine.mark.utf8CodeUnitCount)
        let start = batch.bytes.count
        let records = batch.count
        batch.bytes.append(line.text.span)
        let range = start..<batch.bytes.count
        if longStart == nil { longStart = position + done - inputStart }
        defer { longStart = nil }
        isCut = line.hasCut
        if fits, !isPart(range, batch.bytes.span) {
            unwrap(range, &batch)
        } else {
            emit(.told(told(LineFault(.lineTooLong, at: maxLine), range, batch)), &batch)
            isLost(range, &batch)
        }
        isCut = false
        // What it has opened cannot be presented again.
        giveUpPending(&batch)
        if batch.count == records, batch.bytes.count == range.upperBound { batch.bytes.truncate(to: start) }
    }
}
