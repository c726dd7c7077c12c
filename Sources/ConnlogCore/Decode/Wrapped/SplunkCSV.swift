internal import ConnlogSystem

/// What Splunk exports as CSV, by its page or its API with `output_mode=csv`.
///
///     "_time",host,source,"_raw"⏎
///     "2026-09-08T01:19:09.357+0000",web1,"/var/log/coder.log","{""ts"":""2026-09-08T…"",…}"⏎
///
/// The first record names the columns, of which `_raw` has to be one; a quote in quotes is doubled, and line feeds may stand
/// in them (RFC 4180). Each record becomes the line that Splunk's export as JSON has, and is decoded as that. Whoever writes
/// a log that Splunk has fills `_raw`, and Splunk doubles its quotes, so no text ends its column. What cannot be read as a
/// record ends the stream: from there on nobody knows what is in quotes.
///
/// The columns stand at the beginning alone, so this is for streams that are read from there: no file that is followed.
struct SplunkCSV: Sendable {
    /// Where a record has what is asked for, by number; `nil`: it has none.
    struct Columns: Sendable, Equatable {
        var count = 0
        var places: [Int?] = [nil, nil, nil]
    }

    /// As in the JSON.
    private static let names = ["_raw", "host", "source"].map { Array($0.utf8) }

    /// Lines made of the records of one call, and where each ends, there and in the stream.
    struct Lines {
        var text: [UInt8] = []
        var ends: [(line: Int, record: Int, isSound: Bool)] = []
        /// After the columns' names, if they are in it.
        var begin: Int
        /// After the last whole record.
        var end: Int
        var isDamaged = false
    }

    var columns: Columns?
    /// Nothing more is read.
    var isDamaged = false
    /// In the middle of a record that is longer than can be presented at once: whether quotes are open there.
    var skipping: Bool?

    enum Reading {
        case record([Range<Int>], next: Int)
        case incomplete, damaged
    }

    /// Reads whole records.
    /// - Parameter isEnd: the last one needs no line feed.
    mutating func read(_ bytes: Span<UInt8>, _ input: Range<Int>, isEnd: Bool) -> Lines {
        var lines = Lines(begin: input.lowerBound, end: input.lowerBound)
        while lines.end < input.upperBound {
            guard case .record(let fields, let next) = record(bytes, lines.end..<input.upperBound, isEnd, &lines) else {
                return lines
            }
            guard let columns else {
                columns = SplunkCSV.columns(bytes, fields)
                if columns == nil {
                    lines.isDamaged = true
                    return lines
                }
                (lines.begin, lines.end) = (next, next)
                continue
            }
            lines.end = next
            // An empty line.
            if fields.count == 1, fields[0].isEmpty { continue }
            let isSound = fields.count == columns.count
            if isSound { SplunkCSV.append(bytes, fields, columns, to: &lines.text) }
            lines.ends.append((lines.text.count, next, isSound))
        }
        return lines
    }

    private func record(
        _ bytes: Span<UInt8>, _ rest: Range<Int>, _ isEnd: Bool, _ lines: inout Lines
    ) -> Reading {
        let reading = SplunkCSV.record(bytes, rest, isEnd: isEnd)
        if case .damaged = reading { lines.isDamaged = true }
        return reading
    }

    /// One record: its fields with their quotes.
    static func record(_ bytes: Span<UInt8>, _ rest: Range<Int>, isEnd: Bool) -> Reading {
        var fields: [Range<Int>] = []
        var at = rest.lowerBound
        while true {
            let start = at
            if at < rest.upperBound, bytes[at] == UInt8(ascii: "\"") {
                guard let close = closingQuote(bytes, at + 1..<rest.upperBound, isEnd: isEnd) else {
                    return isEnd ? .damaged : .incomplete
                }
                at = close + 1
            } else {
                while at < rest.upperBound, bytes[at] != UInt8(ascii: ","), bytes[at] != 0x0a { at += 1 }
            }
            var end = at
            if at < rest.upperBound, bytes[at] == 0x0d { at += 1 }
            guard at < rest.upperBound else {
                guard isEnd else { return .incomplete }
                fields.append(start..<end)
                return .record(fields, next: at)
            }
            if end > start, bytes[start] != UInt8(ascii: "\""), bytes[end - 1] == 0x0d { end -= 1 }
            fields.append(start..<end)
            if bytes[at] == 0x0a { return .record(fields, next: at + 1) }
            guard bytes[at] == UInt8(ascii: ","), at == end else { return .damaged }
            at += 1
        }
    }

    /// The quote that is not one of two; `nil`: it is not there, or nobody knows yet.
    private static func closingQuote(_ bytes: Span<UInt8>, _ rest: Range<Int>, isEnd: Bool) -> Int? {
        var at = rest.lowerBound
        while let quote = firstIndex(of: UInt8(ascii: "\""), in: bytes, at..<rest.upperBound) {
            if quote + 1 == rest.upperBound { return isEnd ? quote : nil }
            if bytes[quote + 1] != UInt8(ascii: "\"") { return quote }
            at = quote + 2
        }
        return nil
    }

    private static func columns(_ bytes: Span<UInt8>, _ fields: [Range<Int>]) -> Columns? {
        var columns = Columns(count: fields.count)
        for (number, field) in fields.enumerated() {
            var name: [UInt8] = []
            unquote(bytes, number == 0 ? withoutMark(bytes, field) : field) { name.append($0) }
            guard let known = names.firstIndex(of: name) else { continue }
            // Twice the same name, and nobody knows which is meant.
            guard columns.places[known] == nil else { return nil }
            columns.places[known] = number
        }
        return columns.places[0] == nil ? nil : columns
    }

    /// Some programs begin a file with U+FEFF.
    private static func withoutMark(_ bytes: Span<UInt8>, _ field: Range<Int>) -> Range<Int> {
        hasPrefix(bytes, at: field.lowerBound, "\u{feff}") ? field.lowerBound + 3..<field.upperBound : field
    }

    private static func unquote(_ bytes: Span<UInt8>, _ field: Range<Int>, _ take: (UInt8) -> Void) {
        guard field.count >= 2, bytes[field.lowerBound] == UInt8(ascii: "\"") else {
            for place in field { take(bytes[place]) }
            return
        }
        var place = field.lowerBound + 1
        while place < field.upperBound - 1 {
            take(bytes[place])
            place += bytes[place] == UInt8(ascii: "\"") ? 2 : 1
        }
    }

    private static func append(
        _ bytes: Span<UInt8>, _ fields: [Range<Int>], _ columns: Columns, to text: inout [UInt8]
    ) {
        text += Array("{\"preview\":false,\"result\":{".utf8)
        var isFirst = true
        for (name, place) in zip(names, columns.places) {
            guard let place else { continue }
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            text += [UInt8(ascii: "\"")] + name + Array("\":\"".utf8)
            unquote(bytes, fields[place]) { byte in
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
                case 0..<0x20:
                    let digits = Array("0123456789abcdef".utf8)
                    text += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                default: text.append(byte)
                }
            }
            text.append(UInt8(ascii: "\""))
        }
        text += Array("}}\n".utf8)
    }

    /// Passes over what there is of a record that is too long.
    /// - Returns: the place after it.
    mutating func skip(_ bytes: Span<UInt8>, _ input: Range<Int>) -> Int {
        guard var isQuoted = skipping else { return input.lowerBound }
        for place in input {
            // Two quotes for one leave it as it was.
            if bytes[place] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if bytes[place] == 0x0a, !isQuoted {
                skipping = nil
                return place + 1
            }
        }
        skipping = isQuoted
        return input.upperBound
    }
}

extension EventDecoder {
    /// Decodes records of Splunk's CSV by `decode`, which is given the lines that they become.
    /// - Returns: how many bytes of `input` are consumed.
    mutating func decodeCSV(
        _ input: Range<Int>, _ batch: inout EventBatch, isEnd: Bool,
        _ decode: (inout EventDecoder, Range<Int>, inout EventBatch) -> Int
    ) -> Int {
        guard var csv else { return 0 }
        defer { self.csv = csv }
        if csv.isDamaged {
            counts.bytes += input.count
            return input.count
        }
        let start = csv.skip(batch.bytes.span, input)
        counts.bytes += start - input.lowerBound
        let lines = csv.read(batch.bytes.span, start..<input.upperBound, isEnd: isEnd)
        let first = batch.bytes.count
        batch.bytes.append(contentsOf: lines.text)
        let end = batch.bytes.count
        let done = decode(&self, first..<end, &batch)
        if batch.bytes.count == end { batch.bytes.truncate(to: first + done) }
        // Records before the first that stays, the header among them.
        var at = lines.ends.isEmpty || done == lines.text.count ? lines.end : lines.begin
        for record in lines.ends where record.line <= done {
            at = max(at, record.record)
            if record.isSound { continue }
            lineNumber += 1
            counts.lines += 1
            counts.add(told(LineFault(.badContainerLine, at: 0), start..<start, batch), samplesMax)
        }
        counts.bytes += at - start - done
        if lines.isDamaged, at == lines.end {
            let beginning = at..<min(input.upperBound, at + 200)
            counts.add(told(LineFault(.badContainerLine, at: 0), beginning, batch), samplesMax)
            csv.isDamaged = true
            counts.bytes += input.upperBound - at
            return input.count
        }
        if at == start, lines.text.isEmpty, input.upperBound - at >= inputMax - (1 << 12) {
            counts.add(told(LineFault(.lineTooLong, at: maxLine), at..<at, batch), samplesMax)
            csv.skipping = false
            let from = at
            at = csv.skip(batch.bytes.span, from..<input.upperBound)
            counts.bytes += at - from
        }
        if isEnd, at < input.upperBound, pendingCount == 0 { counts.partial += 1 }
        return at - input.lowerBound
    }
}
