/// How much of what a peer's kernel has acknowledged its process must have read.
///
/// TCP tells the sender nothing of that, but the window does: a kernel offers no more than it has room for, so what is
/// unread is at most its largest window less the one it offers now. Numbers are bytes on the wire.
///
/// What the largest window is, is estimated from above. A receiver's kernel lets the window grow as data comes, and
/// faster than that (Linux: two bytes for each), up to the room it has: as long as it grows, as much as half of the
/// growth may be room that is filled already and was never offered. Once it stays as it is while data comes, that is
/// all there is. Between two looks the window may have been larger than at either: by as much as was acknowledged
/// meanwhile. Measured against receivers of all speeds, with buffers of 200 KB, 4 MB and the kernel's choice, which read
/// steadily, in bursts or not at all: once 600 KB too much, at 800 MB/s, else 255 KB at most, which `held` has to cover.
///
/// `held` is what a process may have read and not yet dealt with. It counts until a pause later, so that a slow stream
/// is proven too. When everything is acknowledged and nothing moves any more, all is proven if the window is as open as it
/// is known to get, or as it was when things were at rest before, with something come between. If it is less open, or
/// has only just grown, the process may be stuck: then only the end of the connection can tell.
struct ReadProof {
    /// How long a process may take for what it has read.
    static let pause = Duration.seconds(1)
    /// How long a window that is half open may stay as it is before it is no use to wait on.
    static let patience = Duration.seconds(3)
    /// A window that stays the same while so much comes is as large as it gets.
    private static let steadyBytes: UInt64 = 1 << 20
    /// More was never seen to be filled without having been offered, 1.3 MB with a fixed buffer of 8 MB; larger ones, which
    /// need a system that allows them, may hide a third of theirs.
    private static let hiddenMax: UInt64 = 2 << 20
    /// Windows between two looks may have been larger by as much as this without being open less now.
    private static let slack: UInt64 = 128 << 10
    /// The first window that a peer tells is at most 65,535 (RFC 7323 §2.2), whatever it has; the next one, while no more
    /// than this has come, is its real one.
    private static let firstBytes: UInt64 = 4 << 10
    /// So much between two rests would have moved the window of a receiver that does not read.
    private static let betweenRests: UInt64 = 4 << 10

    private let held: UInt64
    private let start: UInt64
    private let limit: Duration
    private var acknowledged: UInt64
    private var window: UInt64
    /// The largest window seen, and the largest that can have been.
    private var largestSeen: UInt64
    private var largest: UInt64
    /// The window when it was last known to be all there is.
    private var settled: UInt64
    private var steadyFrom: UInt64
    /// Bytes that the process must have read.
    private var read: UInt64 = 0
    /// What it had read at a moment that is not long enough ago yet.
    private var waiting: (read: UInt64, since: ContinuousClock.Instant)?
    private var lastChange: ContinuousClock.Instant
    /// When things were at rest before.
    private var lastRest: (acknowledged: UInt64, window: UInt64)?
    /// Bytes that the process must have read and dealt with.
    private(set) var proven: UInt64 = 0
    /// Everything is acknowledged, and the window does not open as it should: waiting on is no use.
    private(set) var isInDoubt = false

    /// - Parameters:
    ///   - held: bytes that a process may have read and not dealt with.
    ///   - limit: how long it is waited for a window that is not even half open.
    ///   - acknowledged: so far, before anything was sent that has to be proven.
    ///   - window: what the peer offers now.
    init(
        held: UInt64, limit: Duration, acknowledged: UInt64, window: UInt64, now: ContinuousClock.Instant
    ) {
        self.held = held
        self.limit = limit
        start = acknowledged
        self.acknowledged = acknowledged
        self.window = window
        (largestSeen, largest, settled) = (window, window, window)
        steadyFrom = acknowledged
        lastChange = now
    }

    /// Looks at a connection. `acknowledged` has to be read before `window`, so that it is never too new.
    mutating func look(
        written: UInt64, acknowledged count: UInt64, window offered: UInt64, now: ContinuousClock.Instant
    ) {
        note(count, offered, now)
        let unread = largest - min(largest, offered) + hidden
        read = max(read, count - min(count, unread))
        proven = max(proven, read - min(read, held))
        if let past = waiting, past.since.duration(to: now) >= ReadProof.pause {
            proven = max(proven, past.read)
            waiting = nil
        }
        if waiting == nil, read > proven { waiting = (read, now) }
        isInDoubt = false
        if count == written, proven < count { lookAtRest(count, offered, lastChange.duration(to: now)) }
    }

    /// What may be filled without ever having been offered.
    private var hidden: UInt64 { min((largest - settled) / 2, ReadProof.hiddenMax) }

    private mutating func note(_ count: UInt64, _ offered: UInt64, _ now: ContinuousClock.Instant) {
        largest = max(largest, count - min(count, acknowledged) + offered)
        largestSeen = max(largestSeen, offered)
        if count - min(count, start) <= ReadProof.firstBytes { (largest, settled) = (largestSeen, largestSeen) }
        if count != acknowledged || offered != window { lastChange = now }
        if offered != window || offered < largestSeen { steadyFrom = count }
        (acknowledged, window) = (count, offered)
        if count - min(count, steadyFrom) >= ReadProof.steadyBytes { (largest, settled) = (offered, offered) }
    }

    /// Nothing is under way.
    private mutating func lookAtRest(_ count: UInt64, _ offered: UInt64, _ quiet: Duration) {
        guard quiet >= ReadProof.pause else { return }
        if isOpen(offered) || isAsBefore(count, offered) {
            (read, proven, waiting) = (count, count, nil)
            (largest, largestSeen, settled) = (offered, offered, offered)
        } else {
            isInDoubt = quiet >= (offered >= largestSeen / 2 ? min(limit, ReadProof.patience) : limit)
        }
        if lastRest?.window != offered || proven == count { lastRest = (count, offered) }
    }

    /// As far as it is known to open.
    private func isOpen(_ offered: UInt64) -> Bool {
        offered >= largestSeen && largestSeen <= settled + settled / 32 && offered + ReadProof.slack >= largest
    }

    private func isAsBefore(_ count: UInt64, _ offered: UInt64) -> Bool {
        guard let lastRest else { return false }
        return lastRest.window == offered && count - lastRest.acknowledged >= ReadProof.betweenRests
    }
}
