public import ConnlogCore
public import ConnlogSystem

/// What one delivery is doing, and what became of its events so far. A snapshot.
public struct DeliveryStatus: Sendable, Equatable {
    /// What a delivery does.
    public enum State: Sendable, Equatable {
        case starting
        /// Sending, or waiting for events.
        case working
        /// The receiver is away or busy; nothing is lost.
        case retrying(Reason)
        /// Somebody has to mend something; nothing is lost.
        case holding(Reason)
        case stopped
    }

    /// What it does now.
    public internal(set) var state = State.starting
    /// Events that the receiver has, since the start.
    public internal(set) var delivered = 0
    /// Events that the receiver has accepted and not yet proven to have.
    public internal(set) var unproven = 0
    /// Events that the sink's filter did not want.
    public internal(set) var filtered = 0
    /// Of what was read for it, events of who asked the server: see `include`.
    public internal(set) var audits = 0
    /// Events that the queue could not give: damaged, or given up by `on_full = drop_oldest`.
    public internal(set) var skipped = 0
    /// Batches sent again, by the reason's label.
    public internal(set) var retries: [String: Int] = [:]
    /// Events that the receiver may have got twice: the answer to their first sending was lost.
    public internal(set) var possibleRepeats = 0
    /// Events written to the dead letters, by the reason's label.
    public internal(set) var deadLetters: [String: Int] = [:]
    /// The first of these events: their numbers in the queue, and the reasons' labels.
    public internal(set) var refused: [RefusedEvent] = []
    /// Batches that had to be halved: too large, or with a bad event in them.
    public internal(set) var halvings = 0
    /// Everything before it is done with: delivered, filtered out, put aside or passed over.
    public internal(set) var done: UInt64 = 0
    /// Everything before it is done and committed.
    public internal(set) var committed: UInt64 = 0
    /// The last thing that went wrong, and when.
    public internal(set) var lastError: Reason?
    /// When that was; nanoseconds since 1970.
    public internal(set) var lastErrorTime: Nanoseconds?

    /// How many refused events are named.
    public static let refusedMax = 20

    /// An event that the receiver refused for good.
    public struct RefusedEvent: Sendable, Equatable {
        /// Its number in the queue.
        public let offset: UInt64
        /// The reason's label.
        public let reason: String
    }

    package init() {}
}
