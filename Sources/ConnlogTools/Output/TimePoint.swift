import ConnlogCore
package import ConnlogSystem

/// A point in time, or in the queue, as people write it on a command line.
///
///     2026-03-03T07:00:00Z      RFC 3339, with any offset
///     2026-03-03                midnight UTC
///     -24h                      so long before now; s, m, h, d or w
///     now
///     4711                      where offsets are allowed: the event with this number
package enum TimePoint: Sendable, Equatable {
    case time(Nanoseconds)
    case offset(UInt64)

    package static let help = "RFC 3339, a date, -24h (s, m, h, d, w), or now"

    package static func time(_ text: String, now: Nanoseconds) -> Nanoseconds? {
        if text == "now" { return now }
        if let time = EventTime.parse(text) ?? EventTime.parse(text + "T00:00:00Z") { return time }
        return before(text, now)
    }

    /// - Parameter allowsOffset: a number alone is an offset.
    package static func parse(_ text: String, now: Nanoseconds, allowsOffset: Bool) -> TimePoint? {
        if allowsOffset, let offset = UInt64(text) { return .offset(offset) }
        return time(text, now: now).map { .time($0) }
    }

    private static func before(_ text: String, _ now: Nanoseconds) -> Nanoseconds? {
        guard text.hasPrefix("-"), let length = DurationRange.length(text.dropFirst()) else { return nil }
        let (time, overflows) = now.subtractingReportingOverflow(length)
        return overflows ? nil : time
    }
}

/// From a time on and before another, either of them open.
package struct TimeRange: Sendable, Equatable {
    package var from: Nanoseconds?
    package var to: Nanoseconds?

    package init(from: Nanoseconds? = nil, to: Nanoseconds? = nil) {
        self.from = from
        self.to = to
    }

    package var isEverything: Bool { from == nil && to == nil }

    /// An event that tells no time is in the range of all times only.
    package func contains(_ time: Nanoseconds?) -> Bool {
        guard let time else { return isEverything }
        return time >= from ?? .min && (to.map { time < $0 } ?? true)
    }
}

/// Finds out when events happened.
struct EventClock {
    private var scanner = EventScanner()
    private(set) var fields = EventFields()

    /// When it happened, or when coderd wrote it; `nil` if it tells neither or is no event.
    mutating func time(of record: Span<UInt8>) -> Nanoseconds? {
        guard scanner.scan(record, into: &fields) == .connectionLog else { return nil }
        return fields.index.time(in: record) ?? fields.index.entryTime(in: record)
    }
}
