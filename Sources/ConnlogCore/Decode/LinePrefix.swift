internal import ConnlogSystem

/// What a tool has put in front of a line of coderd's: one of a closed list, with exactly the blanks that the tool writes.
///
///     [API]·                                      a development runner
///     [pod/coder-0/coder]·                        kubectl --prefix; a time may follow
///     coder-1  |·                                 docker compose; a time may follow
///     2026-09-08T01:19:09.357Z·                   --timestamps
///     Nov 29 13:24:15 host coder[812]:·           a syslog file; journalctl short, short-precise
///     2026-11-29T13:24:15.634625+00:00 host coder[812]:·    rsyslog, journalctl short-iso
///     Sun 2026-11-29 13:24:06 UTC host coder[812]:·         journalctl short-full
///     1795958646.915910 host coder[812]:·         journalctl short-unix
///     [ 4809.880142] host coder[812]:·            journalctl short-monotonic
///     <14>1 2026-… host app procid msgid -·       RFC 5424; a second blank and a byte order mark may follow
///     <14>·                                       a bare priority (without a blank), perhaps before the syslog form
///     2026-09-08T01:19:09.357Z {job="coder"}·     logcli
///
/// The list is closed and blanks alone are none of it, because coderd indents what others wrote: text of users stands in an
/// entry's block, after four blanks. Whoever takes "anything, then an entry" for an entry lets every user of coderd write
/// audit events.
struct LinePrefix {
    enum Kind: UInt8, Sendable { case none, runner, kubectl, compose, time, syslog, rfc5424, priority, logcli }

    private(set) var kind = Kind.none
    /// Words that stay the same on all lines of an entry: the name, host and tag, or labels. A process id may change.
    private(set) var origin = 0..<0
    /// Where the entry begins, or the line's end where the tool has written nothing after the prefix.
    private(set) var end: Int
    /// The prefix ends with two blanks, not with one.
    private(set) var hasSecondBlank = false

    /// The prefix that the line has from `start` on; one of kind `none` if it has none.
    init(_ bytes: Span<UInt8>, from start: Int) {
        end = start
        guard start < bytes.count, bytes[start] != UInt8(ascii: " ") else { return }
        var reader = PrefixReader(bytes, at: start)
        let found: Bool
        switch bytes[start] {
        case UInt8(ascii: "{"): found = false
        case UInt8(ascii: "["): found = bracket(&reader)
        case UInt8(ascii: "<"): found = priority(&reader)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            found = number(&reader) || reader.goBack(to: start) && compose(&reader)
        default:
            found =
                syslog(&reader) || reader.goBack(to: start) && journalFull(&reader)
                || reader.goBack(to: start) && compose(&reader)
        }
        if found {
            end = reader.at
        } else {
            kind = .none
            origin = 0..<0
        }
    }

    // MARK: The list

    private mutating func bracket(_ reader: inout PrefixReader) -> Bool {
        let start = reader.at
        reader.at += 1
        if reader.take("pod/") {
            let name = start + 1
            guard reader.word(PrefixReader.isName), reader.take("/"), reader.word(PrefixReader.isName) else {
                return false
            }
            return named(.kubectl, name..<reader.at) && reader.take("]") && reader.blank() && time(&reader)
        }
        let name = reader.at
        if reader.word(PrefixReader.isRunner), reader.take("]") {
            return named(.runner, name..<(reader.at - 1)) && reader.blank()
        }
        reader.at = name
        while reader.take(" ") {}
        guard reader.word(PrefixReader.isDigit), reader.take("."), reader.word(PrefixReader.isDigit), reader.take("]"),
            reader.blank()
        else { return false }
        return program(&reader)
    }

    private mutating func compose(_ reader: inout PrefixReader) -> Bool {
        let start = reader.at
        guard reader.word(PrefixReader.isName) else { return false }
        _ = named(.compose, start..<reader.at)
        guard reader.take(" ") else { return false }
        while reader.take(" ") {}
        return reader.take("|") && reader.blank() && time(&reader)
    }

    /// A time that may stand there.
    private func time(_ reader: inout PrefixReader) -> Bool {
        let start = reader.at
        if !(reader.time() && reader.blank()) { reader.at = start }
        return true
    }

    /// What begins with a digit: a time of one of two kinds, and what may follow it.
    private mutating func number(_ reader: inout PrefixReader) -> Bool {
        let start = reader.at
        guard reader.time() else {
            reader.at = start
            guard reader.word(PrefixReader.isDigit), reader.take("."), reader.word(PrefixReader.isDigit), reader.blank()
            else { return false }
            return program(&reader)
        }
        guard reader.blank() else { return false }
        kind = .time
        let next = reader.at
        if reader.isAtEntry { return true }
        if reader.labels() {
            return named(.logcli, next..<reader.at) && reader.blank()
        }
        reader.at = next
        if program(&reader) { return true }
        // Whatever else follows a time: no entry, but what is indented goes on with one.
        reader.at = next
        return named(.time, 0..<0)
    }

    private mutating func syslog(_ reader: inout PrefixReader) -> Bool {
        guard reader.month(), reader.take(" ") else { return false }
        let day = reader.at
        _ = reader.take(" ")
        guard reader.word(PrefixReader.isDigit), reader.at - day == 2, reader.take(" "), reader.clock(), reader.blank()
        else { return false }
        return program(&reader)
    }

    private mutating func journalFull(_ reader: inout PrefixReader) -> Bool {
        guard reader.weekday(), reader.take(" "), reader.date(), reader.take(" "), reader.clock(), reader.take(" "),
            reader.word(PrefixReader.isWord), reader.blank()
        else { return false }
        return program(&reader)
    }

    /// `host tag[pid]: `, `tag: ` and the like.
    private mutating func program(_ reader: inout PrefixReader) -> Bool {
        let start = reader.at
        guard reader.word(PrefixReader.isWord) else { return false }
        if reader.last != UInt8(ascii: ":") {
            guard reader.take(" "), reader.word(PrefixReader.isWord), reader.last == UInt8(ascii: ":") else {
                return false
            }
        }
        return named(.syslog, start..<reader.endOfTag(from: start)) && reader.blank()
    }

    private mutating func priority(_ reader: inout PrefixReader) -> Bool {
        let start = reader.at
        reader.at += 1
        guard reader.word(PrefixReader.isDigit), reader.at - start <= 4, reader.take(">") else { return false }
        let after = reader.at
        if reader.take("1 ") { return structured(&reader) }
        if syslog(&reader) { return true }
        reader.at = after
        return named(.priority, 0..<0)
    }

    /// RFC 5424 §6: what follows the version.
    private mutating func structured(_ reader: inout PrefixReader) -> Bool {
        guard reader.word(PrefixReader.isWord), reader.take(" ") else { return false }
        let start = reader.at
        guard reader.word(PrefixReader.isWord), reader.take(" "), reader.word(PrefixReader.isWord) else { return false }
        _ = named(.rfc5424, start..<reader.at)
        guard reader.take(" "), reader.word(PrefixReader.isWord), reader.take(" "), reader.word(PrefixReader.isWord),
            reader.take(" "), reader.take("-") || reader.elements(), reader.blank()
        else { return false }
        let next = reader.at
        hasSecondBlank = reader.take(" ") && !reader.take(" ")
        if !hasSecondBlank { reader.at = next }
        _ = reader.take("\u{feff}")
        return true
    }

    private mutating func named(_ kind: Kind, _ origin: Range<Int>) -> Bool {
        self.kind = kind
        self.origin = origin
        return true
    }
}

/// Goes over the words of a prefix.
private struct PrefixReader: ~Escapable {
    private let bytes: Span<UInt8>
    var at: Int
    /// No prefix is longer; a line of nothing but one word is not read to its end.
    private let end: Int
    private static let bytesMax = 1024

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, at start: Int) {
        self.bytes = bytes
        at = start
        end = min(bytes.count, start + PrefixReader.bytesMax)
    }

    /// The byte before the present one.
    var last: UInt8 { bytes[at - 1] }

    /// - Returns: `true`.
    mutating func goBack(to start: Int) -> Bool {
        at = start
        return true
    }

    var isAtEntry: Bool {
        at >= bytes.count || hasPrefix(bytes, at: at, "{\"") || hasPrefix(bytes, at: at, "    ")
            || HumanHeader.isEntry(bytes, at)
    }

    mutating func take(_ text: StaticString) -> Bool {
        guard hasPrefix(bytes, at: at, text) else { return false }
        at += text.utf8CodeUnitCount
        return true
    }

    /// The blank that ends a prefix. Tools cut it off where nothing follows.
    mutating func blank() -> Bool { at == bytes.count || take(" ") }

    /// One byte or more.
    mutating func word(_ isOfIt: (UInt8) -> Bool) -> Bool {
        let start = at
        while at < end, isOfIt(bytes[at]) { at += 1 }
        return at > start && at < end || at > start && end == bytes.count
    }

    private mutating func digits(_ count: Int) -> Bool {
        guard at + count <= end else { return false }
        for place in at..<(at + count) where !PrefixReader.isDigit(bytes[place]) { return false }
        at += count
        return true
    }

    /// `2026-11-29`
    mutating func date() -> Bool { digits(4) && take("-") && digits(2) && take("-") && digits(2) }

    /// `13:24:15` with or without a fraction.
    mutating func clock() -> Bool {
        guard digits(2), take(":"), digits(2), take(":"), digits(2) else { return false }
        return take(".") ? word(PrefixReader.isDigit) : true
    }

    /// RFC 3339; journalctl leaves the colon of the offset out.
    mutating func time() -> Bool {
        guard date(), take("T"), clock() else { return false }
        if take("Z") { return true }
        guard take("+") || take("-"), digits(2) else { return false }
        _ = take(":")
        return digits(2)
    }

    mutating func month() -> Bool {
        take("Jan") || take("Feb") || take("Mar") || take("Apr") || take("May") || take("Jun") || take("Jul")
            || take("Aug") || take("Sep") || take("Oct") || take("Nov") || take("Dec")
    }

    mutating func weekday() -> Bool {
        take("Mon") || take("Tue") || take("Wed") || take("Thu") || take("Fri") || take("Sat") || take("Sun")
    }

    /// Where a tag's name ends: before its process id or its colon.
    func endOfTag(from start: Int) -> Int {
        var end = at - 1
        guard end > start, bytes[end - 1] == UInt8(ascii: "]") else { return end }
        while end > start, bytes[end] != UInt8(ascii: "["), bytes[end] != UInt8(ascii: " ") { end -= 1 }
        return bytes[end] == UInt8(ascii: "[") ? end : at - 1
    }

    /// `{label="value", …}`
    mutating func labels() -> Bool {
        guard take("{") else { return false }
        repeat {
            guard word(PrefixReader.isLabel), take("=\""), quoted() else { return false }
        } while take(", ")
        return take("}")
    }

    /// RFC 5424 §6.3: `[id name="value" …]`, one or more.
    mutating func elements() -> Bool {
        guard hasPrefix(bytes, at: at, "[") else { return false }
        while take("[") {
            guard word(PrefixReader.isParameter) else { return false }
            while take(" ") {
                guard word(PrefixReader.isParameter), take("=\""), quoted() else { return false }
            }
            guard take("]") else { return false }
        }
        return true
    }

    /// From after a quote to after the next that no backslash precedes.
    private mutating func quoted() -> Bool {
        while at < end {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\") { at += 1 }
        }
        return false
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    static func isWord(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7f }
    static func isParameter(_ byte: UInt8) -> Bool {
        isWord(byte) && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "]") && byte != UInt8(ascii: "\"")
    }
    static func isLabel(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_")
    }
    static func isName(_ byte: UInt8) -> Bool {
        isLabel(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
    static func isRunner(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte &- 0x41 < 26 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
