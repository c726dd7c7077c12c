internal import ConnlogSystem

/// Lines that shippers have wrapped into JSON: opened wrapper by wrapper, then put together and looked at as any line.
///
///     unwrap ─▶ record ─▶ RecordReader ─▶ lines ─▶ takeWrapped ─▶ whole ─▶ look
///                 ▲                                    │
///                 └────────── a wrapper inside ────────┘   three at most
///
/// What a value holds is one line, or an entry of coderd's with its block: no text inside of a value begins an entry. All
/// that stands on one line of the stream is done with together, so that a restart repeats none of it.
extension EventDecoder {
    /// Where a JSON value begins that may be a wrapper, and where it ends; `nil` if none does.
    ///
    ///     {…}                     most
    ///     [{…},{…}]               arrays, as some write to files
    ///     RS {…}                  journalctl -o json-seq
    ///     data: {…}               journalctl -o json-sse
    ///     time⇥tag⇥{…}            Fluentd's files
    ///     tag: [time, {…}]        Fluent Bit's files
    static func recordValue(_ bytes: Span<UInt8>, _ line: Range<Int>) -> Range<Int>? {
        var end = line.upperBound
        while end > line.lowerBound, bytes[end - 1] <= 0x20 { end -= 1 }
        guard line.lowerBound < end else { return nil }
        switch bytes[line.lowerBound] {
        case UInt8(ascii: "{"):
            // What coderd writes passes after one comparison, or two.
            let isEntry =
                hasPrefix(bytes, at: line.lowerBound, "{\"ts\":")
                || hasPrefix(bytes, at: line.lowerBound, "{\"logging.googleapis.com/severity\":")
            return isEntry ? nil : line.lowerBound..<end
        case UInt8(ascii: "["):
            return hasPrefix(bytes, at: line.lowerBound, "[{") ? line.lowerBound..<end : nil
        case 0x1e:
            return hasPrefix(bytes, at: line.lowerBound, "\u{1e}{") ? line.lowerBound + 1..<end : nil
        case UInt8(ascii: "d") where hasPrefix(bytes, at: line.lowerBound, "data: {"):
            return line.lowerBound + 6..<end
        default: return fluentValue(bytes, line.lowerBound..<end)
        }
    }

    private static func fluentValue(_ bytes: Span<UInt8>, _ line: Range<Int>) -> Range<Int>? {
        // Neither a time nor a tag is long.
        let head = line.prefix(300)
        if bytes[line.lowerBound] &- 0x30 < 10, bytes[line.upperBound - 1] == UInt8(ascii: "}") {
            guard let first = firstIndex(of: 0x09, in: bytes, head.lowerBound..<head.upperBound),
                EventTime.parse(bytes, line.lowerBound..<first) != nil,
                let second = firstIndex(of: 0x09, in: bytes, first + 1..<head.upperBound),
                hasPrefix(bytes, at: second + 1, "{")
            else { return nil }
            return second + 1..<line.upperBound
        }
        guard line.count > 8, equal(bytes, line.upperBound - 2..<line.upperBound, "}]"),
            let tag = firstIndex(of: ": [", in: bytes, head.lowerBound..<head.upperBound)
        else { return nil }
        for place in line.lowerBound..<tag where bytes[place] <= 0x20 { return nil }
        var place = tag + 3
        while place < line.upperBound, bytes[place] &- 0x30 < 10 || bytes[place] == UInt8(ascii: ".") { place += 1 }
        guard place > tag + 3, hasPrefix(bytes, at: place, ", {") else { return nil }
        return place + 2..<line.upperBound - 1
    }

    /// Whether lines may be wrapped into JSON at all.
    var takesRecords: Bool { wrapper != nil || container == .auto }

    /// A line in which a JSON value stands that has been found to be whole, and may be a wrapper.
    ///
    /// CloudWatch and Splunk put one object after the other without a line feed. After a wrapper only another may stand.
    mutating func recordOrOther(_ value: Range<Int>, _ line: Range<Int>, _ batch: inout EventBatch) {
        // Held until all of the line is done with.
        pendingCount += 1
        let isRecord = record(value, line, &batch)
        var place = isRecord ? after(value, line, batch.bytes.span) : line.upperBound
        while place < line.upperBound {
            guard let next = nextValue(place..<line.upperBound, batch.bytes.span), record(next, line, &batch) else {
                let fault = LineFault(.trailingBytes, at: place - line.lowerBound)
                emit(.told(told(faultToTell(fault), line, batch)), &batch)
                break
            }
            place = after(next, line, batch.bytes.span)
        }
        pendingCount -= 1
        if isRecord { return }
        guard wrapper != nil, !RecordMembers(batch.bytes.span, value).isEntry else {
            return unwrappedLine(line, isDamage: hasWrapped, &batch)
        }
        emit(.told(told(faultToTell(LineFault(.badContainerLine, at: 0)), line, batch)), &batch)
    }

    /// Where something stands after a value, or the line's end.
    private func after(_ value: Range<Int>, _ line: Range<Int>, _ bytes: Span<UInt8>) -> Int {
        var place = value.upperBound
        while place < line.upperBound, bytes[place] <= 0x20 { place += 1 }
        // Fluent Bit's bracket.
        return place + 1 == line.upperBound && bytes[place] == UInt8(ascii: "]") ? line.upperBound : place
    }

    /// The JSON object that begins a text, which may go on after it; `nil` if it is none that is whole.
    mutating func nextValue(_ text: Range<Int>, _ bytes: Span<UInt8>) -> Range<Int>? {
        guard hasPrefix(bytes, at: text.lowerBound, "{") else { return nil }
        guard case .malformed(let fault) = scanner.scan(bytes.extracting(text), into: &fields) else { return text }
        return fault.reason == .trailingBytes ? text.lowerBound..<text.lowerBound + fault.position : nil
    }

    /// - Returns: whether it was a wrapper.
    private mutating func record(_ value: Range<Int>, _ line: Range<Int>, _ batch: inout EventBatch) -> Bool {
        let start = batch.bytes.count
        // Events that wait are held elsewhere.
        defer { batch.bytes.truncate(to: start) }
        guard open(value, RecordContext(), line, &batch) else { return false }
        hasRecords = true
        return true
    }

    /// An object, or the elements of an array.
    private mutating func open(
        _ value: Range<Int>, _ context: RecordContext, _ line: Range<Int>, _ batch: inout EventBatch
    ) -> Bool {
        if batch.bytes[value.lowerBound] == UInt8(ascii: "[") {
            var elements: [Range<Int>] = []
            var reader = JSONElements(batch.bytes.span, value)
            while let element = reader.next() { elements.append(element.whole) }
            for element in elements { openOrTell(element, context, line, &batch) }
            return true
        }
        let named = context.depth == 0 ? wrapper : nil
        switch RecordReader(batch.bytes.span, value, context, named, conditions).read() {
        case .none: return false
        case .malformed: emit(.told(told(LineFault(.badContainerLine, at: 0), line, batch)), &batch)
        case .objects(let objects):
            for object in objects { openOrTell(object, context, line, &batch) }
        case .lines(let lines):
            for found in lines { take(found, line, &batch) }
        case .line(let found): take(found, line, &batch)
        }
        return true
    }

    /// An element of a list: a wrapper, an entry of coderd's, or something else.
    private mutating func openOrTell(
        _ element: Range<Int>, _ context: RecordContext, _ line: Range<Int>, _ batch: inout EventBatch
    ) {
        let isObject = batch.bytes[element.lowerBound] == UInt8(ascii: "{")
        if isObject, open(element, context, line, &batch) { return }
        if context.depth == 0, wrapper != nil,
            !isObject || !RecordMembers(batch.bytes.span, element).isEntry
        {
            return emit(.told(told(LineFault(.badContainerLine, at: 0), line, batch)), &batch)
        }
        whole(element, ContainerLine.plain, line.lowerBound, &batch)
    }

    // MARK: One line

    private mutating func take(_ found: RecordLine, _ line: Range<Int>, _ batch: inout EventBatch) {
        let stream = streamOf(found, &batch)
        let outer = record
        record = found.context
        defer { record = outer }
        let start = batch.bytes.count
        switch found.content {
        case .object(let object, let around): return takeObject(object, around, stream, found, line, &batch)
        case .made(let made):
            batch.bytes.append(contentsOf: made)
            let object = start..<batch.bytes.count
            guard scanner.isJSON(batch.bytes.span(object), &fields) else {
                return emit(.told(told(LineFault(.badContainerLine, at: 0), line, batch)), &batch)
            }
            return takeObject(object, nil, stream, found, line, &batch)
        case .bytes(let bytes): batch.bytes.append(contentsOf: bytes)
        case .text(let text):
            unescaped.removeAll()
            if text.kind == .escapedString {
                JSONText.unescape(batch.bytes.span, text.range, into: &unescaped)
            } else {
                unescaped.append(batch.bytes.span(text.range))
            }
            batch.bytes.append(unescaped.span)
        }
        var end = batch.bytes.count
        if end > start, batch.bytes[end - 1] == 0x0a { end -= 1 }
        takeText(start..<end, stream, found.part, line, &batch)
    }

    private mutating func takeText(
        _ text: Range<Int>, _ stream: Int, _ part: RecordLine.Part, _ line: Range<Int>, _ batch: inout EventBatch
    ) {
        switch part {
        case .whole, .part:
            let isPartial = { if case .part = part { true } else { false } }()
            takeWrapped(ContainerLine(stream: stream, isPartial: isPartial, content: text), line, &batch)
        case .torn:
            takeWrapped(ContainerLine(stream: stream, isPartial: false, content: text), line, &batch)
            streams[stream].distrust(isJSON: false)
        case .numbered(let number, let isLast):
            addPart(number, isLast, text, stream, line, &batch)
        }
    }

    /// An entry whose fields were parsed on the way, a wrapper of its own, or something else.
    private mutating func takeObject(
        _ object: Range<Int>, _ around: Range<Int>?, _ stream: Int, _ found: RecordLine, _ line: Range<Int>,
        _ batch: inout EventBatch
    ) {
        if open(object, found.context, line, &batch) { return }
        var made = ByteBuffer()
        var isIncomplete = false
        if var entry = SlogRebuild(batch.bytes.span, object, around: around) {
            entry.write(batch.bytes.span, into: &made)
            isIncomplete = !entry.lost.isEmpty
        } else {
            made.append(batch.bytes.span(object))
        }
        let start = batch.bytes.count
        batch.bytes.append(made.span)
        takeWrapped(
            ContainerLine(stream: stream, isPartial: false, content: start..<batch.bytes.count), line, &batch)
        if isIncomplete, effects.last?.isEvent == true { emit(.incomplete, &batch) }
    }

    /// A line that was put together may be a wrapper itself.
    /// - Returns: whether it was.
    mutating func openInside(
        _ text: Range<Int>, _ line: Range<Int>, _ batch: inout EventBatch
    ) -> Bool {
        guard let context = record, context.depth < RecordContext.depthMax, !text.isEmpty else { return false }
        if var inner = ContainerLine(cri: batch.bytes.span, text) {
            var context = context
            context.depth += 1
            context.key.append(2)
            context.key.append(UInt8(truncatingIfNeeded: inner.stream))
            let found = RecordLine(content: .bytes([]), context: context, mayHaveParts: true)
            inner.stream = streamOf(found, &batch)
            let outer = record
            record = context
            takeWrapped(inner, line, &batch)
            record = outer
            return true
        }
        guard let value = EventDecoder.recordValue(batch.bytes.span, text),
            scanner.isJSON(batch.bytes.span(value), &fields)
        else { return false }
        return open(value, context, line, &batch)
    }

    // MARK: Streams

    /// The state of what one origin writes: its parts and its blocks do not mix with those of others.
    mutating func streamOf(_ found: RecordLine, _ batch: inout EventBatch) -> Int {
        if let stream = recordStreams.find(found.context.key) { return stream }
        var stream = streams.count
        if recordStreams.isFull {
            // One that is in the middle of nothing, or else the one that has been silent longest.
            stream = recordStreams.oldest { !streams[$0].isBusy }
            if streams[stream].isBusy {
                // What it would have gone on with may come as a line of its own.
                recordStreams.hasForgotten = true
                giveUp(stream, &batch)
            }
            streams[stream] = StreamState()
        } else {
            streams.append(StreamState())
        }
        recordStreams.add(found.context.key, stream)
        streams[stream].hasParts = found.mayHaveParts
        streams[stream].isForeign = !conditions.isEmpty && !conditions.fits(found.context.origin)
        if found.mayHaveParts, recordStreams.hasForgotten { streams[stream].distrust(isJSON: false) }
        return stream
    }
}

/// Which stream has which state. So many are kept: a node has fewer containers that write at the same time.
struct RecordStreams: Sendable {
    static let streamsMax = 256

    private var numbers: [[UInt8]: Int] = [:]
    private var keys: [Int: [UInt8]] = [:]
    private var used: [Int: Int] = [:]
    private var clock = 0
    /// Something was forgotten that may go on, so a stream that is new may begin in the middle of a line.
    var hasForgotten = false

    var isFull: Bool { numbers.count >= RecordStreams.streamsMax }

    mutating func find(_ key: [UInt8]) -> Int? {
        guard let number = numbers[key] else { return nil }
        clock += 1
        used[number] = clock
        return number
    }

    mutating func add(_ key: [UInt8], _ number: Int) {
        if let old = keys[number] { numbers[old] = nil }
        clock += 1
        numbers[key] = number
        keys[number] = key
        used[number] = clock
    }

    /// The one that was used longest ago, if possible one of those that `isFree` names.
    func oldest(_ isFree: (Int) -> Bool) -> Int {
        let all = used.sorted { $0.value < $1.value }.map(\.key)
        return all.first(where: isFree) ?? all[0]
    }
}
