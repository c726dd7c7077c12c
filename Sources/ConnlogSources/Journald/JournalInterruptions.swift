/// Which streams are in the middle of a line that is passed over, and since which entry: a checkpoint may stand before the
/// newest entry, and has to hold what was so there.
struct JournalInterruptions: Sendable {
    private struct Interval: Sendable {
        var what: JournalPosition.Interrupted
        /// The number of the entry after which it began, and of the one with which it ended.
        var since: Int
        var until = Int.max
    }

    private var intervals: [Interval] = []

    var isEmpty: Bool { intervals.isEmpty }

    mutating func begin(_ what: JournalPosition.Interrupted, since number: Int) {
        end(what.stream, what.process, number)
        intervals.append(Interval(what: what, since: number))
    }

    mutating func end(_ stream: JournalStreamID, _ process: UInt32, _ number: Int) {
        for place in intervals.indices
        where intervals[place].until == .max && intervals[place].what.stream == stream
            && intervals[place].what.process == process
        {
            intervals[place].until = number
        }
    }

    /// Whether what a process writes to a stream is passed over.
    func contains(_ stream: JournalStreamID, _ process: UInt32) -> Bool {
        intervals.contains { $0.until == .max && $0.what.stream == stream && $0.what.process == process }
    }

    /// As of an entry.
    func asOf(_ number: Int) -> [JournalPosition.Interrupted] {
        intervals.filter { $0.since <= number && number < $0.until }.map(\.what)
    }

    /// Nobody asks for earlier entries any more.
    mutating func forget(before number: Int) {
        intervals.removeAll { $0.until <= number }
        // Streams end without a word, so the oldest make room.
        let excess = intervals.count - JournalPosition.streamsMax
        if excess > 0 { intervals.removeFirst(excess) }
    }

    mutating func forget(_ stream: JournalStreamID) { intervals.removeAll { $0.what.stream == stream } }

    mutating func removeAll() { intervals = [] }
}
