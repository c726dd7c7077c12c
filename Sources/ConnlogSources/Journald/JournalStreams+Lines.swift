import ConnlogCore
import ConnlogSystem

/// What an entry is in its stream: a line, the beginning of one, a further piece, or what must not be believed.
extension JournalStreams {
    /// An entry with a message, in the stream whose bytes lie at the end of the batch.
    mutating func place(
        _ entry: borrowing JournalEntry, _ stream: Int, _ number: Int, _ batch: inout EventBatch
    ) {
        let ending = JournalEnding(entry)
        let part = hasContainers ? JournalStream.Part(entry) : nil
        switch kind(entry, ending, part, stream, number, &batch) {
        case .beginning:
            streams[stream].openBytes = 0
            streams[stream].openSince = number
            begin(entry, ending, part, stream, number, &batch)
        case .piece(let isJSON, _): goOn(entry, ending, part, isJSON: isJSON, stream, number, &batch)
        case .passed(let isJSON, _): passOver(entry, ending, part, isJSON: isJSON, stream, number)
        }
    }

    /// What the entry is, given what came before; closes what it ends.
    private mutating func kind(
        _ entry: borrowing JournalEntry, _ ending: JournalEnding, _ part: JournalStream.Part?, _ stream: Int,
        _ number: Int, _ batch: inout EventBatch
    ) -> JournalStream.Next {
        let next = streams[stream].next
        switch next {
        case .beginning:
            // The first parts of a line are missing.
            if let part, part.ordinal > 1 {
                count("unfinished")
                return .passed(isJSON: false, part)
            }
            return next
        case .piece(let isJSON, let former):
            if let former {
                if part == former.next { return next }
                abandonOpenLine(stream, &batch)
                // One of the parts between them is missing.
                if let part, part.line == former.line { return .passed(isJSON: false, part) }
                return kind(entry, ending, part, stream, number, &batch)
            }
            if part != nil {
                abandonOpenLine(stream, &batch)
                return kind(entry, ending, part, stream, number, &batch)
            }
            guard isJSON, isWholeOfJSON(entry, ending) else { return next }
            endOpenLine(stream, &batch)
            return .beginning
        case .passed(let isJSON, let former):
            let isOver: Bool
            if let former { isOver = part?.line != former.line } else { isOver = part?.ordinal == 1 }
            guard isOver || isJSON && isWholeOfJSON(entry, ending) else { return next }
            interruptions.end(streams[stream].id, 0, number - 1)
            streams[stream].next = .beginning
            return kind(entry, ending, part, stream, number, &batch)
        }
    }

    // MARK: Lines

    private mutating func begin(
        _ entry: borrowing JournalEntry, _ ending: JournalEnding, _ part: JournalStream.Part?, _ stream: Int,
        _ number: Int, _ batch: inout EventBatch
    ) {
        let process = hasContainers || interruptions.isEmpty ? 0 : entry.process
        if process != 0, interruptions.contains(streams[stream].id, process) {
            count("continuation")
            if ending == .whole { interruptions.end(streams[stream].id, process, number) }
            return
        }
        let message = entry.value(.message)
        let isJSON = message.count > 0 && message[0] == UInt8(ascii: "{")
        if !isJSON { streams[stream].isOnlyJSON = false }
        goOn(entry, ending, part, isJSON: isJSON, isBeginning: !isJSON, stream, number, &batch)
    }

    private mutating func goOn(
        _ entry: borrowing JournalEntry, _ ending: JournalEnding, _ part: JournalStream.Part?, isJSON: Bool,
        isBeginning: Bool = false, _ stream: Int, _ number: Int, _ batch: inout EventBatch
    ) {
        guard !entry.isCut else { return tooLong(ending, part, stream, number, &batch) }
        append(entry, isBeginning: isBeginning, stream, number, &batch)
        switch ending {
        case .whole: endOpenLine(stream, &batch)
        case .piece: leaveOpen(isJSON: isJSON, part, stream, &batch)
        case .cut: cut(stream, number, &batch)
        case .otherProcess:
            endOpenLine(stream, &batch)
            interrupt(entry, stream, number)
        }
    }

    private mutating func passOver(
        _ entry: borrowing JournalEntry, _ ending: JournalEnding, _ part: JournalStream.Part?, isJSON: Bool,
        _ stream: Int, _ number: Int
    ) {
        count("continuation")
        if ending == .otherProcess { interrupt(entry, stream, number) }
        if ending == .whole || ending == .otherProcess {
            interruptions.end(streams[stream].id, 0, number)
            streams[stream].next = .beginning
        } else if !interruptions.contains(streams[stream].id, 0) {
            pass(stream, isJSON: isJSON, part, since: number)
        } else {
            streams[stream].next = .passed(isJSON: isJSON, part)
        }
    }

    /// The line goes on in the next entry, unless it is a whole object.
    private mutating func leaveOpen(
        isJSON: Bool, _ part: JournalStream.Part?, _ stream: Int, _ batch: inout EventBatch
    ) {
        streams[stream].next = .piece(isJSON: isJSON, part)
        let (end, length) = (batch.bytes.count, streams[stream].openBytes)
        guard isJSON, part == nil, length <= maxLine, length <= end - runStart,
            batch.bytes[end - 1] == UInt8(ascii: "}")
        else { return }
        if isObject(batch.bytes.span(end - length..<end)) { endOpenLine(stream, &batch) }
    }

    /// The line has a NUL in it, and what stands after that is not believed.
    private mutating func cut(_ stream: Int, _ number: Int, _ batch: inout EventBatch) {
        endOpenLine(stream, &batch)
        count("nul")
        pass(stream, isJSON: false, nil, since: number)
    }

    /// Another process writes to the stream in the middle of a line of this one.
    private mutating func interrupt(_ entry: borrowing JournalEntry, _ stream: Int, _ number: Int) {
        let process = entry.process
        guard process != 0 else { return }
        interruptions.begin(
            JournalPosition.Interrupted(stream: streams[stream].id, process: process, isJSON: false), since: number)
    }

    /// No line of coderd's is as long as this entry.
    private mutating func tooLong(
        _ ending: JournalEnding, _ part: JournalStream.Part?, _ stream: Int, _ number: Int, _ batch: inout EventBatch
    ) {
        abandonOpenLine(stream, &batch)
        count("line_too_long")
        if ending == .piece || ending == .cut { pass(stream, isJSON: false, part, since: number) }
    }

    /// What comes next in the stream is a rest.
    mutating func pass(_ stream: Int, isJSON: Bool, _ part: JournalStream.Part?, since number: Int) {
        streams[stream].next = .passed(isJSON: isJSON, part)
        interruptions.begin(
            JournalPosition.Interrupted(stream: streams[stream].id, process: 0, isJSON: isJSON), since: number)
    }

    // MARK: Bytes

    /// Puts the message after what there is.
    private mutating func append(
        _ entry: borrowing JournalEntry, isBeginning: Bool, _ stream: Int, _ number: Int, _ batch: inout EventBatch
    ) {
        let start = batch.bytes.count
        batch.bytes.append(entry.value(.message))
        if firstIndex(of: 0x0a, in: batch.bytes.span, start..<batch.bytes.count) != nil {
            if isBeginning { keepBlock(from: start, &batch) } else { blankLineFeeds(from: start, &batch) }
        }
        streams[stream].add(batch.bytes.count - start, number)
    }

    /// A message with line feeds in it is one entry and its block: only its first line may begin an entry. journald's streams
    /// have none.
    private mutating func keepBlock(from start: Int, _ batch: inout EventBatch) {
        var text = ByteBuffer()
        text.append(batch.bytes.span(start..<batch.bytes.count))
        batch.bytes.truncate(to: start)
        var place = 0
        while place <= text.count {
            let end = firstIndex(of: 0x0a, in: text.span, place..<text.count) ?? text.count
            let isOfBlock = end == place || hasPrefix(text.span, at: place, "    ")
            if place == 0 || isOfBlock {
                if place > 0 { batch.bytes.append(0x0a) }
                batch.bytes.append(text.span(place..<end))
            } else {
                count("line_feed")
            }
            place = end + 1
        }
    }

    /// Between JSON's tokens a line feed is a blank; inside a string none can stand.
    private func blankLineFeeds(from start: Int, _ batch: inout EventBatch) {
        var place = start
        while let found = firstIndex(of: 0x0a, in: batch.bytes.span, place..<batch.bytes.count) {
            batch.bytes.overwrite(at: found, reserving: 1) { $0.append(UInt8(ascii: " ")) }
            place = found + 1
        }
    }

    /// The open line has come to its end.
    private mutating func endOpenLine(_ stream: Int, _ batch: inout EventBatch) {
        batch.bytes.append(0x0a)
        streams[stream].extendLast()
        streams[stream].next = .beginning
        streams[stream].openBytes = 0
    }

    /// Nothing more comes of the open line: it is what there is of it. What comes later in the stream is its rest.
    mutating func closeOpenLine(_ stream: Int, _ batch: inout EventBatch) {
        guard case .piece(let isJSON, let part) = streams[stream].next else { return }
        if part == nil { endOpenLine(stream, &batch) } else { abandonOpenLine(stream, &batch) }
        pass(stream, isJSON: isJSON, part, since: streams[stream].last)
    }

    /// A piece of the open line is missing, so there is no telling what it was.
    mutating func abandonOpenLine(_ stream: Int, _ batch: inout EventBatch) {
        guard case .piece = streams[stream].next else { return }
        count("unfinished")
        let length = streams[stream].openBytes
        if length <= batch.bytes.count - runStart, streams[stream].decoder.restartDistance == 0 {
            batch.bytes.truncate(to: batch.bytes.count - length)
            streams[stream].takeBackOpen()
            streams[stream].next = .beginning
        } else {
            // It is longer than a line may be, and its longest values were cut already.
            endOpenLine(stream, &batch)
        }
    }

    // MARK: JSON

    /// Whether the entry is by itself a whole one of the JSON sink, which no piece of a value is.
    private mutating func isWholeOfJSON(_ entry: borrowing JournalEntry, _ ending: JournalEnding) -> Bool {
        let message = entry.value(.message)
        return ending == .whole && hasPrefix(message, at: 0, "{\"ts\":") && isObject(message)
    }

    private mutating func isObject(_ text: Span<UInt8>) -> Bool {
        if case .malformed = scanner.scan(text, into: &fields) { return false }
        return true
    }
}

extension JournalStream.Part {
    /// Of an entry of Docker's driver that numbers parts; `nil` for all others.
    init?(_ entry: borrowing JournalEntry) {
        guard entry.has(.partialID), let ordinal = entry.text(.partialOrdinal).flatMap({ Int($0) }), ordinal > 0 else {
            return nil
        }
        let value = entry.value(.partialID)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for place in value.indices { hash = FilePosition.hash(hash, value[place]) }
        self.init(line: hash, ordinal: ordinal)
    }

    var next: JournalStream.Part { JournalStream.Part(line: line, ordinal: ordinal + 1) }
}

extension JournalEntry {
    /// The number of the process that wrote it; 0 if it has none.
    var process: UInt32 { text(.processID).flatMap { UInt32($0) } ?? 0 }
}
