import ConnlogCore
import ConnlogSystem

/// One file on its way through being read.
struct FollowedFile: Sendable {
    enum State: Sendable, Equatable {
        /// Its path leads to it.
        case following
        /// Renamed away or removed; read on through the open descriptor until nothing more comes.
        case leaving
        /// Not to be found. Only what is known of it is kept, should it come back.
        case missing
    }

    /// Names its checkpoint.
    let id: UInt64
    /// As the pattern led to it.
    var path: String
    var state: State
    var position: FilePosition
    /// Where a restart would begin: `position`, or the beginning of an entry that is not complete yet.
    var restart: FilePosition
    /// The checkpoint written last.
    var saved: FilePosition?
    var savedAt: Duration = .zero
    /// The checkpoint has to be written with this round, not some time later.
    var mustSave = false

    /// Open while it has been read lately.
    var file: LocalFile?
    var decoder: (any EntryDecoder)?
    /// Where in the file the decoder began.
    private var decoderStart = 0
    /// Bytes after `position.offset` that were read and make no whole entry yet.
    var pending = 0
    /// Size and time of change when its end was reached last.
    var seen: (size: Int, modified: Nanoseconds)?
    /// There are bytes to read, as far as is known.
    var hasMore = true
    /// The last line was taken although it had no end.
    var isFinal = false

    var grewAt: Duration = .zero
    /// When it is looked at next, and the wait after that.
    var nextLook: Duration = .zero
    var pause = FollowedFile.pauseMin
    /// Files that had its path before, to be read to their end first.
    var waitsFor: [UInt64] = []
    /// From a checkpoint, and not searched for yet.
    var isRestored = false
    /// The file that left before this copy of it came, and the bytes they have in common: reading goes on here where it
    /// ends there. Until then the place of this one is not known, and not stored.
    var continues: (id: UInt64, common: Int)?
    /// A copy goes on where this file ends, unless it grows beyond this size: then there is no rest to be taken.
    var superseded: Int?
    /// What its decoder had open was handed to that of the file that follows it. Nothing is read here until that one has
    /// reported it; then this one's place is after it.
    var bequest: Bequest?
    /// The file whose open entry its decoder goes on with.
    var inherits: UInt64?
    /// The file before it was asked whether it has grown.
    var hasAskedFormer = false
    /// When it had this size, what might have gone on was taken for complete.
    var flushedAt: Int?
    /// It was found empty.
    var mayBeCopy = false
    /// It has left, it is still there under another name, and it could not be read when that was tried last.
    var isUnreadable = false
    /// It was asked to finish without waiting for late writes, since descriptors are short.
    var isHurried = false

    struct Bequest: Sendable {
        let heir: UInt64
        /// After the last line that was handed over.
        let end: Int
        let markerHash: UInt64
    }

    static let pauseMin = Duration.milliseconds(16)
    static let pauseMax = Duration.milliseconds(1024)

    init(id: UInt64, path: String, position: FilePosition, state: State) {
        self.id = id
        self.path = path
        self.position = position
        self.restart = position
        self.state = state
    }

    /// Bytes of it that were read, whether or not they make whole entries.
    var seenBytes: Int { position.offset + pending }

    /// Goes on with what the decoder of another file has left open.
    mutating func adopt(_ decoder: any EntryDecoder, from former: UInt64) {
        self.decoder = decoder
        decoderStart = 0
        inherits = former
    }

    /// There may be an entry that waits for more lines, and nothing came since it was looked for.
    var mayFlush: Bool { state != .missing && pending > 0 && bequest == nil && flushedAt != seenBytes }

    /// Its place is stored, as far as it moved.
    var isSaved: Bool { !mustSave && restart.offset == saved?.offset ?? 0 }

    /// Looks again later and later, in step with the other silent files so that one wake-up serves them all.
    mutating func backOff(_ now: Duration) {
        let step = pause.milliseconds
        nextLook = .milliseconds((now.milliseconds / step + 1) * step)
        pause = min(pause * 2, FollowedFile.pauseMax)
    }

    /// Its path leads to another place now; the file is the same.
    mutating func move(to path: String, _ now: Duration) {
        self.path = path
        position.path = FileStatus.resolve(path)
        restart.path = position.path
        state = .following
        mustSave = true
        grewAt = now
    }

    /// Begins anew with the same path and another content.
    mutating func startOver(_ identity: FileIdentity) {
        position = FilePosition(path: position.path, identity: identity)
        restart = position
        decoder = nil
        pending = 0
        seen = nil
        hasMore = true
        isFinal = false
        mustSave = true
    }
}

extension FollowedFile {
    enum Look: Sendable {
        /// It was not time to look, or it is where it was, perhaps with more in it.
        case asItWas
        /// Its path leads to another file.
        case movedAway
        case unreadable
    }

    /// Asks the disk whether it has grown or gone, if it is time to.
    mutating func look(_ now: Duration) -> Look {
        guard now >= nextLook, state != .missing, !hasMore else { return .asItWas }
        do throws(SystemError) {
            let status = try state == .leaving ? leavingStatus() : FileStatus(of: path)
            if status.identity != position.identity { return .movedAway }
            let isSame = seen.map { $0.size == status.size && $0.modified == status.modified } ?? false
            hasMore = !isSame
            if isSame { backOff(now) } else { pause = FollowedFile.pauseMin }
            return .asItWas
        } catch {
            backOff(now)
            return .unreadable
        }
    }

    private func leavingStatus() throws(SystemError) -> FileStatus {
        guard let file else { return try FileStatus(of: position.path) }
        return try FileStatus(of: file)
    }

    enum ReadOutcome: Sendable, Equatable {
        /// As much was read as was asked for.
        case more
        case end
        /// What was read before is no longer there.
        case rewritten
    }

    /// What is known of the bytes to come.
    enum Reading: Sendable {
        /// There may be more at any time.
        case growing
        /// There has been no more for a while: an entry that might have gone on is a whole one.
        case silent
        /// There will be no more: an unterminated last line is a whole one too.
        case ending
    }

    /// Reads once, about `count` bytes, into the batch; checks first that the file still holds what was read of it.
    mutating func read(
        _ file: LocalFile, _ count: Int, into batch: inout EventBatch, _ scratch: inout ByteBuffer, _ reading: Reading,
        _ makeDecoder: () -> any EntryDecoder, _ counts: inout SourceCounts
    ) throws(SystemError) -> ReadOutcome {
        let status = try FileStatus(of: file)
        var checked = position
        guard try checked.checkPrefix(file, &scratch) else { return .rewritten }
        let start = batch.bytes.count
        let marker = position.markerLength
        // Room for what is there and a little more: a short line must not cost a large buffer.
        let room = max(0, status.size - position.offset - pending) + 4096
        let wanted = marker + pending + min(count, room)
        let got = try file.read(into: &batch.bytes, at: position.offset - marker, count: wanted)
        let end = start + got
        guard got >= marker, FilePosition.hash(batch.bytes.span(start..<start + marker)) == position.markerHash else {
            batch.bytes.truncate(to: start)
            return .rewritten
        }
        position = checked
        if got - marker > pending || reading != .growing {
            decode(start + marker..<end, from: start, in: &batch, reading, makeDecoder, file, &counts)
        }
        // What is not done with is read again next time; it need not travel.
        if batch.bytes.count == end { batch.bytes.truncate(to: end - pending) }
        if got == wanted { return .more }
        seen = (position.offset + pending, status.modified)
        return .end
    }

    private mutating func decode(
        _ input: Range<Int>, from start: Int, in batch: inout EventBatch, _ reading: Reading,
        _ makeDecoder: () -> any EntryDecoder, _ file: LocalFile, _ counts: inout SourceCounts
    ) {
        var decoder = self.decoder ?? warmDecoder(makeDecoder, file)
        // Held twice it would be copied, with its window of known events, when it is used.
        self.decoder = nil
        let before = batch.count
        let done =
            reading == .silent
            ? decoder.flushPending(input, in: &batch)
            : decoder.decode(input, in: &batch, isEnd: reading == .ending)
        counts.add(decoder.takeCounts(path, start: decoderStart))
        counts.bytes += done
        counts.events += batch.count - before
        let distance = decoder.restartDistance
        self.decoder = decoder
        advance(to: input.lowerBound + done, from: input.lowerBound, since: start, batch, distance)
        pending = input.count - done
        mustSave = mustSave || batch.count > before
    }

    /// `start` is where the batch begins to hold bytes of this file, the marker in front included.
    private mutating func advance(
        to end: Int, from begin: Int, since start: Int, _ batch: EventBatch, _ distance: Int
    ) {
        let base = position.offset - begin
        func note(_ position: inout FilePosition, at place: Int) {
            position.offset = base + place
            let marker = max(start, place - FilePosition.markerMax)..<place
            position.markerHash = FilePosition.hash(batch.bytes.span(marker))
        }
        note(&position, at: end)
        // An entry that began before these bytes keeps the place noted when it began.
        guard distance == 0 || end - distance >= begin else { return keepPrefix() }
        note(&restart, at: end - distance)
        keepPrefix()
    }

    private mutating func keepPrefix() {
        restart.prefixLength = position.prefixLength
        restart.prefixHash = position.prefixHash
        restart.identity = position.identity
        restart.path = position.path
        restart.isCopy = position.isCopy
    }

    /// A decoder that has seen the end of what was read before a restart.
    private mutating func warmDecoder(_ makeDecoder: () -> any EntryDecoder, _ file: LocalFile) -> any EntryDecoder {
        var decoder = makeDecoder()
        decoder.isOfFile(path)
        decoderStart = position.offset
        let length = min(position.offset, FollowedFile.warmBytes)
        guard length > 0 else { return decoder }
        var seen = ByteBuffer(capacity: length)
        // Without these bytes an event may come twice in two formats; that is no reason to stop.
        guard (try? file.read(into: &seen, at: position.offset - length, count: length)) == length else {
            return decoder
        }
        decoder.warm(seen)
        return decoder
    }

    private static let warmBytes = 64 << 10
}

extension Duration {
    /// Whole milliseconds, cut off.
    fileprivate var milliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
