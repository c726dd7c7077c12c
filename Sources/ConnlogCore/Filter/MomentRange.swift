package import ConnlogSystem

/// From one moment through another one, either of which may be missing; both count.
///
///     2026-03-03..2026-03-05    2026-03-03T14:00..2026-03-03T16:00    -7d..-1d    2026-03-03..    -24h
///
/// A date is all of that day. Dates and times without an offset are those of a zone's clocks. One time alone is that moment;
/// `-24h` alone is all since then.
package struct MomentRange: Sendable, Equatable {
    package let from: Nanoseconds?
    package let through: Nanoseconds?
    private let fromAgo: Nanoseconds?
    private let throughAgo: Nanoseconds?

    package init(from: Nanoseconds?, through: Nanoseconds?) {
        self.init(from: from, through: through, fromAgo: nil, throughAgo: nil)
    }

    private init(from: Nanoseconds?, through: Nanoseconds?, fromAgo: Nanoseconds?, throughAgo: Nanoseconds?) {
        (self.from, self.through, self.fromAgo, self.throughAgo) = (from, through, fromAgo, throughAgo)
    }

    /// `nil` for what is none, has neither end, or ends before it begins.
    init?(_ text: String, _ now: Nanoseconds, _ zone: Zone) {
        guard let dots = text.firstRange(of: "..") else {
            if let ago = FilterValue.ago(text) {
                self.init(from: MomentRange.time(ago, now), through: nil, fromAgo: ago, throughAgo: nil)
                return
            }
            guard let time = WrittenTime(text, zone) else { return nil }
            self.init(from: time.first, through: time.last)
            return
        }
        let (head, tail) = (text[..<dots.lowerBound], text[dots.upperBound...])
        guard !head.isEmpty || !tail.isEmpty else { return nil }
        let (fromAgo, throughAgo) = (FilterValue.ago(head), FilterValue.ago(tail))
        let from = fromAgo.map { MomentRange.time($0, now) } ?? WrittenTime(String(head), zone)?.first
        let through = throughAgo.map { MomentRange.time($0, now) } ?? WrittenTime(String(tail), zone)?.last
        guard (from == nil) == head.isEmpty, (through == nil) == tail.isEmpty else { return nil }
        if let from, let through, from > through { return nil }
        self.init(from: from, through: through, fromAgo: fromAgo, throughAgo: throughAgo)
    }

    private static func time(_ ago: Nanoseconds, _ now: Nanoseconds) -> Nanoseconds {
        let (time, overflows) = now.subtractingReportingOverflow(ago)
        return overflows ? .min : time
    }

    var isMoving: Bool { fromAgo != nil || throughAgo != nil }

    /// The same as of another now.
    func moved(_ now: Nanoseconds) -> MomentRange {
        MomentRange(
            from: fromAgo.map { MomentRange.time($0, now) } ?? from,
            through: throughAgo.map { MomentRange.time($0, now) } ?? through, fromAgo: fromAgo, throughAgo: throughAgo)
    }

    package func contains(_ time: Nanoseconds) -> Bool {
        (from.map { $0 <= time } ?? true) && (through.map { time <= $0 } ?? true)
    }
}

/// A time as people write it, and how long it is meant to be: a date is a day, a minute all of it.
struct WrittenTime {
    let first: Nanoseconds
    let last: Nanoseconds

    /// RFC 3339; a date; date and time without an offset, by a zone's clocks, with or without seconds. In any case of
    /// letters. `nil` for anything else.
    init?(_ text: String, _ zone: Zone) {
        let upper = text.uppercased()
        if let time = EventTime.parse(upper) {
            (first, last) = (time, time)
            return
        }
        let isDate = upper.utf8.count == 10
        let isMinute = upper.utf8.count == 16
        let whole = isDate ? upper + "T00:00:00Z" : isMinute ? upper + ":00Z" : upper + "Z"
        guard let local = EventTime.parse(whole), let start = WrittenTime.shown(local, zone) else { return nil }
        first = start
        guard isDate || isMinute else {
            last = start
            return
        }
        let (next, overflows) = local.addingReportingOverflow((isDate ? 86_400 : 60) * 1_000_000_000)
        guard !overflows, let end = WrittenTime.shown(next, zone) else {
            last = start
            return
        }
        // The last that a store, which goes by microseconds, can tell from the next one's first.
        last = max(start, end - 1000)
    }

    /// When a zone's clocks show what would be this time in UTC.
    private static func shown(_ local: Nanoseconds, _ zone: Zone) -> Nanoseconds? {
        let seconds = local.quotientRoundedDown(by: 1_000_000_000)
        let (rest, time) = (local - seconds * 1_000_000_000, zone.seconds(showing: seconds))
        let (scaled, overflows) = time.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = scaled.addingReportingOverflow(rest)
        return overflows || overflowsToo ? nil : sum
    }
}
