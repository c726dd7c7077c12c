#if canImport(Glibc)
internal import Glibc
#endif

/// One pass over one line, in raw memory.
///
/// Invariant: `0 <= at <= count`, and whoever loads `n` bytes at `at` has seen that `at + n <= count`. `base` is read from
/// 0 to `count` only, and only while the span it was made from lives: a parser never leaves `EventScanner`.
@safe struct LineParser {
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

    mutating func line(_ index: inout EventFields) -> LineOutcome {
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

    func outcome(_ isObject: Bool, _ index: inout EventFields) -> LineOutcome {
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

    func failed() -> LineOutcome { LineOutcome(.malformed(fault ?? LineFault(.unexpectedByte, at: at))) }

    mutating func fail(_ reason: LineFault.Reason) -> Bool {
        if fault == nil { fault = LineFault(reason, at: at) }
        return false
    }

    /// Fails at the present byte: one that has no place here, or the end of the line.
    mutating func failHere() -> Bool { fail(at < count ? .unexpectedByte : .truncated) }

    // MARK: Bytes

    @inline(__always) func byte(_ place: Int) -> UInt8 { unsafe base[place] }

    @inline(__always)
    mutating func skipBlanks() {
        // One comparison in the usual case, where no blank is.
        while at < count, byte(at) <= 0x20 {
            let blank = byte(at)
            guard blank == 0x20 || blank == 0x0a || blank == 0x0d || blank == 0x09 else { return }
            at &+= 1
        }
    }

    @inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    @inline(__always) func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
    @inline(__always) func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

    @inline(__always)
    func equals(_ place: Range<Int>, _ text: StaticString) -> Bool {
        guard place.count == text.utf8CodeUnitCount else { return false }
        return unsafe memcmp(base + place.lowerBound, text.utf8Start, place.count) == 0
    }
}
