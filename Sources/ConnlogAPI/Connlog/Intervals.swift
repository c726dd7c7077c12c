#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem

/// Where the buckets of a histogram begin: at times that people name, by the clocks of a zone.
///
/// Up to an hour, buckets begin at full multiples of their length after midnight and last so long, also where clocks are set;
/// longer ones begin at multiples of their hours, days at midnight, weeks on Mondays, and last an hour more or less where
/// clocks are set.
struct Intervals {
    /// In seconds, the nice ones.
    static let nice: [Int64] = [60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800]
    static let bucketsMax = 2000
    private static let bucketsUsual: Int64 = 120

    /// In seconds.
    let length: Int64
    /// The first begins at the range's beginning or before it.
    let starts: [Microseconds]

    /// - Parameters:
    ///   - length: in seconds; 0 for a nice one that makes some hundred buckets. Of another than a nice one, the first bucket
    ///     begins where the range does.
    /// - Returns: `nil` when that makes too many buckets.
    init?(_ range: Range<Microseconds>, length asked: Int64, zone: Zone) {
        let seconds = range.upperBound.since(range.lowerBound) / 1_000_000
        let usual = Intervals.nice.first { seconds / $0 <= Intervals.bucketsUsual }
        length = asked > 0 ? asked : usual ?? seconds / Intervals.bucketsUsual
        guard seconds / length <= Intervals.bucketsMax else { return nil }
        let first = range.lowerBound.count.quotientRoundedDown(by: 1_000_000)
        let last = range.upperBound.advanced(by: -1).count.quotientRoundedDown(by: 1_000_000)
        guard Intervals.nice.contains(length) else {
            let step = Microseconds.length(seconds: length)
            starts = (0...max(0, (seconds - 1) / length)).map { range.lowerBound.advanced(by: $0 * step) }
            return
        }
        var (times, time) = ([Int64](), Intervals.start(first, length, zone))
        while time <= last, times.count <= Intervals.bucketsMax + 10 {
            times.append(time)
            time = Intervals.next(time, length, zone)
        }
        starts = times.map { Microseconds($0 * 1_000_000) }
    }

    /// The beginning of the bucket that a time is in.
    private static func start(_ time: Int64, _ length: Int64, _ zone: Zone) -> Int64 {
        let offset = zone.offset(at: time)
        let local = aligned(time + offset, length)
        if length <= 3600 { return local - offset }
        let start = zone.seconds(showing: local)
        return start <= time ? start : local - offset
    }

    private static func aligned(_ local: Int64, _ length: Int64) -> Int64 {
        // 1970-01-01 was a Thursday, and weeks begin on Mondays.
        let shift: Int64 = length == 604_800 ? 3 * 86_400 : 0
        return (local + shift).quotientRoundedDown(by: length) * length - shift
    }

    private static func next(_ time: Int64, _ length: Int64, _ zone: Zone) -> Int64 {
        let (offset, later) = (zone.offset(at: time), zone.offset(at: time + length))
        if offset == later { return time + length }
        if length <= 3600 {
            // Clocks that are set by half an hour make a shorter bucket once.
            let next = aligned(time + length + later, length) - later
            return next > time ? next : time + length
        }
        let next = zone.seconds(showing: aligned(time + offset, length) + length)
        return next > time ? next : time + length
    }
}
#endif
