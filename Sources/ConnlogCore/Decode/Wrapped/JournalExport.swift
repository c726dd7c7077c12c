internal import ConnlogSystem

/// systemd's export format, which `journalctl -o export` writes: entries of fields, an empty line after each.
///
///     NAME=value⏎                         text
///     NAME⏎<8 bytes, length>value⏎        anything, line feeds too
///
/// Each entry becomes the line that `journalctl -o json` would write, as far as the decoder asks for it; then it is decoded as
/// that. A value may hold what looks like the end of an entry and another, so nothing is ever searched for: what cannot be
/// read as an entry ends the stream, and a restart begins where it begins.
struct JournalExport: Sendable {
    /// Lines made of the entries of one call, and where each ends, there and in the stream.
    struct Lines {
        var text: [UInt8] = []
        var ends: [(line: Int, entry: Int)] = []
        /// After the last whole entry.
        var end: Int
        var isDamaged = false
    }

    /// In the middle of an entry that is longer than can be presented at once.
    enum Skipping: Sendable, Equatable { case none, lineStart, line, value(left: Int) }

    var skipping = Skipping.none
    var isDamaged = false
    /// Bytes that are passed over, since they can be read from their beginning only.
    var passed = 0
    /// Consumed bytes of the stream, and of its lines; places where entries begin that may have to be read again.
    var consumed = 0
    var starts: [(line: Int, entry: Int)] = []

    /// The most bytes that a value says it has; more is no length.
    static let valueMax = 1 << 30
    static let nameMax = 64
    /// What the decoder asks for; the first of each that an entry has.
    private static let names = [
        "MESSAGE", "__CURSOR", "__REALTIME_TIMESTAMP", "_BOOT_ID", "_TRANSPORT", "_SYSTEMD_UNIT", "_STREAM_ID",
        "PRIORITY",
        "_LINE_BREAK", "CONTAINER_NAME", "CONTAINER_ID_FULL", "CONTAINER_PARTIAL_MESSAGE",
    ].map { Array($0.utf8) }

    private enum Field {
        case value(name: Range<Int>, Range<Int>, next: Int)
        case endOfEntry(next: Int)
        case incomplete, damaged
    }

    /// Reads whole entries.
    static func read(_ bytes: Span<UInt8>, _ input: Range<Int>) -> Lines {
        var lines = Lines(end: input.lowerBound)
        var at = input.lowerBound
        while at < input.upperBound {
            var values = [Range<Int>?](repeating: nil, count: names.count)
            var isEmpty = true
            entry: while true {
                switch field(bytes, at..<input.upperBound) {
                case .value(let name, let value, let next):
                    isEmpty = false
                    if let known = names.firstIndex(where: { JSONMembers.isEqual(bytes, name, $0) }),
                        values[known] == nil
                    {
                        values[known] = value
                    }
                    at = next
                case .endOfEntry(let next):
                    at = next
                    break entry
                case .incomplete: return lines
                case .damaged:
                    lines.isDamaged = true
                    return lines
                }
            }
            if !isEmpty { append(bytes, values, to: &lines.text) }
            lines.end = at
            lines.ends.append((lines.text.count, at))
        }
        return lines
    }

    private static func field(_ bytes: Span<UInt8>, _ rest: Range<Int>) -> Field {
        let start = rest.lowerBound
        guard start < rest.upperBound else { return .incomplete }
        if bytes[start] == 0x0a { return .endOfEntry(next: start + 1) }
        var end = start
        while end < rest.upperBound, isOfName(bytes[end]) {
            end += 1
            if end - start > nameMax { return .damaged }
        }
        guard end < rest.upperBound else { return .incomplete }
        guard end > start else { return .damaged }
        if bytes[end] == UInt8(ascii: "=") {
            guard let feed = firstIndex(of: 0x0a, in: bytes, end + 1..<rest.upperBound) else { return .incomplete }
            return .value(name: start..<end, end + 1..<feed, next: feed + 1)
        }
        guard bytes[end] == 0x0a else { return .damaged }
        guard let length = length(bytes, end + 1..<rest.upperBound) else {
            return rest.upperBound - end > 8 ? .damaged : .incomplete
        }
        let value = end + 9..<end + 9 + length
        guard value.upperBound < rest.upperBound else { return .incomplete }
        return bytes[value.upperBound] == 0x0a
            ? .value(name: start..<end, value, next: value.upperBound + 1) : .damaged
    }

    /// Eight bytes, the least first; `nil` if they are not there, or no length of a value.
    private static func length(_ bytes: Span<UInt8>, _ rest: Range<Int>) -> Int? {
        guard rest.count >= 8 else { return nil }
        var length: UInt64 = 0
        for place in 0..<8 { length |= UInt64(bytes[rest.lowerBound + place]) << UInt64(8 * place) }
        return length <= UInt64(valueMax) ? Int(length) : nil
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || byte &- 0x41 < 26 || byte == UInt8(ascii: "_")
    }

    private static func append(_ bytes: Span<UInt8>, _ values: [Range<Int>?], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (name, value) in zip(names, values) {
            guard let value else { continue }
            if text.last != UInt8(ascii: "{") { text.append(UInt8(ascii: ",")) }
            text += [UInt8(ascii: "\"")] + name + Array("\":".utf8)
            var copy: [UInt8] = []
            copy.reserveCapacity(value.count)
            for place in value { copy.append(bytes[place]) }
            if let string = String(validating: copy, as: UTF8.self) {
                text += JSONText.quoted(string).utf8
            } else {
                text += Array("[\(copy.map { "\($0)" }.joined(separator: ","))]".utf8)
            }
        }
        text += [UInt8(ascii: "}"), 0x0a]
    }

    // MARK: Entries that are too long

    /// Passes over what there is of an entry, up to its end.
    /// - Returns: the place after it.
    mutating func skip(_ bytes: Span<UInt8>, _ input: Range<Int>) -> Int {
        var at = input.lowerBound
        while at < input.upperBound, skipping != .none {
            switch skipping {
            case .none: break
            case .value(let left):
                let taken = min(left, input.upperBound - at)
                at += taken
                // After the value stands a line feed of its own.
                skipping = taken < left ? .value(left: left - taken) : .lineStart
            case .line:
                guard let feed = firstIndex(of: 0x0a, in: bytes, at..<input.upperBound) else {
                    at = input.upperBound
                    break
                }
                at = feed + 1
                skipping = .lineStart
            case .lineStart:
                if bytes[at] == 0x0a {
                    at += 1
                    skipping = .none
                    break
                }
                guard let start = skipName(bytes, at..<input.upperBound) else {
                    passed += at - input.lowerBound
                    return at
                }
                at = start
            }
        }
        passed = skipping == .none && !isDamaged ? 0 : passed + at - input.lowerBound
        return at
    }

    /// - Returns: the place after a field's name, and its length if it has one; `nil` if that is not there yet.
    private mutating func skipName(_ bytes: Span<UInt8>, _ rest: Range<Int>) -> Int? {
        var end = rest.lowerBound
        while end < rest.upperBound, JournalExport.isOfName(bytes[end]), end - rest.lowerBound <= JournalExport.nameMax
        {
            end += 1
        }
        guard end < rest.upperBound else { return nil }
        let isName = end > rest.lowerBound && end - rest.lowerBound <= JournalExport.nameMax
        if isName, bytes[end] == UInt8(ascii: "=") {
            skipping = .line
            return end + 1
        }
        guard isName, bytes[end] == 0x0a else {
            isDamaged = true
            skipping = .none
            return end
        }
        guard rest.upperBound - end > 8 else { return nil }
        guard let length = JournalExport.length(bytes, end + 1..<rest.upperBound) else {
            isDamaged = true
            skipping = .none
            return end
        }
        skipping = .value(left: length + 1)
        return end + 9
    }
}

extension EventDecoder {
    /// Decodes entries of the export format by `decode`, which is given the lines that they become.
    /// - Returns: how many bytes of `input` are consumed.
    mutating func decodeExport(
        _ input: Range<Int>, _ batch: inout EventBatch, isEnd: Bool,
        _ decode: (inout EventDecoder, Range<Int>, inout EventBatch) -> Int
    ) -> Int {
        if export.isDamaged { return passExport(input, from: input.lowerBound) }
        var start = input.lowerBound
        if export.skipping != .none { start = export.skip(batch.bytes.span, input) }
        counts.bytes += start - input.lowerBound
        if export.isDamaged { return damaged(input, start, &batch) }
        if export.skipping != .none { return endExport(input, start, isEnd: isEnd) }
        let lines = JournalExport.read(batch.bytes.span, start..<input.upperBound)
        let first = batch.bytes.count
        batch.bytes.append(contentsOf: lines.text)
        let before = position
        let end = batch.bytes.count
        let isFull = input.upperBound - start >= inputMax - (1 << 12)
        var done = decode(&self, first..<end, &batch)
        var reached = done
        // What is open is completed by nothing that comes after damage, nor after an entry for which there is no room.
        if lines.isDamaged || isFull && done == 0 && !lines.ends.isEmpty {
            done += decodeText(first + done..<end, &batch, isEnd: true)
            reached = end - first
            position = before + reached
        }
        if batch.bytes.count == end { batch.bytes.truncate(to: first + done) }
        var at = start
        for (line, entry) in lines.ends where line <= reached {
            export.starts.append((before + line, export.consumed + entry - input.lowerBound))
            at = entry
        }
        counts.bytes += at - start - done
        forgetStarts()
        if lines.isDamaged { return damaged(input, at, &batch) }
        if at == start, lines.text.isEmpty, isFull {
            tellExport(LineFault(.lineTooLong, at: maxLine), input, at, batch)
            export.skipping = .lineStart
            let from = at
            at = export.skip(batch.bytes.span, from..<input.upperBound)
            counts.bytes += at - from
            if export.isDamaged { return damaged(input, at, &batch) }
        }
        return endExport(input, at, isEnd: isEnd)
    }

    /// What cannot be read as an entry is told, and with all that comes after it passed over: a restart begins there too.
    /// - Parameter at: where it stands.
    private mutating func damaged(_ input: Range<Int>, _ at: Int, _ batch: inout EventBatch) -> Int {
        // A line too long to be held may be open yet.
        if pendingCount > 0 { _ = decodeText(at..<at, &batch, isEnd: true) }
        tellExport(LineFault(.badContainerLine, at: 0), input, at, batch)
        export.isDamaged = true
        export.consumed += at - input.lowerBound
        return passExport(input, from: at)
    }

    /// With the place in the stream and no text: how much of it is there depends on how it is read.
    private mutating func tellExport(
        _ fault: LineFault, _ input: Range<Int>, _ at: Int, _ batch: borrowing EventBatch
    ) {
        let place = export.consumed + at - input.lowerBound
        counts.add(told(fault, place, lineNumber, batch.bytes.span(at..<at)), samplesMax)
    }

    private mutating func passExport(_ input: Range<Int>, from at: Int) -> Int {
        export.passed += input.upperBound - at
        counts.bytes += input.upperBound - at
        return input.count
    }

    private mutating func endExport(_ input: Range<Int>, _ at: Int, isEnd: Bool) -> Int {
        export.consumed += at - input.lowerBound
        if isEnd, at < input.upperBound, pendingCount == 0 { counts.partial += 1 }
        return at - input.lowerBound
    }

    /// Where entries begin is kept only as far back as a restart may have to begin.
    private mutating func forgetStarts() {
        let oldest = position - linesRestartDistance
        let kept = export.starts.lastIndex { $0.line <= oldest } ?? 0
        export.starts.removeFirst(kept)
    }

    /// In bytes of the stream.
    var exportRestartDistance: Int {
        guard linesRestartDistance > 0 else { return export.passed }
        let start = export.starts.first?.entry ?? 0
        return max(export.passed, export.consumed - start)
    }
}
