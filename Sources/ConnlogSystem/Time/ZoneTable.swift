/// The table of one zone as RFC 9636 has it (TZif): the times at which clocks are set, and after the last of them the rule
/// of the footer, year by year.
struct ZoneTable {
    private(set) var changes: [Int64] = []
    private(set) var offsets: [Int64] = []

    /// Times in nanoseconds end in 2262, so no rule is followed further.
    private static let lastYear: Int64 = 2262
    private static let countMax = 4096

    /// `nil` for what is no such table.
    init?(_ bytes: [UInt8]) {
        guard let old = Header(bytes, at: 0), old.version >= UInt8(ascii: "2") else { return nil }
        let second = Header.length + old.length(timeBytes: 4)
        guard let header = Header(bytes, at: second), header.isGood(countMax: ZoneTable.countMax) else { return nil }
        let start = second + Header.length
        let end = start + header.length(timeBytes: 8)
        guard end <= bytes.count else { return nil }
        let kinds = start + header.times * 8
        let offsetsStart = kinds + header.times
        let all = (0..<header.types).map { ZoneTable.number(bytes, offsetsStart + $0 * 6, 4) }
        guard all.allSatisfy({ abs($0) <= 26 * 3600 }) else { return nil }
        offsets = [all[0]]
        for index in 0..<header.times {
            let (time, kind) = (ZoneTable.number(bytes, start + index * 8, 8), Int(bytes[kinds + index]))
            guard kind < all.count, changes.last.map({ $0 < time }) ?? true else { return nil }
            changes.append(time)
            offsets.append(all[kind])
        }
        follow(ZoneRule(Array(bytes[end...])))
    }

    private mutating func follow(_ rule: ZoneRule?) {
        // Without summer time what holds after the last change holds for ever.
        guard let rule, rule.summer != nil else { return }
        let newest = changes.last ?? .min
        let firstYear = max(1970, (changes.last ?? 0) / 31_556_952 + 1970 - 1)
        guard firstYear <= ZoneTable.lastYear else { return }
        for year in firstYear...ZoneTable.lastYear {
            for change in rule.changes(in: year) where change.time > max(newest, changes.last ?? .min) {
                changes.append(change.time)
                offsets.append(change.offset)
            }
        }
    }

    /// A number of so many bytes, the highest first, with a sign.
    fileprivate static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int64 {
        let value = bytes[place..<place + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return count == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }

    private struct Header {
        static let length = 44
        let version: UInt8
        private let counts: [Int]

        init?(_ bytes: [UInt8], at start: Int) {
            guard start >= 0, bytes.count - start >= Header.length else { return nil }
            guard Array(bytes[start..<start + 4]) == Array("TZif".utf8) else { return nil }
            version = bytes[start + 4]
            counts = (0..<6).map { Int(ZoneTable.number(bytes, start + 20 + $0 * 4, 4)) }
            guard counts.allSatisfy({ (0...(1 << 20)).contains($0) }) else { return nil }
        }

        var times: Int { counts[3] }
        var types: Int { counts[4] }

        func isGood(countMax: Int) -> Bool { types > 0 && types <= 256 && times <= countMax }

        /// Of what follows, by how many bytes a time takes.
        func length(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + types * 6 + counts[5] + counts[2] * (timeBytes + 4) + counts[1] + counts[0]
        }
    }
}

/// The rule of a zone's footer, as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule {
    /// Seconds ahead of UTC.
    let standard: Int64
    let summer: Summer?

    struct Summer {
        let offset: Int64
        let start: Moment
        let end: Moment
    }

    /// A moment of each year, by the clocks as they stand before it.
    struct Moment {
        var day: Day
        /// Of the day; may be before or after it.
        var seconds: Int64 = 7200
    }

    enum Day {
        /// Month, week (5: the last) and weekday (0: Sunday).
        case weekday(month: Int, week: Int, day: Int64)
        /// From 1 to 365; 29 February is never counted.
        case julian(Int64)
        /// From 0 to 365.
        case ofYear(Int64)
    }

    /// - Parameter footer: with its line feeds.
    init?(_ footer: [UInt8]) {
        var reader = ZoneRuleReader(text: footer.filter { $0 != 0x0a })
        guard reader.name(), let standard = reader.offset() else { return nil }
        self.standard = -standard
        guard !reader.isAtEnd else {
            summer = nil
            return
        }
        guard reader.name() else { return nil }
        let offset = reader.isAt(",") ? self.standard + 3600 : reader.offset().map { -$0 }
        guard let offset, reader.skip(","), let start = reader.moment(), reader.skip(","), let end = reader.moment(),
            reader.isAtEnd
        else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    /// When clocks are set in a year, in order.
    func changes(in year: Int64) -> [(time: Int64, offset: Int64)] {
        guard let summer else { return [] }
        let changes = [
            (ZoneRule.seconds(summer.start, year) - standard, summer.offset),
            (ZoneRule.seconds(summer.end, year) - summer.offset, standard),
        ]
        return changes.sorted { $0.0 < $1.0 }.map { (time: $0.0, offset: $0.1) }
    }

    private static func seconds(_ moment: Moment, _ year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let first = daysBefore(year)
        let days =
            switch moment.day {
            case .julian(let day): first + day - 1 + (isLeap && day > 59 ? 1 : 0)
            case .ofYear(let day): first + day
            case .weekday(let month, let week, let weekday): weekdays(first, isLeap, month, week, weekday)
            }
        return days * 86_400 + moment.seconds
    }

    /// Days from 1970-01-01 to a year's first.
    private static func daysBefore(_ year: Int64) -> Int64 {
        let past = year - 1
        return 365 * year + past / 4 - past / 100 + past / 400 - 719_527
    }

    private static func weekdays(_ first: Int64, _ isLeap: Bool, _ month: Int, _ week: Int, _ weekday: Int64) -> Int64 {
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let start = first + lengths.prefix(month - 1).reduce(0, +)
        // 1970-01-01 was a Thursday.
        let startsOn = ((start + 4) % 7 + 7) % 7
        var day = (weekday - startsOn + 7) % 7 + Int64(week - 1) * 7
        while day >= lengths[month - 1] { day -= 7 }
        return start + day
    }
}

/// Goes over the text of a rule.
private struct ZoneRuleReader {
    let text: [UInt8]
    var at = 0

    var isAtEnd: Bool { at == text.count }
    func isAt(_ character: Unicode.Scalar) -> Bool { at < text.count && UInt32(text[at]) == character.value }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard isAt(character) else { return false }
        at += 1
        return true
    }

    /// `CET`, `<+0330>`.
    mutating func name() -> Bool {
        let start = at
        if skip("<") {
            while !isAtEnd, !isAt(">") { at += 1 }
            return skip(">")
        }
        while !isAtEnd, text[at] | 0x20 >= 0x61, text[at] | 0x20 <= 0x7a { at += 1 }
        return at > start
    }

    /// `-1`, `3:30`, `+05:45:00`, in seconds.
    mutating func offset() -> Int64? {
        let isNegative = skip("-")
        if !isNegative { _ = skip("+") }
        guard let hours = number(), hours <= 167 else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] as [Int64] where skip(":") {
            guard let value = number(), value < 60 else { return nil }
            seconds += value * unit
        }
        return isNegative ? -seconds : seconds
    }

    mutating func moment() -> ZoneRule.Moment? {
        guard let day = day() else { return nil }
        var moment = ZoneRule.Moment(day: day)
        guard skip("/") else { return moment }
        guard let seconds = offset() else { return nil }
        moment.seconds = seconds
        return moment
    }

    private mutating func day() -> ZoneRule.Day? {
        if skip("J") { return number().flatMap { (1...365).contains($0) ? .julian($0) : nil } }
        guard skip("M") else { return number().flatMap { $0 <= 365 ? .ofYear($0) : nil } }
        guard let month = number(), (1...12).contains(month), skip("."), let week = number(), (1...5).contains(week),
            skip("."), let day = number(), day <= 6
        else { return nil }
        return .weekday(month: Int(month), week: Int(week), day: day)
    }

    private mutating func number() -> Int64? {
        let start = at
        var value: Int64 = 0
        while !isAtEnd, text[at] &- 0x30 < 10, at - start < 4 {
            value = value * 10 + Int64(text[at] &- 0x30)
            at += 1
        }
        return at > start ? value : nil
    }
}
