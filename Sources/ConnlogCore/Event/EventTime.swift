public import ConnlogSystem

/// Points in time as text: RFC 3339 and the form of Go's `String`, to and from nanoseconds.
public enum EventTime {
    /// The longest text that the functions here write.
    package static let textMax = 32

    private static let nanosecondsPerSecond: Int64 = 1_000_000_000
    private static let secondsPerDay: Int64 = 86_400

    /// Reads `2025-07-03T05:09:41.929840747Z`, the same with an offset, or Go's
    /// `2025-07-03 06:57:16.144719 +0000 UTC`, also with ` m=+0.1` after it.
    ///
    /// Digits of the fraction after the ninth are passed over.
    /// - Returns: `nil` if it is neither, if a part is out of its range, or before 1678 or after 2261.
    package static func parse(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Nanoseconds? {
        if let usual = UsualTime(bytes, range) { return usual.time }
        return parseByParts(bytes, range)
    }

    /// The same, slowly.
    static func parseByParts(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Nanoseconds? {
        var reader = Reader(at: range.lowerBound, end: range.upperBound)
        guard let seconds = reader.dateAndTime(bytes), let fraction = reader.fraction(bytes) else { return nil }
        guard let offset = reader.offset(bytes), reader.isAtEnd else { return nil }
        return sum(seconds - offset, fraction)
    }

    /// Writes what `parse` and then `write` with six digits would, if the text is as coderd writes it; else nothing.
    ///
    /// Copying the digits spares the way over nanoseconds and the calendar back: measured, 600 instructions of a message.
    /// - Returns: whether it was written.
    static func copyMicroseconds(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) -> Bool {
        guard let usual = UsualTime(bytes, range), usual.isInRange else { return false }
        let start = range.lowerBound
        writer.append(bytes.extracting(start..<start + UsualTime.secondsLength))
        writer.append(UInt8(ascii: "."))
        let kept = min(usual.digits, 6)
        if kept > 0 {
            writer.append(
                bytes.extracting(start + UsualTime.secondsLength + 1..<start + UsualTime.secondsLength + 1 + kept))
        }
        for _ in kept..<6 { writer.append(UInt8(ascii: "0")) }
        writer.append(UInt8(ascii: "Z"))
        return true
    }

    /// Whether a time is written as `write` would write it, so that it can be copied.
    package static func isShortest(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let usual = UsualTime(bytes, range), usual.isInRange else { return false }
        return usual.digits == 0 || bytes[range.upperBound - 2] != UInt8(ascii: "0")
    }

    /// For people and tests.
    package static func parse(_ text: String) -> Nanoseconds? {
        let bytes = Array(text.utf8)
        return parse(bytes.span, 0..<bytes.count)
    }

    /// Reads `2025-07-03 06:57:16.157`, taken to be UTC.
    static func parseLocal(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Nanoseconds? {
        var reader = Reader(at: range.lowerBound, end: range.upperBound)
        guard let seconds = reader.dateAndTime(bytes), let fraction = reader.fraction(bytes), reader.isAtEnd else {
            return nil
        }
        return sum(seconds, fraction)
    }

    static func sum(_ seconds: Int64, _ fraction: Int64) -> Nanoseconds? {
        let (scaled, overflows) = seconds.multipliedReportingOverflow(by: nanosecondsPerSecond)
        let (total, overflowsToo) = scaled.addingReportingOverflow(fraction)
        return overflows || overflowsToo ? nil : total
    }

    /// How many digits of the fraction are written.
    public enum Fraction: Sendable {
        /// Up to 9 without trailing zeros, none for a whole second: as Go's `RFC3339Nano`.
        case shortest
        /// Exactly so many (0 to 9), what is after them cut off.
        case digits(Int)
    }

    /// Writes RFC 3339 in UTC, at most `textMax` bytes.
    package static func write(_ time: Nanoseconds, _ fraction: Fraction = .shortest, into writer: inout ByteWriter) {
        let nanoseconds = writeSeconds(time, separator: UInt8(ascii: "T"), into: &writer)
        write(nanoseconds, fraction, into: &writer)
        writer.append(UInt8(ascii: "Z"))
    }

    /// Writes the timestamp of slog's human lines, `2006-01-02 15:04:05.000` in UTC, milliseconds cut off.
    package static func writeHuman(_ time: Nanoseconds, into writer: inout ByteWriter) {
        let nanoseconds = writeSeconds(time, separator: UInt8(ascii: " "), into: &writer)
        write(nanoseconds, .digits(3), into: &writer)
    }

    /// RFC 3339 in UTC.
    public static func text(_ time: Nanoseconds, _ fraction: Fraction = .shortest) -> String {
        var buffer = ByteBuffer()
        buffer.withWriter(reserving: textMax) { write(time, fraction, into: &$0) }
        return buffer.text
    }

    /// Writes date and time to the second; returns the nanoseconds that are left.
    private static func writeSeconds(_ time: Nanoseconds, separator: UInt8, into writer: inout ByteWriter) -> UInt64 {
        let (seconds, nanoseconds) = floorDivide(time, nanosecondsPerSecond)
        let (days, secondOfDay) = floorDivide(seconds, secondsPerDay)
        let date = civil(days: days)
        writer.appendDecimal(UInt64(truncatingIfNeeded: date.year), digits: 4)
        writer.append(UInt8(ascii: "-"))
        writer.appendDecimal(UInt64(date.month), digits: 2)
        writer.append(UInt8(ascii: "-"))
        writer.appendDecimal(UInt64(date.day), digits: 2)
        writer.append(separator)
        let second = UInt64(secondOfDay)
        writer.appendDecimal(second / 3600, digits: 2)
        writer.append(UInt8(ascii: ":"))
        writer.appendDecimal(second / 60 % 60, digits: 2)
        writer.append(UInt8(ascii: ":"))
        writer.appendDecimal(second % 60, digits: 2)
        return UInt64(nanoseconds)
    }

    private static func write(_ nanoseconds: UInt64, _ fraction: Fraction, into writer: inout ByteWriter) {
        var digits = 9
        var value = nanoseconds
        switch fraction {
        case .shortest:
            if value == 0 { return }
            while value % 10 == 0 { (value, digits) = (value / 10, digits - 1) }
        case .digits(let wanted):
            let kept = min(max(wanted, 0), 9)
            if kept == 0 { return }
            while digits > kept { (value, digits) = (value / 10, digits - 1) }
        }
        writer.append(UInt8(ascii: "."))
        writer.appendDecimal(value, digits: digits)
    }

    // MARK: The calendar

    /// A day of the Gregorian calendar, extended backwards.
    package struct CivilDate: Sendable, Equatable {
        package var year: Int64
        package var month: Int
        package var day: Int

        package init(year: Int64, month: Int, day: Int) {
            self.year = year
            self.month = month
            self.day = day
        }
    }

    /// The date that is so many days after 1970-01-01.
    ///
    /// Years are counted from March, so that the leap day is a year's last, in eras of 400 years (146097 days).
    package static func civil(days: Int64) -> CivilDate {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return CivilDate(year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: Int(month), day: Int(day))
    }

    /// Days from 1970-01-01 to a date, whose month and day are taken to be valid.
    package static func days(_ date: CivilDate) -> Int64 {
        let (era, yearOfEra) = floorDivide(date.month <= 2 ? date.year - 1 : date.year, 400)
        let monthFromMarch = Int64(date.month > 2 ? date.month - 3 : date.month + 9)
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(date.day) - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// How many days a month has.
    package static func dayCount(year: Int64, month: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Quotient rounded down, remainder never negative.
    @inline(__always)
    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Goes over the parts of a point in time.
private struct Reader {
    var at: Int
    let end: Int

    /// Seconds since 1970 as if in UTC.
    mutating func dateAndTime(_ bytes: Span<UInt8>) -> Int64? {
        guard end - at >= 19 else { return nil }
        guard let year = number(bytes, 4), skip(bytes, "-"), let month = number(bytes, 2), skip(bytes, "-"),
            let day = number(bytes, 2)
        else { return nil }
        let separator = bytes[at]
        guard separator == UInt8(ascii: "T") || separator == UInt8(ascii: "t") || separator == UInt8(ascii: " ") else {
            return nil
        }
        at += 1
        guard let hour = number(bytes, 2), skip(bytes, ":"), let minute = number(bytes, 2), skip(bytes, ":"),
            let second = number(bytes, 2)
        else { return nil }
        guard 1...12 ~= month, 1...EventTime.dayCount(year: Int64(year), month: month) ~= day else { return nil }
        guard hour < 24, minute < 60, second < 60 else { return nil }
        let days = EventTime.days(.init(year: Int64(year), month: month, day: day))
        return days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Nanoseconds; 0 without a fraction.
    mutating func fraction(_ bytes: Span<UInt8>) -> Int64? {
        guard skip(bytes, ".") else { return 0 }
        var value: Int64 = 0
        var digits = 0
        while at < end, let digit = digit(bytes[at]) {
            if digits < 9 { value = value * 10 + Int64(digit) }
            digits += 1
            at += 1
        }
        guard digits > 0 else { return nil }
        for _ in min(digits, 9)..<9 { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    mutating func offset(_ bytes: Span<UInt8>) -> Int64? {
        if skip(bytes, "Z") || skip(bytes, "z") { return 0 }
        let hasBlank = skip(bytes, " ")
        let isWest = skip(bytes, "-")
        guard isWest || skip(bytes, "+"), let hours = number(bytes, 2) else { return nil }
        guard hasBlank || skip(bytes, ":") else { return nil }
        guard let minutes = number(bytes, 2), hours < 24, minutes < 60 else { return nil }
        if hasBlank {
            // After Go's offset stands the zone's name and perhaps the monotonic clock, which say nothing more.
            guard at < end, bytes[at] == UInt8(ascii: " ") else { return nil }
            at = end
        }
        let seconds = Int64(hours * 3600 + minutes * 60)
        return isWest ? -seconds : seconds
    }

    var isAtEnd: Bool { at == end }

    private mutating func number(_ bytes: Span<UInt8>, _ digits: Int) -> Int? {
        guard at + digits <= end else { return nil }
        var value = 0
        for _ in 0..<digits {
            guard let digit = digit(bytes[at]) else { return nil }
            value = value * 10 + Int(digit)
            at += 1
        }
        return value
    }

    @inline(__always)
    private mutating func skip(_ bytes: Span<UInt8>, _ character: Unicode.Scalar) -> Bool {
        guard at < end, bytes[at] == UInt8(truncatingIfNeeded: character.value) else { return false }
        at += 1
        return true
    }

    @inline(__always)
    private func digit(_ byte: UInt8) -> UInt8? {
        let value = byte &- 0x30
        return value < 10 ? value : nil
    }
}
