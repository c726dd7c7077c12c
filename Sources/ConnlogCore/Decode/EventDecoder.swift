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
/// stores how much was consumed can go on from there exactly, but for a line that is passed over because of its
/// length, whose beginning is `restartDistance` before.
public struct EventDecoder: Sendable {
    let format: InputFormat
    let container: ContainerFormat
    let maxLine: Int

    var scanner = EventScanner()
    var fields = EventFields()
    var window = DuplicateWindow()
    var counts = DecodeCounts()
    /// Bytes consumed before the present call.
    var position = 0
    /// Bytes of a line that is too long, consumed so far; 0 when none is being passed over.
    private var passedOver = 0

    // The present call.
    var streams = [StreamState](repeating: StreamState(), count: 3)
    /// Streams that hold a part of a line or an entry that may go on.
    var pendingCount = 0
    /// What became of lines since the oldest pending one began.
    var effects: [Effect] = []
    var inputStart = 0
    /// Everything before is consumed.
    private var done = 0
    private var linesSinceDone = 0

    var converted = ByteBuffer()
    var cleaned = ByteBuffer()

    /// - Parameter maxLine: longer lines and entries are passed over; at most 256 MiB.
    public init(format: InputFormat = .auto, container: ContainerFormat = .auto, maxLine: Int = 1 << 20) {
        self.format = format
        self.container = container
        self.maxLine = min(max(maxLine, 1), 1 << 28 - 1)
    }

    /// How many bytes a source must be able to present at once: with so many, some are always consumed.
    public var inputMax: Int { 3 * maxLine + (1 << 16) }

    /// How many bytes before the consumed ones a later start must begin. Not 0 only while a line that is too long is
    /// passed over; it is then passed over again.
    public var restartDistance: Int { passedOver }

    /// Decodes the bytes of `input`, which is a part of `batch.bytes`, and adds the events to `batch`.
    ///
    /// Converted events are written behind everything that is in `batch.bytes`.
    /// - Parameter isEnd: nothing more will come, so a last line without line feed and an entry that might have gone on
    ///   count. A last line that is no whole event is left and counted as `partial`.
    /// - Returns: how many bytes of `input` are consumed.
    public mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int {
        forgetPending()
        inputStart = input.lowerBound
        done = input.lowerBound
        linesSinceDone = 0
        var at = passOver(input, batch)
        while at < input.upperBound, let end = firstIndex(of: 0x0a, in: batch.bytes.span, at..<input.upperBound) {
            line(at..<end, &batch)
            linesSinceDone += 1
            at = end + 1
            if pendingCount > 0, at - done > 2 * maxLine + (1 << 16) { giveUpPending(&batch) }
            if pendingCount == 0 { commit(at, &batch) }
        }
        if input.upperBound - at > maxLine {
            beginPassingOver(at..<input.upperBound, &batch)
        } else if isEnd {
            finish(at..<input.upperBound, &batch)
        }
        let consumed = done - input.lowerBound
        position += consumed
        counts.bytes += consumed
        return consumed
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
    public mutating func warm(_ bytes: Span<UInt8>) {
        guard let first = firstIndex(of: 0x0a, in: bytes, 0..<bytes.count) else { return }
        let saved = (counts, position, passedOver)
        var batch = EventBatch()
        batch.bytes.append(bytes.extracting((first + 1)..<bytes.count))
        _ = decode(0..<batch.bytes.count, in: &batch, isEnd: true)
        (counts, position, passedOver) = saved
        for stream in streams.indices { streams[stream].isDropping = false }
    }

    // MARK: Progress

    /// Everything before `place` is consumed, and what became of it is final.
    func isCommitted(_ place: Int) -> Bool { done >= place }

    mutating func commit(_ place: Int, _ batch: inout EventBatch) {
        if !effects.isEmpty {
            for effect in effects { apply(effect, isIndexed: false, &batch) }
            effects.removeAll(keepingCapacity: true)
        }
        counts.lines += linesSinceDone
        linesSinceDone = 0
        done = place
    }

    /// The rest of a line that is too long.
    private mutating func passOver(_ input: Range<Int>, _ batch: borrowing EventBatch) -> Int {
        guard passedOver > 0 else { return input.lowerBound }
        let end = firstIndex(of: 0x0a, in: batch.bytes.span, input)
        done = end.map { $0 + 1 } ?? input.upperBound
        passedOver = end == nil ? passedOver + input.count : 0
        return done
    }

    private mutating func beginPassingOver(_ rest: Range<Int>, _ batch: inout EventBatch) {
        giveUpPending(&batch)
        counts.tooLong += 1
        linesSinceDone += 1
        commit(rest.upperBound, &batch)
        passedOver = rest.count
    }

    /// The end of the input: the last line if it is whole, and what was pending.
    private mutating func finish(_ rest: Range<Int>, _ batch: inout EventBatch) {
        var end = rest.lowerBound
        if !rest.isEmpty {
            if lastLine(rest, &batch) {
                end = rest.upperBound
                linesSinceDone += 1
            } else {
                counts.partial += 1
            }
        }
        guard pendingCount > 0 else { return commit(end, &batch) }
        let hasRemains = finishPending(&batch)
        // Parts of a line whose last part is missing stay, unless others came after them.
        if !hasRemains || !effects.isEmpty { commit(end, &batch) }
    }
}

/// What one of the streams of a container holds back.
struct StreamState: Sendable {
    /// The parts so far of a line that the runtime has split.
    var pieces = ByteBuffer()
    var hasPieces = false
    /// The rest of a split line that is too long is passed over.
    var isDropping = false
    /// An entry that may go on, in lines without colours.
    var entry = ByteBuffer()
    var header: HumanHeader?
    var entryStart = 0

    var isPending: Bool { hasPieces || header != nil }
}

/// What became of a line.
enum Effect: Sendable {
    case event(EventFormat, Range<Int>, DuplicateWindow.Key?)
    case auditLog, other, tooLong
    case malformed(LineFault, position: Int, text: String)
}
