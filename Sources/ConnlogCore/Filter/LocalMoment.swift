package import ConnlogSystem

/// Times of day, by the clocks of a zone: from one minute up to another one, over midnight too.
package struct HoursOfDay: Sendable, Equatable {
    /// In minutes since midnight: the first that counts, and the first that no longer does. 1440 ends the day.
    package let start: Int
    package let end: Int
    package let zone: Zone

    /// `08-18`, `22-06`, `08:30-17:15`, `8` for the hour that begins then; `nil` for anything else.
    init?(_ text: String, _ zone: Zone) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(HoursOfDay.minutes)
        guard parts.count <= 2, let start = parts[0], start < 1440 else { return nil }
        guard parts.count == 2 else {
            guard !text.contains(":") else { return nil }
            self.init(start: start, end: start + 60, zone: zone)
            return
        }
        guard let end = parts[1], end != start else { return nil }
        self.init(start: start, end: end, zone: zone)
    }

    private init(start: Int, end: Int, zone: Zone) { (self.start, self.end, self.zone) = (start, end, zone) }

    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) && $0.utf8.allSatisfy(isDigit) }),
            let hours = Int(parts[0]), let minutes = parts.count == 2 ? Int(parts[1]) : 0, minutes < 60
        else { return nil }
        let all = hours * 60 + minutes
        return all <= 1440 ? all : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    package func contains(_ time: Nanoseconds) -> Bool {
        let minute = Int(LocalMoment(time, zone).second / 60)
        return start < end ? start <= minute && minute < end : start <= minute || minute < end
    }
}

/// Days of the week, by the clocks of a zone.
package struct Weekdays: Sendable, Equatable {
    /// 0 is Sunday.
    package let days: Set<Int>
    package let zone: Zone

    private static let names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

    /// `sat,sun`, `mon-fri`, `saturday`; `nil` for anything else.
    init?(_ text: String, _ zone: Zone) {
        var days: Set<Int> = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(Weekdays.day)
            guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            for step in 0...(last - first + 7) % 7 { days.insert((first + step) % 7) }
        }
        guard !days.isEmpty else { return nil }
        (self.days, self.zone) = (days, zone)
    }

    private static func day(_ text: Substring) -> Int? {
        text.utf8.count < 3 ? nil : names.firstIndex { $0.hasPrefix(text) }
    }

    package func contains(_ time: Nanoseconds) -> Bool { days.contains(LocalMoment(time, zone).weekday) }
}

/// What the clocks of a zone show at a time.
struct LocalMoment {
    /// Of the day.
    let second: Int64
    /// 0 is Sunday.
    let weekday: Int

    init(_ time: Nanoseconds, _ zone: Zone) {
        let seconds = time.quotientRoundedDown(by: 1_000_000_000)
        let local = seconds + zone.offset(at: seconds)
        let day = local.quotientRoundedDown(by: 86_400)
        second = local - day * 86_400
        // 1970-01-01 was a Thursday.
        weekday = Int(((day + 4) % 7 + 7) % 7)
    }
}

extension Int64 {
    package func quotientRoundedDown(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
