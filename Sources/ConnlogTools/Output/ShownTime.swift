import ConnlogCore
package import ConnlogSystem

/// How times are told: each with what it is ahead of UTC, so that a copied line still says when it was.
package struct ShownTime: Sendable {
    /// For a heading.
    package let name: String
    /// Seconds that the zone is ahead of UTC at a point in time, given in seconds since 1970; `nil` for UTC.
    private let offset: (@Sendable (Int64) -> Int64)?

    package init(name: String, offset: (@Sendable (Int64) -> Int64)?) {
        self.name = name
        self.offset = offset
    }

    package init(_ zone: Zone) {
        if zone == .utc { self = .utc } else { self.init(name: zone.name) { zone.offset(at: $0) } }
    }

    package static let utc = ShownTime(name: "UTC", offset: nil)

    /// `2026-03-03 07:00:00Z`, `2026-03-03 08:00:00+01:00`.
    package func text(_ time: Nanoseconds) -> String {
        guard let offset else { return ShownTime.plain(time) + "Z" }
        let seconds = time / 1_000_000_000
        let ahead = offset(seconds)
        let (local, overflows) = time.addingReportingOverflow(ahead * 1_000_000_000)
        if overflows { return ShownTime.plain(time) + "Z" }
        let minutes = abs(ahead) / 60
        return ShownTime.plain(local) + (ahead < 0 ? "-" : "+") + ShownTime.two(minutes / 60) + ":"
            + ShownTime.two(minutes % 60)
    }

    private static func plain(_ time: Nanoseconds) -> String {
        String(EventTime.text(time).prefix(19)).replacing("T", with: " ")
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// What somebody wrote without an offset, as this zone means it; `nil` if it is no such time.
    /// - Parameter text: `2026-03-03`, `2026-03-03T07:00:00`.
    package func time(_ text: String) -> Nanoseconds? {
        guard let naive = EventTime.parse(text + "Z") ?? EventTime.parse(text + "T00:00:00Z") else { return nil }
        guard let offset else { return naive }
        // Where the clock goes back the first of two such times, where it goes forward the one after the gap.
        let seconds = naive / 1_000_000_000
        let candidates = [seconds - 86_400, seconds + 86_400].map { naive - offset($0) * 1_000_000_000 }
        let fitting = candidates.filter { $0 + offset($0 / 1_000_000_000) * 1_000_000_000 == naive }
        return fitting.min() ?? candidates.max()
    }
}
