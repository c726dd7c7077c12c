import ConnlogCore
import ConnlogSystem

/// Puts the lines of streams together from entries of the journal, and decodes them.
///
/// journald makes an entry of each line. It cuts lines that are longer than its `LineMax`, and lines with a NUL in them, so
/// that text which reaches coderd's log can make an entry that looks like an event to the last byte. What was cut is told
/// only by the field `_LINE_BREAK` of the entry *before*, so for each stream:
///
///     _LINE_BREAK      what follows in the stream
///     (none), eof      a new line
///     line-max         the next piece, put after this one without anything between
///     nul, unknown     the rest of the line, which is passed over to its end and counted
///     pid-change       a new line, but of this process the rest, which is passed over
///
/// A line of exactly a multiple of `LineMax` says `line-max` and has no further piece. One of the JSON sink is over when it
/// is a whole object, or when an entry is a whole one by itself: that sink escapes quotes, so no piece of a value is. For
/// lines of the human sink there is no way to know, so what follows is taken for the rest, and told. When journald has
/// dropped messages, nobody knows whether what follows in a stream is a rest, so that is passed over too.
///
/// Docker's driver splits at 16 KiB and says so with `CONTAINER_PARTIAL_MESSAGE`, newer ones with a number for each part.
///
/// Events are in the order of the entries as far as the decoders allow. Entries have ascending numbers, given by the
/// caller; what is not done keeps the checkpoint before it.
struct JournalStreams: Sendable {
    private static let streamsMax = 256

    let maxLine: Int
    let hasContainers: Bool
    private let makeDecoder: @Sendable () -> StreamDecoder
    var streams: [JournalStream] = []
    private var places: [JournalStreamID: Int] = [:]
    var interruptions = JournalInterruptions()
    /// The events seen lately, of all streams.
    private var seen = DuplicateWindow()
    var counts = SourceCounts()
    /// Messages that journald has dropped, since somebody asked.
    private var suppressed = 0
    /// The last entry that brought an event which was not handed over yet.
    private(set) var lastEvent = -1

    /// The stream whose bytes lie at the end of the batch, and where they begin.
    var run: Int?
    var runStart = 0
    var scanner = EventScanner()
    var fields = EventFields()

    init(maxLine: Int, hasContainers: Bool, makeDecoder: @escaping @Sendable () -> StreamDecoder) {
        self.maxLine = maxLine
        self.hasContainers = hasContainers
        self.makeDecoder = makeDecoder
    }

    /// Takes an entry; what it brings is in the batch after `endRun`.
    mutating func take(_ entry: borrowing JournalEntry, _ number: Int, _ now: Duration, _ batch: inout EventBatch) {
        if entry.has(.messageID), !entry.has(.containerID), isSuppressedNotice(entry) {
            return takeNotice(entry, number, &batch)
        }
        guard entry.has(.message) else { return count("no_message") }
        let stream = turn(to: JournalStreamID(entry), &batch)
        streams[stream].heardAt = now
        streams[stream].last = number
        place(entry, stream, number, &batch)
    }

    /// Decodes what has come.
    mutating func endRun(_ batch: inout EventBatch) {
        guard let stream = run else { return }
        run = nil
        decode(stream, &batch, isSilent: false)
    }

    /// Takes for complete what may go on: of streams that are silent, or of all.
    mutating func settle(_ batch: inout EventBatch, where isOver: (borrowing JournalStream) -> Bool) {
        endRun(&batch)
        for stream in streams.indices where streams[stream].oldestUndone != nil && isOver(streams[stream]) {
            beginRun(stream, &batch)
            closeOpenLine(stream, &batch)
            run = nil
            decode(stream, &batch, isSilent: true)
        }
    }

    /// The number of the first entry that is not done; `nil` if all are.
    var oldestUndone: Int? { streams.lazy.compactMap(\.oldestUndone).min() }

    /// When the first stream with something open was heard last; `nil` if none has.
    var oldestSilence: Duration? { streams.lazy.filter { $0.oldestUndone != nil }.map(\.heardAt).min() }

    /// The events so far are handed over.
    mutating func handedOver() { lastEvent = -1 }

    /// What was counted since the last call.
    mutating func takeCounts(_ place: String) -> SourceCounts {
        var taken = counts
        counts = SourceCounts()
        for stream in streams.indices {
            taken.add(streams[stream].decoder.takeCounts(place, start: 0))
        }
        return taken
    }

    /// How many messages journald says it has dropped, since the last call.
    mutating func takeSuppressed() -> Int {
        defer { suppressed = 0 }
        return suppressed
    }

    /// Streams of which the next entry is passed over, as a checkpoint has them.
    mutating func restore(_ interrupted: [JournalPosition.Interrupted], _ number: Int, _ batch: inout EventBatch) {
        endRun(&batch)
        interruptions.removeAll()
        for stream in streams.indices { streams[stream].next = .beginning }
        for what in interrupted {
            interruptions.begin(what, since: number)
            guard what.process == 0 else { continue }
            let stream = turn(to: what.stream, &batch)
            streams[stream].next = .passed(isJSON: what.isJSON, nil)
            streams[stream].isOnlyJSON = what.isJSON
        }
        endRun(&batch)
    }

    /// Forgets the events and counts of entries that were read only to know them.
    mutating func forgetRehearsal() {
        _ = takeCounts("")
        suppressed = 0
        lastEvent = -1
    }

    mutating func count(_ reason: String, _ number: Int = 1) { counts.malformed[reason, default: 0] += number }

    // MARK: Streams

    /// Makes a stream the one whose bytes lie at the end of the batch.
    private mutating func turn(to id: JournalStreamID, _ batch: inout EventBatch) -> Int {
        if let run, streams[run].id == id { return run }
        endRun(&batch)
        let stream = places[id] ?? add(id)
        beginRun(stream, &batch)
        return stream
    }

    private mutating func add(_ id: JournalStreamID) -> Int {
        if streams.count >= JournalStreams.streamsMax { forgetOldest() }
        streams.append(JournalStream(id, makeDecoder()))
        places[id] = streams.count - 1
        return streams.count - 1
    }

    /// A stream that ended says so seldom, and each start of coderd makes new ones.
    private mutating func forgetOldest() {
        let idle = streams.indices.filter { streams[$0].oldestUndone == nil }
        guard let oldest = idle.min(by: { streams[$0].last < streams[$1].last }) else { return }
        counts.add(streams[oldest].decoder.takeCounts("", start: 0))
        interruptions.forget(streams[oldest].id)
        streams.remove(at: oldest)
        places = Dictionary(uniqueKeysWithValues: streams.enumerated().map { ($1.id, $0) })
    }

    mutating func beginRun(_ stream: Int, _ batch: inout EventBatch) {
        run = stream
        runStart = batch.bytes.count
        let rest = streams[stream].rest
        batch.bytes.append(rest.span)
    }

    private mutating func decode(_ stream: Int, _ batch: inout EventBatch, isSilent: Bool) {
        let end = batch.bytes.count
        let events = batch.count
        streams[stream].decoder.exchangeSeen(&seen)
        var done = streams[stream].decoder.decode(runStart..<end, in: &batch, isEnd: false)
        if isSilent { done += streams[stream].decoder.flushPending(runStart + done..<end, in: &batch) }
        streams[stream].decoder.exchangeSeen(&seen)
        streams[stream].rest.removeAll()
        streams[stream].rest.append(batch.bytes.span(runStart + done..<end))
        if batch.bytes.count == end { batch.bytes.truncate(to: runStart + done) }
        streams[stream].consume(done)
        counts.bytes += done
        counts.events += batch.count - events
        if batch.count > events { lastEvent = max(lastEvent, streams[stream].lastDone) }
    }

    // MARK: Notices

    private func isSuppressedNotice(_ entry: borrowing JournalEntry) -> Bool {
        entry.text(.messageID) == JournalSettings.suppressedID
    }

    /// journald has dropped messages, so in each stream a piece may be missing whose rest comes next.
    private mutating func takeNotice(_ entry: borrowing JournalEntry, _ number: Int, _ batch: inout EventBatch) {
        let dropped = min(max(1, entry.text(.dropped).flatMap { Int($0) } ?? 1), 1 << 40)
        suppressed += dropped
        count("suppressed", dropped)
        endRun(&batch)
        for stream in streams.indices {
            beginRun(stream, &batch)
            abandonOpenLine(stream, &batch)
            run = nil
            decode(stream, &batch, isSilent: true)
            pass(stream, isJSON: streams[stream].isOnlyJSON, nil, since: number)
        }
    }
}
