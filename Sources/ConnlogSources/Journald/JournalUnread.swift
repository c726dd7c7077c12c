import ConnlogCore
import ConnlogSystem
import Synchronization

/// Whether the journal has entries that the source has not read, asked by another thread than the source's.
///
/// It opens the journal for itself, since the library's object belongs to one thread. That is not for nothing where there are
/// many files, so it is done only when the source has not got on since the last look, and then one look in six.
final class JournalUnread: Sendable {
    private struct State {
        var upTo: JournalCursor?
        var hasBegun = false
        /// Where it was at the last look, and what was found there.
        var seen: JournalCursor?
        var looks = 0
        var found: [Unread] = []
    }

    private static let looksMax = 6
    /// Entries that are looked at, at most: those of one microsecond, and damaged ones.
    private static let entriesMax = 1000

    private let settings: JournalSettings
    private let state = Mutex(State())

    init(_ settings: JournalSettings) { self.settings = settings }

    /// The source has read so far; `nil`: nothing yet.
    func note(_ cursor: JournalCursor?, hasBegun: Bool) {
        state.withLock { ($0.upTo, $0.hasBegun) = (cursor, hasBegun) }
    }

    /// What there is after that place.
    func look() -> [Unread] {
        let (upTo, isDue) = state.withLock { state -> (JournalCursor?, Bool) in
            guard state.hasBegun, state.seen == state.upTo || state.upTo == nil else {
                (state.seen, state.looks, state.found) = (state.upTo, 0, [])
                return (nil, false)
            }
            defer { state.looks += 1 }
            return (state.upTo, state.looks % JournalUnread.looksMax == 0)
        }
        guard isDue else { return state.withLock { $0.found } }
        let found = (try? hasMore(after: upTo)) == true
        let unread = found ? [Unread(subject: settings.subject, bytes: nil, place: upTo?.hash ?? 0)] : []
        state.withLock { if $0.upTo == upTo { $0.found = unread } }
        return unread
    }

    /// What is not certainly newer is taken for read.
    private func hasMore(after cursor: JournalCursor?) throws(SystemError) -> Bool {
        let journal = try Journal.open(settings)
        if let cursor { try journal.seek(cursor: cursor.text) } else { try journal.seekHead() }
        var entry = JournalEntry()
        for _ in 0..<JournalUnread.entriesMax {
            guard try journal.next() else { return false }
            guard (try? journal.read(into: &entry, messageMax: 0)) != nil else { continue }
            guard let cursor else { return true }
            let found = JournalCursor(entry.value(.cursor))
            if found.isKnown, cursor.isKnown, found.realtime > cursor.realtime, !found.isProvenOlder(than: cursor) {
                return true
            }
        }
        return false
    }
}
