/// The parts of a connection-log line that connlog knows, under one name for all generations of the format.
///
/// Everything else in a line is kept, and copied wherever the whole line is, but not looked at.
public enum Field: Int, CaseIterable, Sendable {
    // Around the event (the slog entry).
    case ts, level, msg, caller, function, loggerNames, trace, span, fields
    // The event. `ip` is `Ip`, `IP` or `ip`; `slugOrPort` is that or `AppNameOrPort` of a web event; `type` is absent
    // where only `ConnectionMethod` is given: see `EventIndex.connectionType`.
    case requestID, id, organizationID, workspaceOwnerID, workspaceID, workspaceName, agentName
    case type, code, ip, userAgent, userID, slugOrPort, connectionID, disconnectReason, time, connectionStatus
    case connectionMethod, appNameOrPort, clientSessionID
}

/// Where a field's JSON value lies in its record, quotes excluded, and what it is.
public struct FieldRange: Sendable, Equatable {
    public enum Kind: UInt8, Sendable {
        case absent, string
        /// A string that holds at least one backslash.
        case escapedString
        case number, null, bool, object, array
    }

    public let start: UInt32
    private let lengthAndKind: UInt32

    /// Lengths above 2^28 are not representable; the scanner refuses such lines.
    init(start: Int, length: Int, kind: Kind) {
        self.start = UInt32(truncatingIfNeeded: start)
        lengthAndKind = UInt32(truncatingIfNeeded: length) << 4 | UInt32(kind.rawValue)
    }

    static let absent = FieldRange(start: 0, length: 0, kind: .absent)

    public var kind: Kind { Kind(rawValue: UInt8(lengthAndKind & 15)) ?? .absent }
    public var range: Range<Int> { Int(start)..<Int(start) + Int(lengthAndKind >> 4) }
}

/// Where the known fields of one record lie. Fixed size, reused from line to line.
public struct EventIndex: Sendable {
    /// Which of the two JSON formats the line has.
    public enum Shape: UInt8, Sendable {
        /// An entry with `msg` and `fields`: what records are.
        case slog
        /// An entry with `message` and the event's fields beside it; the decoder reshapes it.
        case stackdriver
    }

    private var ranges = InlineArray<32, FieldRange>(repeating: .absent)
    public internal(set) var shape = Shape.slog

    public init() {}

    public internal(set) subscript(field: Field) -> FieldRange {
        get { ranges[field.rawValue] }
        set { ranges[field.rawValue] = newValue }
    }

    /// - Parameter slot: a field's raw value.
    @inline(__always)
    mutating func set(_ slot: UInt8, _ range: FieldRange) {
        ranges[Int(slot)] = range
    }

    mutating func clear() {
        ranges = InlineArray(repeating: .absent)
        shape = .slog
    }

    /// Forgets what stands in `fields`, and keeps the entry around it.
    mutating func clearEvent() {
        for slot in Field.requestID.rawValue...Field.clientSessionID.rawValue { ranges[slot] = .absent }
    }
}
