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
    /// Events in slog's human format.
    public var slogHuman = 0
    /// Events in the JSON of Google Cloud's logging.
    public var stackdriver = 0
    /// Audit events, passed over.
    public var auditLog = 0
    /// Other lines, passed over: the rest of coderd's chatter, blank lines, continuation lines of other entries.
    public var other = 0
    /// Those of them that hold the word `connection_log` where no other entry's text is: events in a form that is not
    /// known, perhaps. `other` counts them too.
    public var unreadMentions = 0
    /// Events that the same stream had brought before in another format.
    public var duplicates = 0
    /// Lines longer than the limit that became records all the same, with their longest values cut.
    public var truncated = 0
    /// Lines longer than the limit of which nothing could be made, passed over.
    public var tooLong = 0
    /// Events of origins that the source does not believe, passed over.
    public var foreign = 0
    /// Events of which a wrapper had lost fields; their last field `lost` names them.
    public var incomplete = 0
    /// Lines that were not finished when the input ended; they were not consumed.
    public var partial = 0
    /// Lines that cannot be read, by reason.
    public var malformed: [LineFault.Reason: Int] = [:]
    /// The first few lines that were malformed, too long, unfinished or mentions.
    public var samples: [Sample] = []

    /// A line that cannot be read.
    public struct Sample: Sendable, Equatable {
        /// Where the line begins, in bytes consumed by the decoder since it was made.
        public var position: Int
        /// Its number since then, from 1.
        public var line: Int
        /// What is wrong with the line.
        public var fault: LineFault
        /// The line's beginning, made printable, and nothing of an event's values.
        public var text: String
    }

    package init() {}

    /// Events that became records.
    public var events: Int { slogJSON + slogHuman + stackdriver }

    mutating func add(_ format: EventFormat) {
        switch format {
        case .slogJSON: slogJSON += 1
        case .slogHuman: slogHuman += 1
        case .stackdriver: stackdriver += 1
        }
    }

    mutating func add(_ sample: Sample, _ samplesMax: Int) {
        switch sample.fault.reason {
        case .lineTooLong: tooLong += 1
        case .mention:
            other += 1
            unreadMentions += 1
        default: malformed[sample.fault.reason, default: 0] += 1
        }
        keep(sample, samplesMax)
    }

    /// Keeps a line to be shown.
    mutating func keep(_ sample: Sample, _ samplesMax: Int) {
        if samples.count < samplesMax { samples.append(sample) }
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
        unreadMentions += later.unreadMentions
        truncated += later.truncated
        duplicates += later.duplicates
        foreign += later.foreign
        incomplete += later.incomplete
        tooLong += later.tooLong
        partial += later.partial
        malformed.merge(later.malformed, uniquingKeysWith: +)
        samples.append(contentsOf: later.samples.prefix(max(0, DecodeCounts.samplesMax - samples.count)))
    }
}
