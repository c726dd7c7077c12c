internal import CConnlog
internal import ConnlogSystem

/// A point in time as coderd writes it: `2025-07-03T05:09:41.929840747Z`, up to nine digits after the point or no point.
///
/// Measured: a third of the instructions of `Reader`, which goes over every part on its own.
struct UsualTime {
    /// `2025-07-03T05:09:41`.
    static let secondsLength = 19

    /// How many digits the fraction has.
    let digits: Int
    private let parts: connlog_time_parts

    init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var parts = connlog_time_parts()
        let text = bytes.extracting(range)
        let isUsual = unsafe text.withUnsafeBufferPointer { memory in
            guard let base = memory.baseAddress else { return false }
            return unsafe connlog_read_time(&parts, base, memory.count) != 0
        }
        guard isUsual, parts.hour < 24, parts.minute < 60, parts.second < 60, 1...12 ~= parts.month, parts.day >= 1,
            parts.day <= 28 || parts.day <= EventTime.dayCount(year: parts.year, month: Int(parts.month))
        else { return nil }
        digits = Int(parts.digits)
        self.parts = parts
    }

    /// `nil` if it is before 1678 or after 2261.
    var time: Nanoseconds? {
        let days = EventTime.days(.init(year: parts.year, month: Int(parts.month), day: Int(parts.day)))
        let second = Int64(parts.hour) * 3600 + Int64(parts.minute) * 60 + Int64(parts.second)
        return EventTime.sum(days &* 86_400 &+ second, parts.fraction)
    }

    /// Whether `time` is there. Only in the first and the last year does it take the whole way to know.
    var isInRange: Bool { 1678..<2262 ~= parts.year || time != nil }
}
