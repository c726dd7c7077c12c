import ConnlogCore
import ConnlogSystem

/// Where reading begins, and where it goes on.
///
///     the journal at resume                              what the library says      what is done
///     the entry is still there                           it is found                go on after it
///     its file was vacuumed, or it no longer matches     the first entry left       take that one; told
///     a journal in memory was written to disk            one of its microsecond     pass over those that are done
///     its number was given anew after a power cut        another with that number   go by the time; told
///     a new journal whose clock is behind                nothing, now and later     from the head; told
///     the checkpoint is damaged                          it refuses                 from the head; told
extension JournalFollower {
    /// The checkpoint, if it is one of this journal.
    static func stored(
        _ checkpoints: [CheckpointKey: [UInt8]], _ wanted: JournalPosition, _ settings: JournalSettings,
        _ log: LogFunction
    ) -> JournalPosition? {
        guard let bytes = checkpoints[key] else { return nil }
        guard let found = JournalPosition(checkpoint: bytes) else {
            log(
                .error,
                "the checkpoint of \(settings.subject) is damaged or of a newer version; it is read from its first entry"
            )
            return JournalPosition(place: wanted.place, matches: wanted.matches)
        }
        if found.place != wanted.place {
            log(.info, "\(settings.subject) is another journal than the one that was read before (\(found.place))")
            return nil
        }
        return found
    }

    /// The first time in this process.
    mutating func begin(_ journal: Journal, _ batch: inout EventBatch) throws(SystemError) {
        done = nil
        isAtUnread = false
        mustSave = true
        guard let stored else { return try beginAnew(journal) }
        position.cursor = stored.cursor
        position.moment = stored.moment
        position.interrupted = stored.interrupted
        readUpTo = position
        if try seek(journal, stored, tellsGaps: true) {
            try rehearse(journal, stored.cursor)
        } else if let cursor = stored.cursor, isAtUnread, JournalCursor(entry.value(.cursor)).isOfSameMoment(as: cursor)
        {
            try rehearseDone(journal)
        }
        streams.restore(stored.interrupted, number - 1, &batch)
    }

    /// No checkpoint is known.
    private mutating func beginAnew(_ journal: Journal) throws(SystemError) {
        guard settings.startsAtEnd else { return try journal.seekHead() }
        try journal.seekTail()
        guard try journal.previous() else { return try journal.seekHead() }
        try journal.read(into: &entry, messageMax: settings.messageMax)
        position.advance(to: JournalCursor(entry.value(.cursor)))
        readUpTo = position
        // A stream may be in the middle of a line.
        try rehearse(journal, position.cursor)
        position.interrupted = streams.interruptions.asOf(number - 1)
    }

    /// Goes after the last entry that was read.
    /// - Parameter tellsGaps: entries may have come and gone since.
    /// - Returns: whether the present entry is that one.
    mutating func seek(_ journal: Journal, _ from: JournalPosition, tellsGaps: Bool) throws(SystemError) -> Bool {
        done = nil
        isAtUnread = false
        guard let cursor = from.cursor else {
            try journal.seekHead()
            return false
        }
        do throws(SystemError) {
            try journal.seek(cursor: cursor.text)
        } catch {
            guard error.code == Errno.invalid else { throw error }
            counts.malformed["gap", default: 0] += 1
            log(.error, "the checkpoint of \(settings.subject) is no cursor; it is read from its first entry")
            try journal.seekHead()
            return false
        }
        guard try journal.next() else {
            try seekHead(journal, from, cursor, tellsGaps: tellsGaps)
            return false
        }
        if try journal.isAt(cursor: cursor.text) { return true }
        try journal.read(into: &entry, messageMax: 0)
        let found = JournalCursor(entry.value(.cursor))
        if found.isOfSameMoment(as: cursor) {
            done = JournalDone(from, isFromHead: false)
            isAtUnread = true
        } else if found.isKnown, found.sequence == cursor.sequence, found.number <= cursor.number {
            // The library has gone by the number, which others have that came before this one.
            try journal.seek(realtime: cursor.realtime)
            done = JournalDone(from, isFromHead: true)
            if tellsGaps { tellGap(journal, from, cursor, entry.realtime) }
        } else {
            isAtUnread = true
            if tellsGaps { tellGap(journal, from, cursor, entry.realtime) }
        }
        return false
    }

    /// There is nothing from the cursor on. What follows would never be read as long as its clock is behind.
    private mutating func seekHead(
        _ journal: Journal, _ from: JournalPosition, _ cursor: JournalCursor, tellsGaps: Bool
    ) throws(SystemError) {
        try journal.seekTail()
        let hasAny = try journal.previous()
        if hasAny { try journal.read(into: &entry, messageMax: 0) }
        let newest = hasAny ? JournalCursor(entry.value(.cursor)) : nil
        try journal.seekHead()
        done = JournalDone(from, isFromHead: true)
        guard tellsGaps, toldOf != cursor else { return }
        toldOf = cursor
        counts.malformed["gap", default: 0] += 1
        let last = JournalFollower.time(cursor.realtime)
        guard let newest else {
            return log(
                .warning,
                "\(settings.subject) has no entry any more; it was read up to \(last), and what came since may be lost. "
                    + "Whatever comes is read from its beginning")
        }
        log(
            .warning,
            "\(settings.subject) was read up to \(last), and its newest entry is older, of "
                + "\(JournalFollower.time(newest.realtime)): the journal is a new one, a clock was set back, or a power cut "
                + "took the newest. It is read from its first entry, all but what is known to have been read")
    }

    private mutating func tellGap(
        _ journal: Journal, _ from: JournalPosition, _ cursor: JournalCursor, _ first: UInt64
    ) {
        let oldest = ((try? journal.oldest()) ?? nil) ?? 0
        let isVacuumed = cursor.isKnown && oldest > cursor.realtime
        if !isVacuumed, from.matches != settings.matchesHash {
            return log(.info, "what is read of \(settings.subject) has changed; it goes on where it had stopped")
        }
        if toldOf == cursor { return }
        toldOf = cursor
        counts.malformed["gap", default: 0] += 1
        let range = "between \(JournalFollower.time(cursor.realtime)) and \(JournalFollower.time(first))"
        let why = isVacuumed ? "were removed before they were read" : "may have been removed before they were read"
        log(
            .warning,
            "\(settings.subject): entries \(range) \(why); keep more of it (SystemMaxUse= in journald.conf), or let connlog run"
        )
    }

    static func time(_ microseconds: UInt64) -> String {
        let (nanoseconds, isBeyond) = Int64(clamping: microseconds).multipliedReportingOverflow(by: 1000)
        return EventTime.text(isBeyond ? .max : nanoseconds)
    }

    /// The same where the place is the first entry of the microsecond in which reading stopped: what stands before it, and those
    /// of it that are done.
    private mutating func rehearseDone(_ journal: Journal) throws(SystemError) {
        let before = try journal.previous(JournalFollower.rehearsed)
        var seen = EventBatch()
        var step = 0
        isAtUnread = false
        while true {
            if step > 0, try !journal.next() { break }
            step += 1
            do throws(SystemError) {
                try journal.read(into: &entry, messageMax: settings.messageMax)
            } catch {
                continue
            }
            let cursor = JournalCursor(entry.value(.cursor))
            if step > before, done?.contains(cursor) != true {
                isAtUnread = true
                break
            }
            streams.take(entry, number - 1, .zero, &seen)
        }
        streams.settle(&seen) { _ in true }
        streams.forgetRehearsal()
    }

    /// Reads what stands before the place once more, so that the events in it are known when they come in a second format, and
    /// whether a stream is in the middle of a line.
    private mutating func rehearse(_ journal: Journal, _ cursor: JournalCursor?) throws(SystemError) {
        guard let cursor else { return }
        let count = try journal.previous(JournalFollower.rehearsed)
        var seen = EventBatch()
        for step in 0...count {
            if step > 0, try !journal.next() { break }
            do throws(SystemError) {
                try journal.read(into: &entry, messageMax: settings.messageMax)
                streams.take(entry, number - 1, .zero, &seen)
            } catch {
                continue
            }
        }
        streams.settle(&seen) { _ in true }
        streams.forgetRehearsal()
        if try journal.isAt(cursor: cursor.text) { return }
        // A damaged file between may have ended the way back.
        try journal.seek(cursor: cursor.text)
        if try journal.next(), try !journal.isAt(cursor: cursor.text) { isAtUnread = true }
    }
}
