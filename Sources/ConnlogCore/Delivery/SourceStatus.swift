import Synchronization

/// What one source has done since it was made.
public struct SourceCounts: Sendable, Equatable {
    /// Lines read, whatever they were.
    public var lines = 0
    /// Bytes taken in, those of skipped lines included.
    public var bytes = 0
    /// Events handed over.
    public var events = 0
    /// Events that the same stream had brought before, in another format.
    public var duplicates = 0
    /// Events of lines longer than the limit, whose longest values were cut.
    public var cut = 0
    /// Events of which a wrapper had lost fields, which their field `lost` names.
    public var incomplete = 0
    /// Lines that are no connection events, by kind, such as `audit_log`.
    public var skipped: [String: Int] = [:]
    /// Lines that cannot be read, by reason.
    public var malformed: [String: Int] = [:]
    /// The first few malformed lines, with file and position.
    public var samples: [MalformedSample] = []
    /// Files that became shorter or were rewritten in place.
    public var truncations = 0
    /// Files that were renamed or removed while they were followed.
    public var rotations = 0
    /// Files that are followed now.
    public var files = 0

    /// How many malformed lines are kept to be shown.
    public static let samplesMax = 5

    /// Nothing counted yet.
    public init() {}

    /// Takes in what was counted elsewhere, all but `files`.
    public mutating func add(_ other: SourceCounts) {
        lines += other.lines
        bytes += other.bytes
        events += other.events
        duplicates += other.duplicates
        cut += other.cut
        incomplete += other.incomplete
        skipped.merge(other.skipped, uniquingKeysWith: +)
        malformed.merge(other.malformed, uniquingKeysWith: +)
        samples.append(contentsOf: other.samples.prefix(max(0, SourceCounts.samplesMax - samples.count)))
        truncations += other.truncations
        rotations += other.rotations
    }
}

/// A line that could not be read.
public struct MalformedSample: Sendable, Equatable {
    /// The file, or `standard input`.
    public let place: String
    /// Where the line begins in it, in bytes from 0.
    public let offset: Int
    /// What is wrong with it, in words.
    public let reason: String
    /// The line's beginning.
    public let text: String

    /// A sample of what could not be read; the text is cut by whoever shows it.
    public init(place: String, offset: Int, reason: String, text: String) {
        self.place = place
        self.offset = offset
        self.reason = reason
        self.text = text
    }
}

/// The counts of a source, for whoever shows them while it works, and what tells whether it gets on.
public final class SourceStatus: Sendable {
    private let state = Mutex(SourceCounts())
    private let turnsMade = Atomic<UInt64>(0)
    private let atWork = Atomic<Int>(0)
    private let probe = Mutex<(@Sendable () -> [Unread])?>(nil)

    /// Nothing counted yet.
    public init() {}

    /// The counts as of now.
    public var counts: SourceCounts { state.withLock { $0 } }

    /// Grows with each turn of the source's loop, also where there was nothing to read.
    package var turns: UInt64 { turnsMade.load(ordering: .relaxed) }

    /// It is at something that has an end, for a source that has no loop of its own.
    package var isAtWork: Bool { atWork.load(ordering: .relaxed) > 0 }

    /// What there is that it has not read. Asks the kernel, which may not answer for long.
    package var unread: [Unread] { probe.withLock { $0 }?() ?? [] }

    /// Changes the counts, and makes a turn.
    public func update(_ change: (inout SourceCounts) -> Void) {
        state.withLock { change(&$0) }
        turn()
    }

    /// Another turn of the loop, also where there was nothing to read.
    public func turn() { turnsMade.add(1, ordering: .relaxed) }

    package func begin() { atWork.add(1, ordering: .relaxed) }

    package func end() {
        atWork.add(-1, ordering: .relaxed)
        turn()
    }

    /// How to find what it has not read, until it has ended; must not wait for the source.
    package func setProbe(_ find: (@Sendable () -> [Unread])?) { probe.withLock { $0 = find } }
}
