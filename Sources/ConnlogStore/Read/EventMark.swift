#if Server
/// Where somebody is who follows the events: after the one of a number, in the store that gave it.
///
/// A store that was removed begins anew, and so do its numbers; one that was copied back from a backup gives numbers again
/// that it has given before. Whoever only compared numbers would wait for events that have long been there.
package struct EventMark: Sendable, Equatable {
    /// The store's own id, made when the file was.
    package let store: [UInt8]
    /// Of the last event that was seen; 0 before the first.
    package let number: Int64

    /// After another event of the same store.
    package func at(_ number: Int64) -> EventMark { EventMark(store: store, number: number) }

    /// Where to go on in the store as it is now: here, or at its beginning if that is not the one that gave the number.
    /// Of a backup it cannot be said which of its events were seen, and repeats are better than losses.
    /// - Parameter newest: after the newest event there is.
    func place(in newest: EventMark) -> EventMark {
        store == newest.store && number <= newest.number ? self : newest.at(0)
    }
}

/// What came after a mark.
package struct NewEvents: Sendable, Equatable {
    package let events: [ReceivedEvent]
    /// After the last of them.
    package let mark: EventMark
    /// The store's beginning, when the mark that was asked about is of another store, or of events that are no more.
    package let restart: EventMark?
}
#endif
