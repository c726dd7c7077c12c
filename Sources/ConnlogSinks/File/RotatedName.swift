internal import ConnlogSystem

/// The names of a log file that was rotated away.
///
///     connections.jsonl
///     connections-20260115T093012.480Z.17.jsonl           the 17th that was rotated away, at that time
///     connections-20260115T093012.480Z.17.jsonl.gz        the same, compressed
///     connections-20260115T093012.480Z.17.jsonl.gz.tmp    being compressed, or left from a crash
///
/// The number makes the name unique, even for two rotations within a millisecond or with a clock that was set back,
/// and it is the order of the files. Only names of exactly this form are ever compressed or removed.
struct RotatedName: Sendable, Equatable {
    /// Before the last dot of the file's name, such as `connections`.
    let stem: String
    /// From the last dot on, such as `.jsonl`; empty when there is none.
    let suffix: String

    /// - Parameter fileName: without directory.
    init(of fileName: String) {
        guard let dot = fileName.lastIndex(of: "."), dot != fileName.startIndex else {
            stem = fileName
            suffix = ""
            return
        }
        stem = String(fileName[..<dot])
        suffix = String(fileName[dot...])
    }

    func name(at time: Nanoseconds, number: UInt64) -> String {
        "\(stem)-\(RotatedName.stamp(time)).\(number)\(suffix)"
    }

    /// What a name of exactly this form says; `nil` for all others.
    func parse(_ name: String) -> Parsed? {
        var rest = Substring(name)
        guard rest.hasPrefix(stem + "-") else { return nil }
        rest = rest.dropFirst(stem.count + 1)
        let isTemporary = rest.hasSuffix(".gz.tmp")
        if isTemporary { rest = rest.dropLast(4) }
        let isCompressed = rest.hasSuffix(".gz")
        if isCompressed { rest = rest.dropLast(3) }
        guard rest.hasSuffix(suffix) else { return nil }
        rest = rest.dropLast(suffix.count)
        guard RotatedName.isStamp(rest.prefix(20)), rest.dropFirst(20).first == "." else { return nil }
        let digits = rest.dropFirst(21)
        guard let number = UInt64(digits), String(number) == digits else { return nil }
        return Parsed(name: name, number: number, isCompressed: isCompressed, isTemporary: isTemporary)
    }

    struct Parsed: Sendable, Equatable {
        let name: String
        let number: UInt64
        let isCompressed: Bool
        let isTemporary: Bool

        /// The name before it was compressed.
        var plainName: String {
            String(name.dropLast(isTemporary ? 7 : isCompressed ? 3 : 0))
        }
    }

    /// As in `20260115T093012.480Z`.
    private static func stamp(_ time: Nanoseconds) -> String {
        let milliseconds = floorDivide(time, 1_000_000)
        let seconds = floorDivide(milliseconds, 1000)
        let day = floorDivide(seconds, 86_400)
        let second = seconds - day * 86_400
        let date = civil(day)
        let digits = [(date.year, 4), (date.month, 2), (date.day, 2)].map(padded).joined()
        let clock = [(second / 3600, 2), (second / 60 % 60, 2), (second % 60, 2)].map(padded).joined()
        return "\(digits)T\(clock).\(padded(milliseconds - seconds * 1000, 3))Z"
    }

    private static func isStamp(_ text: Substring) -> Bool {
        text.count == 20
            && zip(text.utf8, "00000000T000000.000Z".utf8).allSatisfy { byte, form in
                form == UInt8(ascii: "0") ? (0x30...0x39).contains(byte) : byte == form
            }
    }

    private static func padded(_ value: Int64, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The Gregorian date of a day counted from 1970-01-01, by the eras of 400 years that begin on 1 March.
    private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

/// The quotient rounded down, for times before 1970 too.
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
}
