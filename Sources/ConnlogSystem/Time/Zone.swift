/// A time zone of the IANA database as the machine has it: what its clocks show at any time, summer time included.
///
/// Read from /usr/share/zoneinfo and kept (`ZoneFiles`), so that a question neither reads a file nor depends on the machine's
/// own zone.
public struct Zone: Sendable, Equatable {
    /// In the IANA database, such as `Europe/Berlin`.
    public let name: String
    /// When its clocks were or will be set, in seconds since 1970, rising.
    private let changes: [Int64]
    /// Seconds ahead of UTC: before the first change, then after each.
    private let offsets: [Int64]

    /// Without summer time, and without a database.
    public static let utc = Zone(name: "UTC", changes: [], offsets: [0])

    init(name: String, changes: [Int64], offsets: [Int64]) {
        (self.name, self.changes, self.offsets) = (name, changes, offsets)
    }

    /// Why there is no such zone, for whoever named it.
    public struct Problem: Error, Sendable, CustomStringConvertible {
        /// In a sentence without its end.
        public let description: String
    }

    /// - Parameter name: such as `Europe/Berlin`; `UTC` needs no database.
    public init(named name: String) throws(Problem) {
        if name == "UTC" || name == "Z" {
            self = .utc
            return
        }
        self = try ZoneFiles.shared.zone(named: name)
    }

    /// Seconds that its clocks are ahead of UTC at a time, given in seconds since 1970.
    public func offset(at seconds: Int64) -> Int64 { offsets[changesDone(by: seconds)] }

    /// How many changes come no later than a time.
    private func changesDone(by seconds: Int64) -> Int {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The offset at the beginning of a span of seconds, and each that follows in it, with the time from which it holds.
    public func offsets(from: Int64, through: Int64) -> (first: Int64, changes: [(time: Int64, offset: Int64)]) {
        let first = changesDone(by: from)
        let last = max(first, changesDone(by: through))
        return (offsets[first], (first..<last).map { (changes[$0], offsets[$0 + 1]) })
    }

    /// The seconds since 1970 at which its clocks show a time, given as if it were UTC's. Of two the first; where clocks
    /// are put forward over it, so much later as they are.
    public func seconds(showing local: Int64) -> Int64 {
        let day: Int64 = 86_400
        let before = offset(at: max(local, .min + 2 * day) - day)
        for candidate in [before, offset(at: min(local, .max - 2 * day) + day)] where isShown(local, candidate) {
            return local - candidate
        }
        return local.subtractingReportingOverflow(before).overflow ? local : local - before
    }

    private func isShown(_ local: Int64, _ offset: Int64) -> Bool {
        let (time, overflows) = local.subtractingReportingOverflow(offset)
        return !overflows && self.offset(at: time) == offset
    }
}
