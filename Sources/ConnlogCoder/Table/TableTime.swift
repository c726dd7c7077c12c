import ConnlogCore

/// A time of Coder's table: microseconds since 1970, as its database has them.
///
/// Wider than `Nanoseconds`: a workspace's agent reports times by a clock of its own, and may put a row into any year.
package struct TableTime: Sendable, Hashable, Comparable {
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// Rounded down.
    package init(nanoseconds: Int64) {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
        microseconds = rest < 0 ? quotient - 1 : quotient
    }

    /// What lies before is not read: nothing of Coder's is as old, and a filter by the year 1 is none to Coder.
    package static let first = TableTime(microseconds: 0)
    /// The last that RFC 3339 can tell.
    package static let last = TableTime(microseconds: 253_402_300_799_999_999)

    private static let perSecond: Int64 = 1_000_000
    private static let perDay = 86_400 * perSecond

    /// Reads RFC 3339; digits after the sixth of the fraction are passed over.
    /// - Returns: `nil` if it is none, or a part is out of its range.
    package init?(_ text: String) {
        var reader = TimeReader(bytes: Array(text.utf8))
        guard let microseconds = reader.time() else { return nil }
        self.microseconds = microseconds
    }

    /// RFC 3339 in UTC, without zeros at the fraction's end. Years 0 to 9999.
    package var text: String {
        let bounded = min(max(microseconds, -62_167_219_200_000_000), TableTime.last.microseconds)
        let day = bounded >= 0 ? bounded / TableTime.perDay : -((TableTime.perDay - 1 - bounded) / TableTime.perDay)
        let date = EventTime.civil(days: day)
        let rest = bounded - day * TableTime.perDay
        let second = rest / TableTime.perSecond
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        var fraction = digits(rest % TableTime.perSecond, 6)[...]
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(digits(date.year, 4))-\(digits(Int64(date.month), 2))-\(digits(Int64(date.day), 2))"
            + "T\(digits(second / 3600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))"
            + (fraction.isEmpty ? "Z" : ".\(fraction)Z")
    }

    /// Never beyond what is read.
    package func advanced(by microseconds: Int64) -> TableTime {
        let (sum, overflows) = self.microseconds.addingReportingOverflow(microseconds)
        if overflows { return microseconds < 0 ? .first : .last }
        return TableTime(microseconds: min(max(sum, 0), TableTime.last.microseconds))
    }

    package func advanced(by duration: Duration) -> TableTime { advanced(by: TableTime.length(duration)) }

    /// How much later it is than another; both lie in what is read, or near.
    package func since(_ other: TableTime) -> Int64 { microseconds - other.microseconds }

    /// In microseconds.
    package static func length(_ duration: Duration) -> Int64 {
        duration.components.seconds * perSecond + duration.components.attoseconds / 1_000_000_000_000
    }

    package static func < (one: TableTime, other: TableTime) -> Bool { one.microseconds < other.microseconds }
}

/// Goes over the parts of a point in time.
private struct TimeReader {
    let bytes: [UInt8]
    private var at = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func number(_ count: Int) -> Int64? {
        guard at + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[at..<at + count] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        at += count
        return value
    }

    private mutating func skip(_ characters: String) -> UInt8? {
        guard at < bytes.count, characters.utf8.contains(bytes[at]) else { return nil }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func time() -> Int64? {
        guard let year = number(4), skip("-") != nil, let month = number(2), (1...12).contains(month),
            skip("-") != nil, let day = number(2), day >= 1,
            day <= EventTime.dayCount(year: year, month: Int(month)), skip("Tt ") != nil,
            let hour = number(2), hour < 24, skip(":") != nil, let minute = number(2), minute < 60,
            skip(":") != nil, let second = number(2), second <= 60, let fraction = fraction(), let offset = offset(),
            at == bytes.count
        else { return nil }
        let days = EventTime.days(.init(year: year, month: Int(month), day: Int(day)))
        return (days * 86_400 + hour * 3600 + minute * 60 + second - offset) * 1_000_000 + fraction
    }

    private mutating func fraction() -> Int64? {
        guard skip(".") != nil else { return 0 }
        var value: Int64 = 0
        var count = 0
        while let digit = number(1) {
            if count < 6 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in 0..<max(0, 6 - count) { value *= 10 }
        return value
    }

    /// In seconds.
    private mutating func offset() -> Int64? {
        guard let sign = skip("Zz+-") else { return nil }
        if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return 0 }
        guard let hour = number(2), hour < 24, skip(":") != nil, let minute = number(2), minute < 60 else { return nil }
        return (hour * 3600 + minute * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }
}
