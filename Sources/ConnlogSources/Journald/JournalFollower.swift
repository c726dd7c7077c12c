package import ConnlogCore
import ConnlogSystem

/// Follows a journal, one step at a time.
///
/// Promises: every entry that matches is taken once, in the journal's order, over restarts, rotation, vacuuming, a journal in
/// memory that is written to disk, and one that begins anew, as long as journald has it. What it does not have any more
/// is told with the time that is missing. `JournalPosition` is what is remembered.
///
/// Belongs to one thread, as the library's journal does. `poll` neither waits nor reads a clock.
package struct JournalFollower {
    /// What one call of `poll` brought.
    package struct Round: Sendable {
        /// To be stored with the batch.
        package var checkpoints: [Checkpoint] = []
        /// Something goes on that began before events of the batch, so it stays where it is until the next round.
        package var isHeld = false
        /// There is more to be read at once.
        package var hasMore = false
        /// How long nothing needs to be looked at, if nothing changes.
        package var wait: Duration = .zero
        /// With `once`: all is read.
        package var isDone = false
    }

    /// Names the checkpoint.
    package static let key: CheckpointKey = "journal"
    /// So many entries before the place where reading goes on are read once more, only to know them.
    static let rehearsed = 256
    /// So many entries in one call.
    private static let entriesMax = 20_000
    /// After files came or went the journal is opened anew once, since the library drops a file that it meets in the middle of
    /// a rotation (systemd #40053), and one that it finds an error in, without a word.
    private static let reopenAfter = Duration.seconds(1)
    /// So often a journal that cannot be opened, or in which nothing can be read, is tried again.
    private static let retryEvery = Duration.seconds(5)

    let settings: JournalSettings
    let log: LogFunction
    var complaints: Complaints
    var journal: Journal?
    var entry = JournalEntry()
    var streams: JournalStreams
    var counts = SourceCounts()

    /// What was stored when the source began.
    let stored: JournalPosition?
    /// After the last entry that is done.
    var position: JournalPosition
    /// After the last entry that was read; for opening the journal anew.
    var readUpTo: JournalPosition
    /// Of the entries that were read and are not done, or not stored.
    private var cursors: [JournalCursor] = []
    /// The number of the first of them.
    private var firstNumber = 0
    /// The number of the next entry.
    var number = 0
    private var saved: JournalPosition?
    var mustSave = false
    private var savedAt = Duration.zero
    private var bytesSinceSaved = 0

    /// The present entry was not taken yet.
    var isAtUnread = false
    /// What of the entries that come was done before, while that is not known by the place alone.
    var done: JournalDone?
    /// The cursor after which entries are missing; that was told.
    var toldOf: JournalCursor?
    /// It was opened, and a place to begin at found.
    private(set) var hasBegun = false
    /// When there was nothing more the last time.
    var caughtUpAt = Duration.zero
    private var nextTry = Duration.zero
    private var reopenAt: Duration?
    private var isEmpty = true

    package init(
        _ settings: JournalSettings, _ checkpoints: [CheckpointKey: [UInt8]], log: @escaping LogFunction,
        makeDecoder: @escaping @Sendable () -> StreamDecoder
    ) {
        self.settings = settings
        self.log = log
        complaints = Complaints(log)
        streams = JournalStreams(
            maxLine: settings.maxLine, hasContainers: !settings.containers.isEmpty, makeDecoder: makeDecoder)
        position = JournalPosition(place: settings.placeName, matches: settings.matchesHash)
        stored = JournalFollower.stored(checkpoints, position, settings, log)
        readUpTo = position
    }

    /// Reads what there is, and says what to store.
    /// - Parameters:
    ///   - now: since any fixed moment; must not run backwards.
    ///   - batch: gets the events. Empty, or what it was after the last round if that said `isHeld`.
    package mutating func poll(now: Duration, into batch: inout EventBatch) -> Round {
        if journal == nil, now >= nextTry { open(now, &batch) }
        var hasMore = readSome(now, &batch)
        if !hasMore, let at = reopenAt, now >= at {
            reopen(now)
            hasMore = journal != nil && !settings.once
        }
        streams.endRun(&batch)
        let (isOnce, silence) = (settings.once, settings.silence)
        if !hasMore { streams.settle(&batch) { isOnce || now >= $0.heardAt + silence } }
        tellSuppressed()
        return closeRound(hasMore, now, &batch)
    }

    /// Returns as soon as something has changed, or after `limit`.
    /// - Returns: whether something has.
    package mutating func wait(_ limit: Duration, now: Duration) -> Bool {
        guard let journal else {
            Journal.pause(limit)
            return false
        }
        do throws(SystemError) {
            switch try journal.wait(limit) {
            case .none: return false
            case .entries: return true
            case .files:
                counts.rotations += 1
                if reopenAt == nil { reopenAt = now + JournalFollower.reopenAfter }
                return true
            }
        } catch {
            failed(error, now)
            return true
        }
    }

    /// What was counted since the last call.
    package mutating func takeCounts() -> SourceCounts {
        var taken = streams.takeCounts(settings.subject)
        taken.add(counts)
        counts = SourceCounts()
        return taken
    }

    /// The position, if it moved without an event since it was stored; to be stored when reading stops.
    package mutating func finalCheckpoints(_ now: Duration) -> [Checkpoint] {
        mustSave = position != saved
        return takeCheckpoints(now)
    }

    // MARK: Reading

    /// - Returns: whether there is more.
    private mutating func readSome(_ now: Duration, _ batch: inout EventBatch) -> Bool {
        guard let journal else { return false }
        var left = JournalFollower.entriesMax
        do throws(SystemError) {
            while batch.bytes.count < settings.heldMax, left > 0 {
                if !isAtUnread, try !journal.next() {
                    reachedEnd(now)
                    return false
                }
                isAtUnread = false
                left -= 1
                takeEntry(journal, now, &batch)
                guard batch.bytes.count >= settings.batchBytes else { continue }
                streams.endRun(&batch)
                if !isHeld(batch) { break }
            }
        } catch {
            failed(error, now)
            return false
        }
        return true
    }

    private mutating func takeEntry(_ journal: Journal, _ now: Duration, _ batch: inout EventBatch) {
        do throws(SystemError) {
            try journal.read(into: &entry, messageMax: settings.messageMax)
        } catch {
            // It is damaged, or was removed while it was read. The others are none the worse for it.
            streams.count("damaged_entry")
            return
        }
        isEmpty = false
        let cursor = JournalCursor(entry.value(.cursor))
        if done?.contains(cursor) == true { return }
        readUpTo.advance(to: cursor)
        cursors.append(cursor)
        bytesSinceSaved += entry.bytes.count
        streams.take(entry, number, now, &batch)
        number += 1
    }

    private mutating func reachedEnd(_ now: Duration) {
        caughtUpAt = now
        done = nil
        guard isEmpty, now >= nextTry else { return }
        // Rights and directories may be given later, of which the library hears nothing.
        nextTry = now + JournalFollower.retryEvery
        tellAccess()
        if !settings.once, (try? journal?.oldest()) == nil { journal = nil }
    }

    private mutating func tellSuppressed() {
        let dropped = streams.takeSuppressed()
        guard dropped > 0 else { return }
        log(
            .warning,
            "journald has dropped \(Quantity.count(dropped, "message")) of \(settings.units.joined(separator: ", ")), since they "
                + "came too fast; they are lost. Write LogRateLimitIntervalSec=0 under [Service] of that unit "
                + "('systemctl edit \(settings.units.first ?? "coder.service")')")
    }

    // MARK: Opening

    private mutating func open(_ now: Duration, _ batch: inout EventBatch) {
        nextTry = now + JournalFollower.retryEvery
        do throws(SystemError) {
            let opened = try Journal.open(settings)
            if hasBegun {
                // What was removed since all was read was read.
                _ = try seek(opened, readUpTo, tellsGaps: now > caughtUpAt + .seconds(5))
            } else {
                try begin(opened, &batch)
                tellAccess()
                // With start_at = end, what could not be seen yet is passed over too.
                hasBegun = try opened.oldest() != nil || complaints.isEmpty
            }
            journal = opened
            reopenAt = nil
            complaints.clear(settings.placeName)
        } catch {
            complaints.set(
                settings.placeName,
                "\(settings.subject) cannot be opened: \(error); it is tried again every five seconds")
        }
    }

    /// All there was is read, and files have come or gone.
    private mutating func reopen(_ now: Duration) {
        journal = nil
        nextTry = now
        var none = EventBatch()
        open(now, &none)
    }

    private mutating func failed(_ error: SystemError, _ now: Duration) {
        complaints.set(settings.placeName, "\(settings.subject) cannot be read on: \(error); it is opened anew")
        journal = nil
        nextTry = now + JournalFollower.reopenAfter
    }

    private mutating func tellAccess() {
        if let problem = JournalAccess(settings.place).problem {
            complaints.set("access", "\(settings.subject): \(problem)")
        } else {
            complaints.clear("access", saying: "\(settings.subject) can be read now")
        }
    }

    // MARK: Storing

    private mutating func closeRound(_ hasMore: Bool, _ now: Duration, _ batch: inout EventBatch) -> Round {
        var round = Round(hasMore: hasMore)
        if isHeld(batch), batch.bytes.count >= settings.heldMax { streams.settle(&batch) { _ in true } }
        round.isHeld = isHeld(batch)
        if !round.isHeld {
            advance()
            if !batch.isEmpty { mustSave = true }
            round.checkpoints = takeCheckpoints(now)
            streams.handedOver()
        }
        round.isDone = settings.once && !hasMore && !round.isHeld
        round.wait = hasMore ? .zero : waitTime(now)
        return round
    }

    /// Whether something goes on that began before an event of the batch: after a crash that event would come again.
    private func isHeld(_ batch: borrowing EventBatch) -> Bool {
        !batch.isEmpty && streams.oldestUndone ?? number < streams.lastEvent
    }

    /// Moves the position after the last entry before which all are done.
    private mutating func advance() {
        let end = streams.oldestUndone ?? number
        guard end > firstNumber else { return }
        for cursor in cursors.prefix(end - firstNumber) { position.advance(to: cursor) }
        cursors.removeFirst(end - firstNumber)
        firstNumber = end
        if !streams.interruptions.isEmpty || !position.interrupted.isEmpty {
            position.interrupted = streams.interruptions.asOf(end - 1)
            streams.interruptions.forget(before: end - 1)
        }
    }

    /// The position goes with the events before it. Where there were none it may lag.
    private mutating func takeCheckpoints(_ now: Duration) -> [Checkpoint] {
        guard mustSave || position != saved && (now >= savedAt + .seconds(1) || bytesSinceSaved >= 8 << 20) else {
            return []
        }
        mustSave = false
        saved = position
        savedAt = now
        bytesSinceSaved = 0
        return [Checkpoint(key: JournalFollower.key, value: position.checkpoint)]
    }

    private func waitTime(_ now: Duration) -> Duration {
        var until = now + .seconds(1)
        if journal == nil { until = min(until, nextTry) }
        if let reopenAt { until = min(until, reopenAt) }
        if let heard = streams.oldestSilence { until = min(until, heard + settings.silence) }
        return max(.zero, until - now)
    }
}
