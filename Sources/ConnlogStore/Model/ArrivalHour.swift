import ConnlogSystem

/// When the newest event of a row came in, by connlog's own clock: the end of that hour, in hours since 1970.
///
/// Retention goes by this, never by a date in an event, which others choose. Hours, so that the events of one connection
/// that come soon after one another do not move the row in its index.
struct ArrivalHour: Sendable, Hashable, Comparable {
    let hour: Int64

    init(hour: Int64) { self.hour = hour }

    private static let microseconds: Int64 = 3_600_000_000

    init(_ time: Microseconds) {
        let (quotient, rest) = time.count.quotientAndRemainder(dividingBy: ArrivalHour.microseconds)
        hour = rest > 0 ? quotient + 1 : quotient
    }

    /// The first that is not too old: rows of an earlier hour came in before `cutoff`.
    init(notBefore cutoff: Microseconds) {
        self.init(cutoff)
    }

    var time: Microseconds {
        let (product, overflows) = hour.multipliedReportingOverflow(by: ArrivalHour.microseconds)
        return overflows ? .latest : Microseconds(product)
    }

    /// A clock that says less was not set yet: when such a row came in is not known. 2025 began.
    static let unknownBefore = ArrivalHour(hour: 482_136)

    var isKnown: Bool { self >= ArrivalHour.unknownBefore }

    static func < (one: ArrivalHour, other: ArrivalHour) -> Bool { one.hour < other.hour }
}
