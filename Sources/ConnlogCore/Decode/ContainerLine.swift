internal import ConnlogSystem

/// A line as a container runtime writes it: what the program has written, which of its streams that was, and whether
/// more of the same line follows.
struct ContainerLine {
    enum Stream: Int { case plain, stdout, stderr }

    /// The number of what nobody has wrapped.
    static let plain = Stream.plain.rawValue

    /// Of a container's runtime one of `Stream`; the streams of wrapped records have the numbers after these.
    var stream: Int
    let isPartial: Bool
    /// What the program has written, without its line feed: as it stands for CRI, inside a JSON string for Docker.
    let content: Range<Int>
    let isEscaped: Bool
    /// When a CRI runtime has read it.
    let time: Nanoseconds?

    /// Kubernetes' CRI: time, stream, tags, content; the first tag is `P` for a part and `F` for a whole or last part.
    init?(cri bytes: Span<UInt8>, _ line: Range<Int>) {
        var place = line.lowerBound
        guard line.count >= 29, bytes[place] &- 0x30 < 10, bytes[place + 10] == UInt8(ascii: "T") else { return nil }
        guard bytes[place + 4] == UInt8(ascii: "-"), bytes[place + 13] == UInt8(ascii: ":") else { return nil }
        let timeEnd = min(line.upperBound, place + 40)
        while place < timeEnd, bytes[place] != UInt8(ascii: " ") { place += 1 }
        guard let time = EventTime.parse(bytes, line.lowerBound..<place) else { return nil }
        self.time = time
        if hasPrefix(bytes, at: place, " stdout ") {
            stream = Stream.stdout.rawValue
        } else if hasPrefix(bytes, at: place, " stderr ") {
            stream = Stream.stderr.rawValue
        } else {
            return nil
        }
        place += 8
        guard place < line.upperBound else { return nil }
        isPartial = bytes[place] == UInt8(ascii: "P")
        guard isPartial || bytes[place] == UInt8(ascii: "F") else { return nil }
        place += 1
        // More tags stand after colons; anything else is a line that was torn there.
        guard place == line.upperBound || bytes[place] == UInt8(ascii: " ") || bytes[place] == UInt8(ascii: ":") else {
            return nil
        }
        while place < line.upperBound, bytes[place] != UInt8(ascii: " ") { place += 1 }
        content = min(place + 1, line.upperBound)..<line.upperBound
        isEscaped = false
    }

    /// Whether Docker's json-file may have written the line that begins there, whatever the order of its members.
    static func mayBeDocker(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        // What coderd writes passes after one comparison.
        !hasPrefix(bytes, at: start, "{\"ts\":") && isOpening(bytes, start)
    }

    private static func isOpening(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        hasPrefix(bytes, at: start, "{\"log\":") || hasPrefix(bytes, at: start, "{\"stream\":")
            || hasPrefix(bytes, at: start, "{\"time\":") || hasPrefix(bytes, at: start, "{\"attrs\":")
    }

    /// Docker's json-file, whose line has been found to be JSON. A part has no line feed at its end.
    init?(docker bytes: Span<UInt8>, _ line: Range<Int>) {
        var object = line
        while !object.isEmpty, bytes[object.lowerBound] <= 0x20 { object.removeFirst() }
        while !object.isEmpty, bytes[object.upperBound - 1] <= 0x20 { object.removeLast() }
        guard object.count > 2, bytes[object.lowerBound] == UInt8(ascii: "{") else { return nil }
        var log: FieldRange?
        var stream: Stream?
        var hasTime = false
        var members = JSONMembers(bytes, object)
        while let member = members.next() {
            let isText = member.value.kind == .string || member.value.kind == .escapedString
            // An entry of coderd's own, whatever other members it has; or a record of somebody who says more of it.
            if equal(bytes, member.key, "msg") || equal(bytes, member.key, "timestampSeconds") { return nil }
            if equal(bytes, member.key, "kubernetes") || equal(bytes, member.key, "container_id")
                || equal(bytes, member.key, "_p") || equal(bytes, member.key, "logtag")
            {
                return nil
            }
            guard isText else { continue }
            if equal(bytes, member.key, "log") { log = member.value }
            if equal(bytes, member.key, "time") { hasTime = true }
            if equal(bytes, member.key, "stream") {
                stream = equal(bytes, member.value.range, "stdout") ? .stdout : .stderr
            }
        }
        guard let log, let stream, hasTime else { return nil }
        self.stream = stream.rawValue
        time = nil
        isEscaped = log.kind == .escapedString
        let end = log.range.upperBound
        let hasLineFeed = isEscaped && ContainerLine.endsWithLineFeed(bytes, log.range)
        isPartial = !hasLineFeed
        content = log.range.lowerBound..<(hasLineFeed ? end - 2 : end)
    }

    /// What a CRI runtime seems to have written there, in the middle of another line: its writer was stopped, and went on
    /// with this one. It may as well be somebody's text.
    ///
    /// - Parameter tag: of a part or of a last one, between blanks.
    static func swallowed(
        _ tag: StaticString, _ bytes: Span<UInt8>, _ content: Range<Int>, from earliest: Nanoseconds
    ) -> ContainerLine? {
        var place = content.lowerBound
        while let found = firstIndex(of: tag, in: bytes, place..<content.upperBound) {
            place = found + 1
            // ` stderr` stands before it, and before that a time of 20 to 35 bytes.
            let starts = (found - 42)..<(found - 26)
            for start in starts.clamped(to: content.lowerBound..<content.upperBound)
            where bytes[start + 10] == UInt8(ascii: "T") {
                guard let part = ContainerLine(cri: bytes, start..<content.upperBound),
                    part.content.lowerBound == found + 3, let time = part.time, time >= earliest
                else { continue }
                return part
            }
        }
        return nil
    }

    /// Whether the content begins as an entry of the JSON sink does.
    func beginsWithEntry(_ bytes: Span<UInt8>) -> Bool {
        hasPrefix(bytes, at: content.lowerBound, isEscaped ? "{\\\"ts\\\":" : "{\"ts\":")
    }

    /// Text that was taken out of a record.
    init(stream: Int, isPartial: Bool, content: Range<Int>) {
        self.stream = stream
        self.isPartial = isPartial
        self.content = content
        isEscaped = false
        time = nil
    }

    /// Whether the inside of a JSON string ends with an escaped line feed.
    static func endsWithLineFeed(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
        text.count >= 2 && hasPrefix(bytes, at: text.upperBound - 2, "\\n")
            && backslashes(bytes, text.lowerBound..<(text.upperBound - 1)) % 2 == 1
    }

    /// How many backslashes stand at the end of `range`.
    private static func backslashes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var count = 0
        while count < range.count, bytes[range.upperBound - 1 - count] == UInt8(ascii: "\\") { count += 1 }
        return count
    }
}
