public import ConnlogSystem

/// Turns what coderd writes into records: slog JSON, slog human and Stackdriver lines, bare or wrapped by Docker or
/// Kubernetes, mixed as they come.
///
/// A slog JSON line becomes a record without being copied. The others are turned into the line that the JSON sink would
/// have written. Audit events, other lines and damaged ones are counted and passed over. What was decoded does not
/// depend on how the stream was cut into pieces.
///
/// Only whole entries are consumed: a line without its end, an entry of several lines that may go on, and the parts of
/// a split line before the last one stay, and are to be presented again in front of more bytes. So a source that
/// stores how much was consumed can go on from there exactly, but for a line that is too long to be presented at once,
/// whose beginning is `restartDistance` before. What is presented again is known again by its checksum and not
/// decoded again, so that an entry of many lines costs no more than its bytes, however it comes.
///
/// # Lines that are too long
///
/// Whoever sends a long header must not be able to keep an event out of the record. So the longest values of a line longer
/// than `maxLine` are cut, as little as it takes, and the record's `fields` end with `"truncated":true`. No other line is
/// changed. What is no event even so is passed over, counted and told.
///
/// # Silence and rotation
///
/// A source that has heard nothing for some seconds calls `flushPending` with what was not consumed: an entry that might
/// have gone on is then complete. A source whose file was rotated reads the old one to its end and calls `handOver`, so
/// that the decoder of the new one goes on with an open entry or a line of which parts are missing:
///
///     consumed = old.decode(rest, in: &batch, isEnd: false)
///     old.handOver(to: &new)          // before `new` decodes anything
///     // as long as `new.hasInherited`, a restart has to begin in the old file, where `consumed` ends
public struct EventDecoder: Sendable {
    let format: InputFormat
    let container: ContainerFormat
    /// Who has wrapped the lines, if the source says so.
    let wrapper: Wrapper?
    let conditions: OriginConditions
    let hasConditions: Bool
    let maxLine: Int
    /// How many lines that cannot be read are kept to be shown, until `takeCounts`.
    let samplesMax: Int

    var scanner = EventScanner()
    var fields = EventFields()
    var window = DuplicateWindow()
    var counts = DecodeCounts()
    /// Bytes consumed before the present call.
    var position = 0
    /// A line that is too long, and bytes of it consumed so far; 0 when there is none.
    var long: LongLine?
    var passedOver = 0
    /// Where that line began.
    var longStart: Int?
    /// Objects of the present line are consumed, which follow one another without a line feed.
    var isMidLine = false
    /// That line is one of an entry's block, and the entry has as much of it as it can have.
    var longIsOfBlock = false
    /// The present line or entry is one of which something was cut off.
    var isCut = false
    /// There was an entry of the human sink, so blocks may be open.
    var hasBlocks = false
    /// There was a line of a container's runtime.
    var hasWrapped = false
    /// There was a record that somebody has wrapped.
    var hasRecords = false
    var isUnwrapped: Bool { !hasWrapped && !hasRecords }
    var recordStreams = RecordStreams()
    /// The record that the present line was taken out of.
    var record: RecordContext?
    /// The present line is of an origin that is not believed.
    var isForeignLine = false
    /// The present line of a container's runtime is one of the JSON sink's and not torn.
    var isSound = false
    /// The last line of foreign text, by its number.
    var textLine = 0
    /// The number of the present line; lines that are not consumed yet count.
    var lineNumber = 0
    /// How often a whole line was looked at, for tests of what decoding costs.
    private(set) var linesLookedAt = 0

    /// Lines come as entries of systemd's export format.
    let isExport: Bool
    var export = JournalExport()
    /// Lines come as records of Splunk's CSV, if they do.
    var csv: SplunkCSV?

    var streams = [StreamState](repeating: StreamState(), count: 3)
    /// Streams that hold a part of a line or an entry that may go on.
    var pendingCount = 0
    /// What became of lines since the oldest pending one began, and the events among them.
    var effects: [Effect] = []
    var held = ByteBuffer()
    /// Lines that were decoded and are not consumed, as they lie after the consumed ones.
    private var seen = (bytes: 0, checksum: UInt32(0))
    var linesSinceDone = 0
    /// Something of what is pending came from another decoder. It stands in no bytes of this stream.
    package private(set) var hasInherited = false

    // The present call.
    var inputStart = 0
    /// Everything before is consumed.
    var done = 0

    var converted = ByteBuffer()
    var cleaned = ByteBuffer()
    var unescaped = ByteBuffer()

    /// - Parameters:
    ///   - format: how coderd, or what wraps its lines, wrote them.
    ///   - container: what a container runtime wrapped them in.
    ///   - origins: which origins of wrapped lines are believed; events of others are counted and passed over.
    ///   - maxLine: of longer lines and entries the longest values are cut; at most 256 MiB.
    ///   - samplesMax: how many lines that cannot be read are kept to be shown, until the counts are taken.
    public init(
        format: InputFormat = .auto, container: ContainerFormat = .auto,
        origins: OriginConditions = OriginConditions(), maxLine: Int = 1 << 20,
        samplesMax: Int = DecodeCounts.samplesMax
    ) {
        wrapper = Wrapper(format)
        isExport = format == .journalExport
        csv = format == .splunkCSV ? SplunkCSV() : nil
        self.format = wrapper == nil ? format : .auto
        self.container = container
        conditions = origins
        hasConditions = !origins.isEmpty
        for stream in streams.indices { streams[stream].isForeign = !origins.isEmpty }
        isForeignLine = !origins.isEmpty
        self.maxLine = min(max(maxLine, 1), 1 << 28 - 1)
        self.samplesMax = samplesMax
    }

    /// How many bytes a source must be able to present at once: with so many, some are always consumed.
    public var inputMax: Int { 3 * maxLine + (1 << 16) }

    /// So many bytes after the consumed ones, and what is pending is given up.
    var pendingMax: Int { 2 * maxLine + (1 << 16) }

    /// How many bytes before the consumed ones a later start must begin. Not 0 only while a line that is too long is
    /// being read.
    public var restartDistance: Int { isExport ? exportRestartDistance : linesRestartDistance }

    /// The same in bytes of lines.
    var linesRestartDistance: Int {
        var distance = passedOver
        for state in streams where state.isDetached { distance = max(distance, position - state.piecesStart.position) }
        return distance
    }

    /// Decodes the bytes of `input`, which is a part of `batch.bytes`, and adds the events to `batch`.
    ///
    /// Everything may be handed over at once: lines that cannot be read are among the counts' `samples` with their number.
    /// Converted events are written after everything that is in `batch.bytes`.
    /// - Parameters:
    ///   - input: begins with what was not consumed the last time.
    ///   - batch: has the bytes, and gets the events.
    ///   - isEnd: nothing more will come, so a last line without line feed and an entry that might have gone on
    ///     count. A last line that is no whole event is left and counted as `partial`.
    /// - Returns: how many bytes of `input` are consumed.
    public mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int {
        if csv != nil { return decodeCSV(input, &batch, isEnd: isEnd) { $0.decodeText($1, &$2, isEnd: isEnd) } }
        guard isExport else { return decodeText(input, &batch, isEnd: isEnd) }
        return decodeExport(input, &batch, isEnd: isEnd) { $0.decodeText($1, &$2, isEnd: isEnd) }
    }

    mutating func decodeText(_ input: Range<Int>, _ batch: inout EventBatch, isEnd: Bool) -> Int {
        var at = decodeLines(input, &batch)
        if input.upperBound - at > maxLine {
            at = takeObjects(at..<input.upperBound, &batch)
            if input.upperBound - at > maxLine { at = beginLongLine(at..<input.upperBound, &batch) }
        }
        if isEnd {
            if passedOver > 0 { endLongLine(input.upperBound, &batch) }
            finish(at..<input.upperBound, &batch)
        }
        return conclude(input, at, &batch)
    }

    /// Nothing more has come for a while, so an entry of several lines that might have gone on is complete. A line
    /// without its end stays, and so do the parts of a line whose last part is missing.
    ///
    /// - Parameters:
    ///   - input: what was not consumed the last time, and perhaps more, as `decode` takes it.
    ///   - batch: has the bytes, and gets the events.
    /// - Returns: how many bytes of `input` are consumed.
    public mutating func flushPending(_ input: Range<Int>, in batch: inout EventBatch) -> Int {
        if csv != nil { return decodeCSV(input, &batch, isEnd: false) { $0.flushText($1, &$2) } }
        guard isExport else { return flushText(input, &batch) }
        return decodeExport(input, &batch, isEnd: false) { $0.flushText($1, &$2) }
    }

    private mutating func flushText(_ input: Range<Int>, _ batch: inout EventBatch) -> Int {
        let at = decodeLines(input, &batch)
        // A line that is being written may be the entry's next.
        if at == input.upperBound, pendingCount > 0 {
            for stream in streams.indices where !streams[stream].hasPieces { finishEntry(stream, &batch) }
            if pendingCount == 0 { commit(at, &batch) }
        }
        return conclude(input, at, &batch)
    }

    /// Lets the decoder of the file that follows this one go on with what is open here: an entry that may go on, a line
    /// whose last part is missing. What was not consumed is its to report, and is not to be presented here again.
    ///
    /// - Parameter next: has decoded nothing yet.
    package mutating func handOver(to next: inout EventDecoder) {
        guard next.position == 0, next.pendingCount == 0, pendingCount > 0 else { return }
        next.streams = streams
        next.hasBlocks = hasBlocks
        next.hasWrapped = hasWrapped
        next.hasRecords = hasRecords
        next.recordStreams = recordStreams
        next.pendingCount = pendingCount
        next.effects = effects
        next.held = held
        next.hasInherited = true
        // Places in another file would mislead.
        for stream in next.streams.indices {
            next.streams[stream].entryStart = (0, 0)
            next.streams[stream].piecesStart = (0, 0)
        }
        forgetPending()
    }

    /// What was done since the last call.
    public mutating func takeCounts() -> DecodeCounts {
        let taken = counts
        counts = DecodeCounts()
        return taken
    }

    /// Learns the events of bytes that were decoded in an earlier life, so that the same events in a second format
    /// are known again. Nothing is counted.
    ///
    /// - Parameter bytes: what stands before the position where decoding goes on; it may begin inside a line.
    package mutating func warm(_ bytes: Span<UInt8>) {
        // Where an entry of the export format begins cannot be seen from its middle.
        guard !isExport, csv == nil, let first = firstIndex(of: 0x0a, in: bytes, 0..<bytes.count) else { return }
        let saved = (counts, position, lineNumber)
        var batch = EventBatch()
        batch.bytes.append(bytes.extracting((first + 1)..<bytes.count))
        _ = decode(0..<batch.bytes.count, in: &batch, isEnd: true)
        (counts, position, lineNumber) = saved
        for stream in streams.indices { streams[stream].trust() }
    }

    /// Exchanges what is known of the events seen so far: for a source whose streams have a decoder each, and may bring
    /// the same events in different formats.
    package mutating func exchangeSeen(_ seen: inout DuplicateWindow) { swap(&window, &seen) }

    // MARK: Progress

    /// All whole lines of the input but those that were seen in the last call.
    /// - Returns: the place after them.
    private mutating func decodeLines(_ input: Range<Int>, _ batch: inout EventBatch) -> Int {
        inputStart = input.lowerBound
        done = input.lowerBound
        var at = passedOver > 0 ? goOnWithLongLine(input, &batch) : resume(input, &batch)
        while at < input.upperBound, let end = firstIndex(of: 0x0a, in: batch.bytes.span, at..<input.upperBound) {
            lineNumber &+= 1
            linesLookedAt &+= 1
            line(at..<end, &batch)
            linesSinceDone += 1
            at = end + 1
            if pendingCount > 0, at - done > pendingMax { giveUpPending(&batch) }
            if pendingCount == 0 { commit(at, &batch) }
        }
        return at
    }

    /// The place after the lines that were seen in the last call.
    private mutating func resume(_ input: Range<Int>, _ batch: inout EventBatch) -> Int {
        guard seen.bytes > 0 else { return input.lowerBound }
        let place = input.lowerBound + seen.bytes
        if place <= input.upperBound,
            EventDecoder.checksum(batch.bytes.span(input.lowerBound..<place)) == seen.checksum
        {
            return place
        }
        // Other bytes than before: what was made of those is worth nothing, but for what another stream has brought.
        if hasInherited { giveUpPending(&batch) }
        forgetPending()
        return input.lowerBound
    }

    private static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
        var checksum = CRC32C()
        checksum.update(bytes)
        return checksum.value
    }

    /// - Parameter at: after the last line that was decoded.
    private mutating func conclude(_ input: Range<Int>, _ at: Int, _ batch: inout EventBatch) -> Int {
        let consumed = done - input.lowerBound
        position += consumed
        counts.bytes += consumed
        if pendingCount == 0 {
            if done < at || !effects.isEmpty { forgetPending() }
            seen = (0, 0)
        } else {
            seen = (at - done, EventDecoder.checksum(batch.bytes.span(done..<at)))
        }
        return consumed
    }

    mutating func commit(_ place: Int, _ batch: inout EventBatch) {
        if !effects.isEmpty { applyEffects(&batch) }
        counts.lines += linesSinceDone
        linesSinceDone = 0
        hasInherited = false
        done = place
    }

    /// Forgets lines that were decoded and not consumed.
    private mutating func forgetPending() {
        for stream in streams.indices where streams[stream].isPending {
            streams[stream].header = nil
            if !streams[stream].isDetached { streams[stream].dropPieces() }
        }
        pendingCount = 0
        effects.removeAll(keepingCapacity: true)
        held.removeAll()
        lineNumber -= linesSinceDone
        linesSinceDone = 0
        seen = (0, 0)
        hasInherited = false
    }

    /// The end of the input: the last line if it is whole, and what was pending.
    private mutating func finish(_ rest: Range<Int>, _ batch: inout EventBatch) {
        var end = rest.lowerBound
        if !rest.isEmpty {
            lineNumber += 1
            if lastLine(rest, &batch) {
                end = rest.upperBound
                linesSinceDone += 1
            } else {
                counts.partial += 1
                counts.keep(told(LineFault(.unfinished, at: rest.count), rest, batch), samplesMax)
                lineNumber -= 1
            }
        }
        guard pendingCount > 0 else { return commit(end, &batch) }
        let hasRemains = finishPending(&batch)
        // Parts of a line whose last part is missing stay, unless others came after them.
        if !hasRemains || !effects.isEmpty { commit(end, &batch) }
    }
}
