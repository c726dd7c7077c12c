package import ConnlogCore
import ConnlogSystem

/// When an agent's connection without an end is open, and when it is lost, as of when a question was asked.
///
/// Open was heard of within a day; lost has not been for longer than `lost_after`; in between nobody can say: unconfirmed.
package struct StateBounds: Sendable, Equatable {
    /// Heard of since then: open.
    let openSince: Microseconds
    /// Not heard of since then: lost.
    let lostBefore: Microseconds

    /// All are ongoing, whatever their age and the time.
    package static let none = StateBounds(openSince: .earliest, lostBefore: .earliest, openLength: .max)

    private init(openSince: Microseconds, lostBefore: Microseconds, openLength: Int64) {
        (self.openSince, self.lostBefore, self.openLength) = (openSince, lostBefore, openLength)
    }

    private static let day = Duration.seconds(86_400)

    /// - Parameter lostAfter: `nil`: none is ever lost.
    package init(now: Microseconds, lostAfter: Duration?) {
        let length = min(lostAfter ?? StateBounds.day, StateBounds.day)
        self.init(
            openSince: now.advanced(by: .zero - length),
            lostBefore: lostAfter.map { now.advanced(by: .zero - $0) } ?? .earliest,
            openLength: Microseconds.length(length))
    }

    /// For how long a connection without an end is open after it was heard of, in microseconds.
    let openLength: Int64

    /// What a connection is; `nil` for those of the web, which have no length.
    package func state(_ row: ConnectionRow) -> FilterStatus? {
        if row.type.isWeb { return nil }
        if row.session.disconnect != nil { return row.isStartUnknown ? .startUnknown : .completed }
        if self == .none { return .ongoing }
        if row.heardOf < lostBefore { return .lost }
        return row.heardOf < openSince ? .unconfirmed : .open
    }
}

extension ConnectionRow {
    /// Only the end was seen: when it began, and so how long it lasted, is not known.
    package var isStartUnknown: Bool { !type.isWeb && session.disconnect == session.connect }
}
