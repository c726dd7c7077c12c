/// What a decoder has done since it was asked last.
public struct DecodeCounts: Sendable, Equatable {
    /// How many malformed lines are kept to be shown.
    public static let samplesMax = 5

    /// Bytes consumed.
    public var bytes = 0
    /// Lines consumed, as they lie in the stream: a wrapped or multi-line entry has several.
    public var lines = 0
    /// Events that became records, by the format they came in.
    public var slogJSON = 0
    public var slogHuman = 0
    public var stackdriver = 0
    /// Audit events, passed over.
    public var auditLog = 0
    /// Other lines, passed over: the rest of coderd's chatter, blank lines, continuation lines of other entries.
    public var other = 0
    /// Events that the same stream had brought before in another format.
    public var duplicates = 0
    /// Lines longer than the limit, passed over.
    public var tooLong = 0
    /// Lines that were not finished when the input ended; they were not consumed.
    public var partial = 0
    /// Lines that cannot be read, by reason.
    public var malformed: [LineFault.Reason: Int] = [:]
    /// The first few of them.
    public var samples: [Sample] = []

    /// A line that cannot be read.
    public struct Sample: Sendable, Equatable {
        /// Where the line begins, in bytes consumed by the decoder since it was made.
        public var position: Int
        public var fault: LineFault
        /// The line's first 120 bytes, made printable.
        public var text: String
    }

    public init() {}

    /// Events that became records.
    public var events: Int { slogJSON + slogHuman + stackdriver }

    mutating func add(_ format: EventFormat) {
        switch format {
        case .slogJSON: slogJSON += 1
        case .slogHuman: slogHuman += 1
        case .stackdriver: stackdriver += 1
        }
    }

    mutating func add(_ fault: LineFault, at position: Int, _ text: () -> String) {
        malformed[fault.reason, default: 0] += 1
        guard samples.count < DecodeCounts.samplesMax else { return }
        samples.append(Sample(position: position, fault: fault, text: text()))
    }

    /// Takes in what was counted later.
    public mutating func merge(_ later: DecodeCounts) {
        bytes += later.bytes
        lines += later.lines
        slogJSON += later.slogJSON
        slogHuman += later.slogHuman
        stackdriver += later.stackdriver
        auditLog += later.auditLog
        other += later.other
        duplicates += later.duplicates
        tooLong += later.tooLong
        partial += later.partial
        malformed.merge(later.malformed, uniquingKeysWith: +)
        samples.append(contentsOf: later.samples.prefix(max(0, DecodeCounts.samplesMax - samples.count)))
    }
}
