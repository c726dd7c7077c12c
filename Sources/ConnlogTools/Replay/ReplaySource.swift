import ConnlogCore
import ConnlogQueue
import ConnlogSinks
import ConnlogSystem

/// The events that a replay sends: of a time range, each once, whatever still has them.
///
/// First the files of the configuration's file sinks with `format = json` (rotated, compressed, the present one), oldest
/// first, then what the queue has and the files have not: the newest events, and what the file sinks' filters left out.
/// So an event comes as long as either has it. An event is known by its id, by which receivers know it too; each id
/// takes about 40 bytes of memory.
///
/// A file that was rotated away before the range, by a day or more, is not opened. Nothing is changed, and a daemon may
/// rotate and delete meanwhile: files that are rotated during the replay are looked for again before it ends.
struct ReplaySource {
    /// What has been read.
    struct Counts: Equatable {
        var fromFiles = 0
        var fromQueue = 0
        /// Met again, and not sent again.
        var repeated = 0
        /// Of the range, but not wanted by the sink's filter.
        var filtered = 0
        /// In words, with the place: what could not be read.
        var losses: [String] = []
    }

    /// Clocks differ, and an event may be written late, but not before it happened by more than this.
    private static let slack: Nanoseconds = 86_400_000_000_000

    private let snapshot: QueueSnapshot?
    private let series: [LogFileSeries]
    private let times: TimeRange
    private let fileSystem: any FileSystem
    private var filter: (any EventFilter)?

    private var waiting: [LogFileSeries.Member] = []
    private var reader: LineReader?
    private var readNames: Set<String> = []
    private var walk: QueueWalk?
    private var clock = EventClock()
    private var seen = EventSet()
    private var one = EventBatch()
    private let codec = RecordCodec()
    private var scanner = EventScanner()
    private(set) var counts = Counts()
    private(set) var bytesDone = 0
    private(set) var bytesInAll = 0
    /// The oldest event of the range that was found.
    private(set) var oldest: Nanoseconds?

    /// - Parameters:
    ///   - snapshot: `nil` where there is no queue.
    ///   - paths: of the file sinks that keep events as they were received.
    init(
        _ snapshot: QueueSnapshot?, files paths: [String], times: TimeRange, filter: (any EventFilter)?,
        disk: any LogFileSystem = LocalFileSystem()
    ) throws(ToolError) {
        self.snapshot = snapshot
        self.times = times
        self.filter = filter
        fileSystem = disk
        series = paths.map { LogFileSeries($0, disk: disk) }
        waiting = try newFiles()
        bytesInAll = waiting.reduce(0) { $0 + $1.bytes }
        if let snapshot {
            walk = QueueWalk(snapshot)
            bytesInAll += walk?.bytesInAll ?? 0
        }
    }

    /// Bytes gone over, for a progress bar.
    var bytesSoFar: Int { bytesDone + (reader?.bytesRead ?? 0) + (reader == nil ? walk?.bytesSoFar ?? 0 : 0) }

    /// Fills `batch` up to the limits; `false` when there is nothing more.
    mutating func fill(_ batch: inout EventBatch, _ limits: BatchLimits) throws(ToolError) -> Bool {
        while batch.count < limits.events, batch.recordBytes < limits.bytes {
            guard try takeNext(&batch) else { break }
        }
        return !batch.isEmpty
    }

    private mutating func takeNext(_ batch: inout EventBatch) throws(ToolError) -> Bool {
        while true {
            let isThere = try nextOfFiles() ? true : nextOfQueue()
            guard isThere else { return false }
            guard take(&batch) else { continue }
            return true
        }
    }

    /// Decides about the record in `one`.
    private mutating func take(_ batch: inout EventBatch) -> Bool {
        // Who asked the server is sent once; a replay is of connections.
        guard !one.isEmpty, !AuditEvent.isOne(one, 0, &scanner) else { return false }
        let event = one
        let time = clock.time(of: event.record(0))
        guard times.contains(time) else { return false }
        guard seen.insert(event.record(0), clock.fields.index) else {
            counts.repeated += 1
            return false
        }
        if let time { oldest = min(oldest ?? time, time) }
        if filter?.apply(to: &one)?.isEmpty == true {
            counts.filtered += 1
            return false
        }
        if reader != nil { counts.fromFiles += 1 } else { counts.fromQueue += 1 }
        batch.append(one.record(0))
        return true
    }

    // MARK: Files

    /// Puts the next line of the files into `one`; `false` when they are at their end.
    private mutating func nextOfFiles() throws(ToolError) -> Bool {
        while true {
            if reader == nil {
                if waiting.isEmpty { waiting = try newFiles() }
                guard !waiting.isEmpty else { return false }
                open(waiting.removeFirst())
                continue
            }
            do throws(LineReaderError) {
                if try reader?.next() != nil {
                    one.removeAll()
                    if let line = reader?.line { one.append(line.span) }
                    return true
                }
            } catch {
                counts.losses.append("\(error); what is after it in this file was not read")
            }
            bytesDone += reader?.bytesRead ?? 0
            reader = nil
        }
    }

    private mutating func open(_ file: LogFileSeries.Member) {
        do throws(SystemError) {
            reader = LineReader(
                try fileSystem.open(file.path, .read), path: file.path, isCompressed: file.isCompressed)
        } catch {
            // Compressed or pruned meanwhile: then it has another name now, or is meant to be gone.
            if error.code == Errno.notFound { return }
            counts.losses.append("\(error)")
        }
        readNames.insert(ReplaySource.key(file))
    }

    /// Files of the range that were not read yet.
    private func newFiles() throws(ToolError) -> [LogFileSeries.Member] {
        var files: [LogFileSeries.Member] = []
        for series in series {
            let members: [LogFileSeries.Member]
            do throws(SystemError) { members = try series.members() } catch { throw ToolError("\(error)") }
            files += members.filter { file in
                if let rotated = file.rotated, let from = times.from, rotated < from - ReplaySource.slack {
                    return false
                }
                return !readNames.contains(ReplaySource.key(file))
            }
        }
        return files
    }

    /// A file that is compressed while the replay runs is still the same one.
    private static func key(_ file: LogFileSeries.Member) -> String {
        file.isCompressed ? String(file.path.dropLast(3)) : file.path
    }

    // MARK: Queue

    private mutating func nextOfQueue() throws(ToolError) -> Bool {
        do throws(QueueError) {
            while let step = try walk?.next() {
                switch step {
                case .event(let offset):
                    one.removeAll()
                    walk?.appendRecord(to: &one)
                    if codec.unpack(&one) { return true }
                    counts.losses.append("event \(offset) of the queue is in a form that this version does not know")
                case .damage(let damage): counts.losses.append("\(damage.place): \(damage.finding)")
                case .released, .checkpoint, .mark: continue
                }
            }
        } catch {
            throw ToolError(error)
        }
        return false
    }
}

/// Ids of events, as 128 bits of their hash.
private struct EventSet {
    private var known: Set<UInt128> = []

    /// - Returns: `false` if it is there already.
    mutating func insert(_ record: Span<UInt8>, _ index: EventIndex) -> Bool {
        // One without an id is known by all its bytes.
        let range = index.value(.id, in: record)?.range ?? record.indices
        var low: UInt64 = 0xcbf2_9ce4_8422_2325
        var high: UInt64 = 0x9e37_79b9_7f4a_7c15
        for place in range {
            low = (low ^ UInt64(record[place])) &* 0x100_0000_01b3
            high = (high ^ UInt64(record[place])) &* 0xff51_afd7_ed55_8ccd
            high ^= high >> 29
        }
        return known.insert(UInt128(high) << 64 | UInt128(low)).inserted
    }
}
