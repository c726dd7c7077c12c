// The one file outside ConnlogSystem that handles raw memory: the JSON scanner and the byte searches of the decoder.
// Everything in it is reached through `Span`, and no load goes outside the span, whatever the bytes are.
internal import CConnlog

#if canImport(Glibc)
    internal import Glibc
#endif

/// Checks lines of JSON strictly (RFC 8259, UTF-8) and finds the known fields of connection events.
///
/// coderd writes its keys in a fixed order, so the scanner remembers the order of the last connection event and
/// compares the key that it expects first. A wrong guess costs time, never correctness. A key that occurs twice has
/// its last value, as with most parsers. Nothing is allocated but for learning an order of keys.
public struct EventScanner: Sendable {
    /// Objects and arrays may be nested this deep; a deeper line is malformed.
    public static let depthMax = 512

    private var expected: [ExpectedKey] = []
    private var linesUntilLearning = 0

    public init() {}

    /// Checks one line and finds its known fields; clears `index` first.
    ///
    /// - Parameter line: without its line feed; blanks around the value are allowed, an empty line is `truncated`.
    public mutating func scan(_ line: Span<UInt8>, into index: inout EventIndex) -> LineKind {
        index.clear()
        guard line.count < 1 << 28 else { return .malformed(LineFault(.tooLong, at: 1 << 28)) }
        var outcome = scanOnce(line, &index, .fast)
        if outcome.mustLookAgain {
            index.clear()
            outcome = scanOnce(line, &index, .everything)
        }
        if outcome.kind == .connectionLog, outcome.misses > 3 { learn(line) }
        return outcome.kind
    }

    private mutating func learn(_ line: Span<UInt8>) {
        // A stream that changes its order with each line must not be learnt with each line.
        guard linesUntilLearning == 0 else {
            linesUntilLearning &-= 1
            return
        }
        linesUntilLearning = 64
        var index = EventIndex()
        let order = KeyOrder()
        expected = unsafe line.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return expected }
            return unsafe expected.withUnsafeBufferPointer { expected in
                var parser = unsafe LineParser(
                    base: base, count: bytes.count, expected: expected, mode: .learning, order: order)
                _ = parser.line(&index)
                return order.keys
            }
        }
    }

    private func scanOnce(_ line: Span<UInt8>, _ index: inout EventIndex, _ mode: LineParser.Mode) -> LineOutcome {
        unsafe line.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return LineOutcome(.malformed(LineFault(.truncated, at: 0))) }
            return unsafe expected.withUnsafeBufferPointer { expected in
                var parser = unsafe LineParser(base: base, count: bytes.count, expected: expected, mode: mode)
                return parser.line(&index)
            }
        }
    }
}

/// The keys of a line in their order, gathered while a line is learnt.
private final class KeyOrder {
    var keys: [ExpectedKey] = []
}

/// `"key":` as three words with masks, so that one comparison finds it.
private struct ExpectedKey: Sendable {
    /// Longer keys, quotes and colon included, are not guessed.
    static let lengthMax = 24

    var word0: UInt64 = 0
    var word1: UInt64 = 0
    var word2: UInt64 = 0
    var mask0: UInt64 = 0
    var mask1: UInt64 = 0
    var mask2: UInt64 = 0
    var length = 0
    var slot = Slot.unknown
    var inFields = false
    /// Whatever its value is, it only has to be filed under `slot`.
    var isPlain: Bool

    @unsafe init(_ key: UnsafePointer<UInt8>, length: Int, slot: UInt8, inFields: Bool) {
        self.length = length
        self.slot = slot
        self.inFields = inFields
        // In the entry an event's own keys count only if there are no `fields`, and `msg` and `fields` decide.
        isPlain = inFields ? slot < 64 : slot < Slot.of(.requestID) && slot != Slot.of(.msg) && slot != Slot.of(.fields)
        for place in 0..<length {
            let shift = UInt64(place % 8 * 8)
            let byte = unsafe UInt64(key[place]) << shift
            switch place / 8 {
            case 0: (word0, mask0) = (word0 | byte, mask0 | 0xff << shift)
            case 1: (word1, mask1) = (word1 | byte, mask1 | 0xff << shift)
            default: (word2, mask2) = (word2 | byte, mask2 | 0xff << shift)
            }
        }
    }

    /// - Parameter place: `lengthMax` readable bytes.
    @inline(__always) @unsafe func matches(_ place: UnsafePointer<UInt8>) -> Bool {
        let raw = unsafe UnsafeRawPointer(place)
        let difference0 = unsafe (raw.loadUnaligned(as: UInt64.self).littleEndian ^ word0) & mask0
        let difference1 = unsafe (raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self).littleEndian ^ word1) & mask1
        let difference2 = unsafe (raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self).littleEndian ^ word2) & mask2
        return difference0 | difference1 | difference2 == 0
    }
}

/// One pass over one line.
@safe private struct LineParser {
    enum Mode { case fast, everything, learning }
    enum Message { case none, connectionLog, auditLog, other }
    enum Level { case entry, fields }

    let base: UnsafePointer<UInt8>
    let count: Int
    let expected: UnsafeBufferPointer<ExpectedKey>
    let mode: Mode

    var at = 0
    var next = 0
    var misses = 0
    var fault: LineFault?
    /// Gets the keys in `learning`.
    let order: KeyOrder?

    var slogMessage = Message.none
    var stackdriverMessage = Message.none
    var isStackdriver = false
    var hasFields = false
    /// The message is known and is not a connection event's, so only the grammar matters.
    var isDull = false

    @unsafe init(
        base: UnsafePointer<UInt8>, count: Int, expected: UnsafeBufferPointer<ExpectedKey>, mode: Mode,
        order: KeyOrder? = nil
    ) {
        unsafe self.base = unsafe base
        self.count = count
        unsafe self.expected = unsafe expected
        self.mode = mode
        self.order = order
    }

    // MARK: The line

    mutating func line(_ index: inout EventIndex) -> LineOutcome {
        skipBlanks()
        let isObject = at < count && byte(at) == UInt8(ascii: "{")
        if isObject {
            at &+= 1
            guard members(of: .entry, &index) else { return failed() }
        } else {
            guard value(depth: 0) != nil else { return failed() }
        }
        skipBlanks()
        guard at == count else {
            _ = fail(.trailingBytes)
            return failed()
        }
        return outcome(isObject, &index)
    }

    private func outcome(_ isObject: Bool, _ index: inout EventIndex) -> LineOutcome {
        var outcome = LineOutcome(.other)
        let message: Message
        if slogMessage != .none || stackdriverMessage == .none {
            message = slogMessage
            index.shape = .slog
            if message == .connectionLog, !hasFields { return outcome }
        } else {
            message = isStackdriver ? stackdriverMessage : .none
            index.shape = .stackdriver
        }
        switch message {
        case .connectionLog: outcome.kind = .connectionLog
        case .auditLog: outcome.kind = .auditLog
        case .none, .other: outcome.kind = .other
        }
        outcome.misses = misses
        outcome.mustLookAgain = isDull && message == .connectionLog
        return outcome
    }

    private func failed() -> LineOutcome { LineOutcome(.malformed(fault ?? LineFault(.unexpectedByte, at: at))) }

    private mutating func fail(_ reason: LineFault.Reason) -> Bool {
        if fault == nil { fault = LineFault(reason, at: at) }
        return false
    }

    /// Fails at the present byte: one that has no place here, or the end of the line.
    private mutating func failHere() -> Bool { fail(at < count ? .unexpectedByte : .truncated) }

    // MARK: Objects whose keys matter

    /// The members of the entry itself or of its `fields`, from behind the brace to behind the closing one.
    private mutating func members(of level: Level, _ index: inout EventIndex) -> Bool {
        skipBlanks()
        guard at < count else { return fail(.truncated) }
        if byte(at) == UInt8(ascii: "}") {
            at &+= 1
            return true
        }
        while true {
            if mode == .fast { takeExpected(level, &index) }
            guard let slot = key(level) else { return false }
            skipBlanks()
            guard member(slot, level, &index) else { return false }
            skipBlanks()
            guard at < count else { return fail(.truncated) }
            let separator = byte(at)
            at &+= 1
            if separator == UInt8(ascii: "}") { return true }
            guard separator == UInt8(ascii: ",") else {
                at &-= 1
                return fail(.unexpectedByte)
            }
            skipBlanks()
        }
    }

    /// Takes members as long as each has the expected key, a string without escapes or null, and a comma behind it, and no
    /// blank anywhere: what coderd writes. Stands before a key, as it did; whatever is different is left to the general
    /// way, which finds it untouched.
    ///
    /// Measured: 40 % of the instructions of a line less than with one general step for each member.
    @inline(__always)
    private mutating func takeExpected(_ level: Level, _ index: inout EventIndex) {
        let isInFields = level == .fields
        var at = at
        var next = next
        while unsafe next < expected.count, at &+ ExpectedKey.lengthMax <= count {
            let guess = unsafe expected.baseAddress.unsafelyUnwrapped + next
            guard unsafe guess.pointee.isPlain, unsafe guess.pointee.inFields == isInFields,
                unsafe guess.pointee.matches(base + at)
            else { break }
            let start = unsafe at &+ guess.pointee.length
            guard start &+ 5 <= count else { break }
            if byte(start) == UInt8(ascii: "\"") {
                let text = start &+ 1
                let end = unsafe text &+ connlog_plain_string_prefix_within(base, base + text, base + count)
                guard end &+ 1 < count, byte(end) == UInt8(ascii: "\""), byte(end &+ 1) == UInt8(ascii: ",") else {
                    break
                }
                unsafe index.set(guess.pointee.slot, FieldRange(start: text, length: end &- text, kind: .string))
                at = end &+ 2
            } else {
                guard isNull(start), byte(start &+ 4) == UInt8(ascii: ",") else { break }
                unsafe index.set(guess.pointee.slot, FieldRange(start: start, length: 4, kind: .null))
                at = start &+ 5
            }
            next &+= 1
        }
        self.at = at
        self.next = next
    }

    /// - Parameter place: four readable bytes.
    @inline(__always) private func isNull(_ place: Int) -> Bool {
        // "null", its first letter in the lowest byte.
        unsafe UnsafeRawPointer(base).loadUnaligned(fromByteOffset: place, as: UInt32.self).littleEndian == 0x6c6c_756e
    }

    /// A key and its colon. `nil` is a failure.
    @inline(__always)
    private mutating func key(_ level: Level) -> UInt8? {
        if unsafe next < expected.count, at &+ ExpectedKey.lengthMax <= count {
            let isInFields = level == .fields
            let guess = unsafe expected.baseAddress.unsafelyUnwrapped + next
            if unsafe guess.pointee.inFields == isInFields, unsafe guess.pointee.matches(base + at) {
                at &+= unsafe guess.pointee.length
                next &+= 1
                return unsafe guess.pointee.slot
            }
        }
        return unexpectedKey(level)
    }

    @inline(never)
    private mutating func unexpectedKey(_ level: Level) -> UInt8? {
        guard at < count, byte(at) == UInt8(ascii: "\"") else {
            _ = failHere()
            return nil
        }
        let quote = at
        at &+= 1
        guard let hasEscapes = stringBody() else { return nil }
        let name = (quote &+ 1)..<(at &- 1)
        skipBlanks()
        guard at < count, byte(at) == UInt8(ascii: ":") else {
            _ = failHere()
            return nil
        }
        at &+= 1
        if isDull, level == .fields { return Slot.unknown }
        misses &+= 1
        let slot = hasEscapes ? slotOfEscapedKey(name, level) : slotOfKey(name, level)
        if mode == .learning {
            learn(quote, slot, level)
        } else {
            resynchronise(slot, level)
        }
        return slot
    }

    /// Notes a key for the next lines. One that cannot be guessed leaves no gap: the next key is expected in its place.
    private mutating func learn(_ quote: Int, _ slot: UInt8, _ level: Level) {
        guard let order, at &- quote <= ExpectedKey.lengthMax, order.keys.count < 128 else { return }
        order.keys.append(unsafe ExpectedKey(base + quote, length: at &- quote, slot: slot, inFields: level == .fields))
    }

    /// After a key that was not the expected one: if it stands a little further on in the order, goes on from there.
    private mutating func resynchronise(_ slot: UInt8, _ level: Level) {
        guard slot != Slot.unknown else { return }
        var place = next
        let bound = unsafe min(expected.count, next &+ 6)
        while place < bound {
            let guess = unsafe expected[place]
            if guess.slot == slot, guess.inFields == (level == .fields) {
                next = place &+ 1
                return
            }
            place &+= 1
        }
    }

    /// A value, filed under its key.
    @inline(__always)
    private mutating func member(_ slot: UInt8, _ level: Level, _ index: inout EventIndex) -> Bool {
        if slot == Slot.unknown { return value(depth: level == .entry ? 1 : 2) != nil }
        if level == .entry, slot == Slot.of(.fields) { return fieldsMember(&index) }
        guard let range = value(depth: level == .entry ? 1 : 2) else { return false }
        if level == .entry {
            entryMember(slot, range, &index)
        } else {
            index.set(slot, range)
        }
        return true
    }

    private mutating func entryMember(_ slot: UInt8, _ range: FieldRange, _ index: inout EventIndex) {
        switch slot {
        case Slot.message: stackdriverMessage = message(range)
        case Slot.stackdriver: isStackdriver = true
        case Slot.of(.msg):
            slogMessage = message(range)
            index.set(slot, range)
            isDull = isDull || (mode == .fast && slogMessage != .connectionLog)
        default:
            // Of a slog entry only what stands in `fields` belongs to the event.
            if hasFields, slot >= Slot.of(.requestID) { return }
            index.set(slot, range)
        }
    }

    private mutating func fieldsMember(_ index: inout EventIndex) -> Bool {
        let start = at
        index.clearEvent()
        hasFields = at < count && byte(at) == UInt8(ascii: "{")
        if hasFields {
            at &+= 1
            guard members(of: .fields, &index) else { return false }
            index.set(Slot.of(.fields), FieldRange(start: start, length: at &- start, kind: .object))
            return true
        }
        guard let range = value(depth: 1) else { return false }
        index.set(Slot.of(.fields), range)
        return true
    }

    private func message(_ range: FieldRange) -> Message {
        let place = range.range
        switch range.kind {
        case .string:
            if equals(place, "connection_log") { return .connectionLog }
            return equals(place, "audit_log") ? .auditLog : .other
        case .escapedString:
            let text = unescaped(place)
            if text == Array("connection_log".utf8) { return .connectionLog }
            return text == Array("audit_log".utf8) ? .auditLog : .other
        default:
            return .none
        }
    }

    // MARK: Values

    /// Any value. `nil` is a failure.
    ///
    /// - Parameter depth: how many objects and arrays are open around it.
    @inline(__always)
    private mutating func value(depth: Int) -> FieldRange? {
        guard at < count else {
            _ = fail(.truncated)
            return nil
        }
        if byte(at) == UInt8(ascii: "\"") {
            at &+= 1
            let start = at
            guard let hasEscapes = stringBody() else { return nil }
            return FieldRange(start: start, length: at &- start &- 1, kind: hasEscapes ? .escapedString : .string)
        }
        return otherValue(depth)
    }

    @inline(never)
    private mutating func otherValue(_ depth: Int) -> FieldRange? {
        let start = at
        let kind: FieldRange.Kind
        switch byte(at) {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            kind = byte(at) == UInt8(ascii: "{") ? .object : .array
            guard container(depth) else { return nil }
        default:
            guard let found = scalar() else { return nil }
            kind = found
        }
        return FieldRange(start: start, length: at &- start, kind: kind)
    }

    /// A number, `true`, `false` or `null`.
    private mutating func scalar() -> FieldRange.Kind? {
        switch byte(at) {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return number() ? .number : nil
        case UInt8(ascii: "n"):
            return literal("null") ? .null : nil
        case UInt8(ascii: "t"):
            return literal("true") ? .bool : nil
        case UInt8(ascii: "f"):
            return literal("false") ? .bool : nil
        default:
            _ = fail(.unexpectedByte)
            return nil
        }
    }

    private mutating func literal(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard at &+ length <= count else {
            // Either cut off or a different word: the first byte that differs tells.
            var place = 0
            while at &+ place < count, byte(at &+ place) == (unsafe word.utf8Start[place]) { place &+= 1 }
            return fail(at &+ place == count ? .truncated : .badLiteral)
        }
        guard unsafe memcmp(base + at, word.utf8Start, length) == 0 else { return fail(.badLiteral) }
        at &+= length
        return true
    }

    private mutating func number() -> Bool {
        if byte(at) == UInt8(ascii: "-") { at &+= 1 }
        guard at < count else { return fail(.truncated) }
        if byte(at) == UInt8(ascii: "0") {
            at &+= 1
            if at < count, isDigit(byte(at)) { return fail(.badNumber) }
        } else {
            guard digits() else { return false }
        }
        if at < count, byte(at) == UInt8(ascii: ".") {
            at &+= 1
            guard digits() else { return false }
        }
        if at < count, byte(at) | 0x20 == UInt8(ascii: "e") {
            at &+= 1
            if at < count, byte(at) == UInt8(ascii: "+") || byte(at) == UInt8(ascii: "-") { at &+= 1 }
            guard digits() else { return false }
        }
        return true
    }

    private mutating func digits() -> Bool {
        guard at < count else { return fail(.truncated) }
        guard isDigit(byte(at)) else { return fail(.badNumber) }
        repeat { at &+= 1 } while at < count && isDigit(byte(at))
        return true
    }

    /// An object or array whose keys do not matter, without recursion, so that depth costs no stack.
    private mutating func container(_ depth: Int) -> Bool {
        // A bit for each open bracket: 1 is an object.
        var kinds = InlineArray<8, UInt64>(repeating: 0)
        var open = 0
        while true {
            // Here a value begins.
            guard at < count else { return fail(.truncated) }
            let first = byte(at)
            var isComplete = true
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
                guard depth &+ open < EventScanner.depthMax else { return fail(.tooDeep) }
                let isObject = first == UInt8(ascii: "{")
                setBit(&kinds, open, isObject)
                open &+= 1
                at &+= 1
                skipBlanks()
                guard at < count else { return fail(.truncated) }
                if byte(at) == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    at &+= 1
                    open &-= 1
                } else {
                    isComplete = false
                    if isObject, !plainKey() { return false }
                }
            } else if first == UInt8(ascii: "\"") {
                at &+= 1
                guard stringBody() != nil else { return false }
            } else {
                guard scalar() != nil else { return false }
            }
            guard isComplete else { continue }
            // Here a value has ended: what closes, closes.
            while open > 0 {
                skipBlanks()
                guard at < count else { return fail(.truncated) }
                let isObject = bit(kinds, open &- 1)
                if byte(at) == UInt8(ascii: ",") {
                    at &+= 1
                    skipBlanks()
                    if isObject, !plainKey() { return false }
                    break
                }
                guard byte(at) == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    return fail(.unexpectedByte)
                }
                at &+= 1
                open &-= 1
            }
            if open == 0 { return true }
        }
    }

    /// A key, its colon and the blanks behind it.
    private mutating func plainKey() -> Bool {
        guard at < count, byte(at) == UInt8(ascii: "\"") else { return failHere() }
        at &+= 1
        guard stringBody() != nil else { return false }
        skipBlanks()
        guard at < count, byte(at) == UInt8(ascii: ":") else { return failHere() }
        at &+= 1
        skipBlanks()
        return true
    }

    private func setBit(_ bits: inout InlineArray<8, UInt64>, _ place: Int, _ isSet: Bool) {
        let mask: UInt64 = 1 << UInt64(place & 63)
        if isSet { bits[place >> 6] |= mask } else { bits[place >> 6] &= ~mask }
    }

    private func bit(_ bits: InlineArray<8, UInt64>, _ place: Int) -> Bool {
        bits[place >> 6] >> UInt64(place & 63) & 1 == 1
    }

    // MARK: Strings

    /// From behind the opening quote to behind the closing one; says whether there were escapes. `nil` is a failure.
    @inline(__always)
    private mutating func stringBody() -> Bool? {
        at &+= unsafe connlog_plain_string_prefix_within(base, base + at, base + count)
        if at < count, byte(at) == UInt8(ascii: "\"") {
            at &+= 1
            return false
        }
        return oddStringBody()
    }

    @inline(never)
    private mutating func oddStringBody() -> Bool? {
        var hasEscapes = false
        while at < count {
            let byte = byte(at)
            if byte == UInt8(ascii: "\"") {
                at &+= 1
                return hasEscapes
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                guard escape() else { return nil }
            } else if byte < 0x20 {
                _ = fail(.controlCharacter)
                return nil
            } else if byte >= 0x80 {
                guard multibyteCharacter() else { return nil }
            }
            at &+= unsafe connlog_plain_string_prefix_within(base, base + at, base + count)
        }
        _ = fail(.truncated)
        return nil
    }

    private mutating func escape() -> Bool {
        guard at &+ 1 < count else { return fail(.truncated) }
        switch byte(at &+ 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at &+= 2
            return true
        case UInt8(ascii: "u"):
            var place = 2
            while place < 6 {
                guard at &+ place < count else { return fail(.truncated) }
                guard isHexDigit(byte(at &+ place)) else { return fail(.badEscape) }
                place &+= 1
            }
            at &+= 6
            return true
        default:
            return fail(.badEscape)
        }
    }

    /// One character of 2 to 4 bytes: no overlong forms, no surrogates, nothing above U+10FFFF.
    private mutating func multibyteCharacter() -> Bool {
        let first = byte(at)
        let second = at &+ 1 < count ? byte(at &+ 1) : 0
        let length: Int
        switch first {
        case 0xc2...0xdf where isContinuation(second): length = 2
        case 0xe0 where (0xa0...0xbf).contains(second): length = 3
        case 0xed where (0x80...0x9f).contains(second): length = 3
        case 0xe1...0xec where isContinuation(second), 0xee...0xef where isContinuation(second): length = 3
        case 0xf0 where (0x90...0xbf).contains(second): length = 4
        case 0xf4 where (0x80...0x8f).contains(second): length = 4
        case 0xf1...0xf3 where isContinuation(second): length = 4
        default: return fail(.badUTF8)
        }
        guard at &+ length <= count else { return fail(.badUTF8) }
        var place = 2
        while place < length {
            guard isContinuation(byte(at &+ place)) else { return fail(.badUTF8) }
            place &+= 1
        }
        at &+= length
        return true
    }

    // MARK: Bytes

    @inline(__always) private func byte(_ place: Int) -> UInt8 { unsafe base[place] }

    @inline(__always)
    private mutating func skipBlanks() {
        // One comparison in the usual case, where no blank is.
        while at < count, byte(at) <= 0x20 {
            let blank = byte(at)
            guard blank == 0x20 || blank == 0x0a || blank == 0x0d || blank == 0x09 else { return }
            at &+= 1
        }
    }

    @inline(__always) private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    @inline(__always) private func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
    @inline(__always) private func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

    @inline(__always)
    private func equals(_ place: Range<Int>, _ text: StaticString) -> Bool {
        guard place.count == text.utf8CodeUnitCount else { return false }
        return unsafe memcmp(base + place.lowerBound, text.utf8Start, place.count) == 0
    }

    // MARK: Keys

    private func slotOfKey(_ name: Range<Int>, _ level: Level) -> UInt8 {
        if level == .entry {
            if equals(name, "message") { return Slot.message }
            if equals(name, "severity") || equals(name, "timestampSeconds") { return Slot.stackdriver }
            if let field = entryField(name) { return Slot.of(field) }
        }
        if let field = eventField(name) { return Slot.of(field) }
        return Slot.unknown
    }

    private func entryField(_ name: Range<Int>) -> Field? {
        switch name.count {
        case 2: equals(name, "ts") ? .ts : nil
        case 3: equals(name, "msg") ? .msg : nil
        case 4: equals(name, "func") ? .function : equals(name, "span") ? .span : nil
        case 5: equals(name, "level") ? .level : equals(name, "trace") ? .trace : nil
        case 6: equals(name, "fields") ? .fields : equals(name, "caller") ? .caller : nil
        case 12: equals(name, "logger_names") ? .loggerNames : nil
        default: nil
        }
    }

    private func eventField(_ name: Range<Int>) -> Field? {
        switch name.count {
        case 2:
            if equals(name, "ID") { return .id }
            return equals(name, "Ip") || equals(name, "IP") || equals(name, "ip") ? .ip : nil
        case 4: return equals(name, "Code") ? .code : equals(name, "Type") ? .type : equals(name, "Time") ? .time : nil
        case 6: return equals(name, "UserID") ? .userID : nil
        case 9: return equals(name, "UserAgent") ? .userAgent : equals(name, "AgentName") ? .agentName : nil
        case 10: return equals(name, "request_id") ? .requestID : equals(name, "SlugOrPort") ? .slugOrPort : nil
        case 11: return equals(name, "WorkspaceID") ? .workspaceID : nil
        case 12: return equals(name, "ConnectionID") ? .connectionID : nil
        case 13:
            return equals(name, "WorkspaceName") ? .workspaceName : equals(name, "AppNameOrPort") ? .appNameOrPort : nil
        case 14: return equals(name, "OrganizationID") ? .organizationID : nil
        case 15: return equals(name, "ClientSessionID") ? .clientSessionID : nil
        case 16:
            if equals(name, "WorkspaceOwnerID") { return .workspaceOwnerID }
            if equals(name, "DisconnectReason") { return .disconnectReason }
            if equals(name, "ConnectionStatus") { return .connectionStatus }
            return equals(name, "ConnectionMethod") ? .connectionMethod : nil
        default: return nil
        }
    }

    /// A key spelt with escapes means the same as one without. Rare, so it may allocate.
    private func slotOfEscapedKey(_ name: Range<Int>, _ level: Level) -> UInt8 {
        let text = unescaped(name)
        return unsafe text.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return Slot.unknown }
            let parser = unsafe LineParser(base: base, count: bytes.count, expected: expected, mode: mode)
            return parser.slotOfKey(0..<bytes.count, level)
        }
    }

    private func unescaped(_ place: Range<Int>) -> [UInt8] {
        let span = unsafe Span(_unsafeStart: base + place.lowerBound, count: place.count)
        return JSONText.unescaped(span, 0..<place.count)
    }
}

// MARK: Searches

/// The first byte of `range` that is `byte`.
func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    return unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress, !range.isEmpty else { return nil }
        let start = unsafe UnsafeRawPointer(base)
        guard let found = unsafe memchr(start + range.lowerBound, Int32(byte), range.count) else { return nil }
        return unsafe UnsafeRawPointer(found) - start
    }
}

/// Whether the bytes of `range` are `text`. Inlined, since with a length that is known it is one or two comparisons.
@inline(__always)
func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount, range.lowerBound >= 0, range.upperBound <= bytes.count else {
        return false
    }
    return unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress else { return range.isEmpty }
        return unsafe memcmp(base + range.lowerBound, text.utf8Start, range.count) == 0
    }
}

/// Whether `bytes` has `text` at `place`.
@inline(__always)
func hasPrefix(_ bytes: Span<UInt8>, at place: Int, _ text: StaticString) -> Bool {
    let end = place &+ text.utf8CodeUnitCount
    return end <= bytes.count && equal(bytes, place..<end, text)
}

/// Where `text` first stands in `range`.
func firstIndex(of text: StaticString, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    let place: Int = unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress, !range.isEmpty else { return -1 }
        return unsafe connlog_find(base + range.lowerBound, range.count, text.utf8Start, text.utf8CodeUnitCount)
    }
    return place < 0 ? nil : range.lowerBound + place
}

/// Up to 8 bytes as one word with letters in lower case, the same whether the bytes are of a long or a short range.
func lowercaseWord(_ bytes: Span<UInt8>, _ place: Int, _ count: Int) -> UInt64 {
    precondition(count >= 0 && count <= 8 && place >= 0 && place + count <= bytes.count)
    let word: UInt64 = unsafe bytes.withUnsafeBytes { memory in
        if count == 8 { return unsafe memory.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian }
        var word: UInt64 = 0
        for step in 0..<count { word |= unsafe UInt64(memory[place + step]) << UInt64(step * 8) }
        return word
    }
    return word | 0x2020_2020_2020_2020
}

/// How many bytes from `start` on stand for themselves in a JSON string: no quote, backslash, control character, and
/// nothing above ASCII.
func plainPrefix(_ bytes: [UInt8], from start: Int) -> Int {
    precondition(start >= 0 && start <= bytes.count)
    return unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress else { return 0 }
        return unsafe connlog_plain_string_prefix_within(base, base + start, base + memory.count)
    }
}
