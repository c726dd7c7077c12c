#if Server
import ConnlogCore
import ConnlogSystem

/// What the clocks of a zone show, in SQL.
extension PartitionQuery {
    func piece(_ hours: HoursOfDay) -> SQLPiece {
        let minute = "(\(local(hours.zone)) % 86400 / 60)"
        if hours.start < hours.end {
            return SQLPiece("\(minute) BETWEEN ? AND ?", [.int(hours.start), .int(hours.end - 1)])
        }
        return SQLPiece("(\(minute) >= ? OR \(minute) < ?)", [.int(hours.start), .int(hours.end)])
    }

    func piece(_ days: Weekdays) -> SQLPiece {
        // 1970-01-01 was a Thursday.
        let weekday = "((\(local(days.zone)) / 86400 + 4) % 7)"
        let list = days.days.sorted().map { String($0) }.joined(separator: ",")
        return SQLPiece("\(weekday) IN (\(list))")
    }

    /// Far enough back that no date is before it, and a whole number of weeks: so division rounds down, and days of the week
    /// stay.
    private static let weeksBack: Int64 = 30_000 * 7 * 86_400

    /// The seconds that the clocks show as if they were UTC's, never negative.
    private func local(_ zone: Zone) -> String {
        "((time + \(PartitionQuery.weeksBack)000000) / 1000000 + \(offset(zone)))"
    }

    /// Seconds ahead of UTC, for the times that this partition has: numbers of the machine's own tables.
    private func offset(_ zone: Zone) -> String {
        let oldest = max(extent.oldest, from ?? extent.oldest)
        let newest = min(extent.newest, through ?? extent.newest)
        guard oldest <= newest else { return "0" }
        let seconds = { (time: Microseconds) in time.count.quotientRoundedDown(by: 1_000_000) }
        let (first, changes) = zone.offsets(from: seconds(oldest), through: seconds(newest))
        return PartitionQuery.tree(first, changes[...])
    }

    /// Which offset holds, asked as few times as there are halves.
    private static func tree(_ first: Int64, _ changes: ArraySlice<(time: Int64, offset: Int64)>) -> String {
        guard !changes.isEmpty else { return String(first) }
        let middle = changes.startIndex + changes.count / 2
        let before = tree(first, changes[..<middle])
        let after = tree(changes[middle].offset, changes[(middle + 1)...])
        return "CASE WHEN time < \(changes[middle].time)000000 THEN \(before) ELSE \(after) END"
    }
}
#endif
