internal import ConnlogSystem

/// A line that is longer than a line may be, kept within twice that length however much comes.
///
/// An auditor needs the event more than somebody's user agent, which its sender makes as long as he likes. So values are cut:
/// what stands in quotes, and words outside of them, the longest first and only as much as it takes. No escape and no
/// character is cut in two, so the line is as whole as before, and `mark` says what was done to it. A line that would not fit
/// with its values cut to `keptMin` bytes is hopeless.
struct LongLine: Sendable {
    /// The member that says so. It stands last in `fields`, so that every form that shows all fields shows it.
    static let mark: StaticString = ",\"truncated\":true"
    /// Ids and times are never cut.
    private static let keptMin = 64
    private static let headBytes = 512

    private struct Value { var start, length: Int; var isQuoted: Bool }

    private(set) var text = ByteBuffer()
    private(set) var hasCut = false
    private let max: Int
    /// Bytes of a value that are kept.
    private var kept: Int
    /// Those longer than `keptMin`.
    private var values: [Value] = []
    /// The value that is being read.
    private var start = 0
    private var isQuoted = false
    private var isEscaped = false
    private var isCutting = false
    private var isHopeless = false

    init(max: Int) {
        self.max = max
        kept = max
    }

    mutating func append(_ bytes: Span<UInt8>) {
        for place in 0..<bytes.count {
            if isHopeless { return }
            append(bytes[place])
        }
    }

    private mutating func append(_ byte: UInt8) {
        if isQuoted, isEscaped || byte != UInt8(ascii: "\"") {
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            appendToValue(byte)
        } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: " ") {
            endValue()
            isQuoted = byte != UInt8(ascii: " ") && !isQuoted
            text.append(byte)
            start = text.count
        } else {
            appendToValue(byte)
        }
        if text.count > 2 * max { shrink(to: max) }
    }

    private mutating func appendToValue(_ byte: UInt8) {
        if isCutting { return }
        if text.count - start < kept { return text.append(byte) }
        isCutting = true
        hasCut = true
    }

    private mutating func endValue() {
        if isCutting { text.truncate(to: LongLine.boundary(text.span, start, text.count, isQuoted)) }
        isCutting = false
        isEscaped = false
        let length = text.count - start
        if length > LongLine.keptMin { values.append(Value(start: start, length: length, isQuoted: isQuoted)) }
    }

    /// The line has ended.
    /// - Parameter room: bytes that will be added to it.
    /// - Returns: whether it fits now.
    @discardableResult
    mutating func finish(reserving room: Int) -> Bool {
        if isHopeless { return false }
        endValue()
        start = text.count
        isQuoted = false
        if text.count + room > max { shrink(to: max - room) }
        return !isHopeless
    }

    /// Cuts the longest values to a common length, the greatest with which the line fits.
    private mutating func shrink(to target: Int) {
        var all = values
        let isOpen = text.count > start
        if isOpen { all.append(Value(start: start, length: text.count - start, isQuoted: isQuoted)) }
        let fixed = text.count - all.reduce(0) { $0 + $1.length }
        func size(_ kept: Int) -> Int { all.reduce(fixed) { $0 + min($1.length, kept) } }
        guard size(LongLine.keptMin) <= target else { return giveUp() }
        var (least, most) = (LongLine.keptMin, kept)
        while least < most {
            let middle = (least + most + 1) / 2
            if size(middle) <= target { least = middle } else { most = middle - 1 }
        }
        kept = least
        rebuild(all, isOpen: isOpen)
    }

    private mutating func rebuild(_ all: [Value], isOpen: Bool) {
        let old = text
        text.removeAll()
        values.removeAll()
        var copied = 0
        for (index, value) in all.enumerated() {
            text.append(old.span(copied..<value.start))
            let isLast = isOpen && index == all.count - 1
            let isCut = value.length > kept
            let end =
                isCut
                ? LongLine.boundary(old.span, value.start, value.start + kept, value.isQuoted)
                : value.start + value.length
            if isLast {
                start = text.count
                isCutting = isCutting || isCut
            } else if end - value.start > LongLine.keptMin {
                values.append(Value(start: text.count, length: end - value.start, isQuoted: value.isQuoted))
            }
            text.append(old.span(value.start..<end))
            copied = value.start + value.length
            hasCut = hasCut || isCut
        }
        text.append(old.span(copied..<old.count))
        if !isOpen { start = text.count }
    }

    private mutating func giveUp() {
        isHopeless = true
        text.truncate(to: min(text.count, LongLine.headBytes))
        values = []
    }

    /// The last place up to `limit` where neither an escape nor a character is cut in two.
    private static func boundary(_ text: Span<UInt8>, _ start: Int, _ limit: Int, _ isQuoted: Bool) -> Int {
        var place = start
        while place < limit {
            let length =
                isQuoted && text[place] == UInt8(ascii: "\\") ? escape(text, place, limit) : character(text[place])
            if place + length > limit { return place }
            place += length
        }
        return place
    }

    private static func character(_ first: UInt8) -> Int {
        switch first {
        case 0xc0..<0xe0: 2
        case 0xe0..<0xf0: 3
        case 0xf0...: 4
        default: 1
        }
    }

    /// How long an escape of JSON's or Go's is; two that make one character are one.
    private static func escape(_ text: Span<UInt8>, _ place: Int, _ limit: Int) -> Int {
        guard place + 1 < limit else { return 2 }
        switch text[place + 1] {
        case UInt8(ascii: "U"): return 10
        case UInt8(ascii: "x"), UInt8(ascii: "0")...UInt8(ascii: "7"): return 4
        case UInt8(ascii: "u"):
            guard isHalf(text, place, limit, high: true) else { return 6 }
            return place + 12 > limit || isHalf(text, place + 6, limit, high: false) ? 12 : 6
        default: return 2
        }
    }

    /// Whether `\ud8..` to `\udb..`, or `\udc..` to `\udf..`, stands there.
    private static func isHalf(_ text: Span<UInt8>, _ place: Int, _ limit: Int, high: Bool) -> Bool {
        guard place + 6 <= limit, hasPrefix(text, at: place, "\\u"), text[place + 2] | 0x20 == UInt8(ascii: "d"),
            let digit = JSONText.hexValue(text[place + 3])
        else { return false }
        return high ? 8..<12 ~= digit : digit >= 12
    }

    /// Appends a record with the mark in its `fields`.
    static func addMark(_ record: Span<UInt8>, _ fields: Range<Int>, into out: inout ByteBuffer) {
        var end = fields.upperBound - 1
        out.append(record.extracting(0..<end))
        while end > fields.lowerBound + 1, record[end - 1] <= 0x20 { end -= 1 }
        let isEmpty = end == fields.lowerBound + 1
        out.append(isEmpty ? "\"truncated\":true" : ",\"truncated\":true")
        out.append(record.extracting((fields.upperBound - 1)..<record.count))
    }
}
