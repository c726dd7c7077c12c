import ConnlogCore
package import ConnlogSystem

/// A point in time in microseconds since 1970, as Coder's database has times, and the one way between those and
/// nanoseconds.
///
/// Times come from whoever writes a date into an event or a question, so nothing here can overflow: what leaves the range
/// of a number becomes its end. The last half microsecond that nanoseconds can tell is rounded down, since rounded up it
/// would be none of theirs.
package struct Microseconds: Sendable, Hashable, Comparable, ExpressibleByIntegerLiteral {
    package let count: Int64

    package init(_ count: Int64) { self.count = count }
    package init(integerLiteral value: Int64) { count = value }

    private static let perNanosecond: Int64 = 1000

    /// Rounded, as Coder and PostgreSQL do.
    package init(nanoseconds: Nanoseconds) {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: Microseconds.perNanosecond)
        let rounded = rest >= 500 ? quotient + 1 : rest < -500 ? quotient - 1 : quotient
        count = min(max(rounded, Microseconds.earliest.count), Microseconds.latest.count)
    }

    /// The first and the last that are a whole number of nanoseconds too.
    package static let earliest = Microseconds(Nanoseconds.min / perNanosecond)
    package static let latest = Microseconds(Nanoseconds.max / perNanosecond)

    /// The nearest that there is.
    package var nanoseconds: Nanoseconds {
        let (product, overflows) = count.multipliedReportingOverflow(by: Microseconds.perNanosecond)
        if !overflows { return product }
        return count < 0 ? .min : .max
    }

    /// How much later it is than another time, in microseconds.
    package func since(_ other: Microseconds) -> Int64 {
        let (difference, overflows) = count.subtractingReportingOverflow(other.count)
        if !overflows { return difference }
        return count < other.count ? .min : .max
    }

    package func milliseconds(since other: Microseconds) -> Int64 { since(other) / 1000 }

    /// - Parameter microseconds: negative ones lead back.
    package func advanced(by microseconds: Int64) -> Microseconds {
        let (sum, overflows) = count.addingReportingOverflow(microseconds)
        if !overflows { return Microseconds(sum) }
        return Microseconds(microseconds < 0 ? .min : .max)
    }

    package func advanced(by duration: Duration) -> Microseconds { advanced(by: Microseconds.length(duration)) }

    /// Within the times that have a text and nanoseconds.
    package var clamped: Microseconds { min(max(self, .earliest), .latest) }

    /// RFC 3339.
    package var text: String { EventTime.text(nanoseconds) }

    package static func < (one: Microseconds, other: Microseconds) -> Bool { one.count < other.count }

    /// How many microseconds a duration has.
    package static func length(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return sum(length(seconds: seconds), attoseconds / 1_000_000_000_000)
    }

    package static func length(seconds: Int64) -> Int64 {
        let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
        if !overflows { return product }
        return seconds < 0 ? .min : .max
    }

    /// Of nanoseconds that something lasts: rounded up, or down.
    static func length(nanoseconds: Int64, isRoundedUp: Bool) -> Int64 {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: perNanosecond)
        return isRoundedUp && rest > 0 ? quotient + 1 : quotient
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflows) = one.addingReportingOverflow(other)
        if !overflows { return sum }
        return one < 0 ? .min : .max
    }
}
