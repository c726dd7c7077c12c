public import ConnlogSystem

/// The parts of a connection-log line that connlog knows, under one name for all generations of the format.
///
/// Everything else in a line is kept, and copied wherever the whole line is, but not looked at.
package enum Field: Int, CaseIterable, Sendable {
    // Around the event (the slog entry).
    case ts, level, msg, caller, function, loggerNames, trace, span, fields
    // The event. `ip` is `Ip`, `IP` or `ip`; `slugOrPort` is that or `AppNameOrPort` of a web event; `type` is absent
    // where only `ConnectionMethod` is given: see `EventIndex.connectionType`.
    case requestID, id, organizationID, workspaceOwnerID, workspaceID, workspaceName, agentName
    case type, code, ip, userAgent, userID, slugOrPort, connectionID, disconnectReason, time, connectionStatus
    case connectionMethod, appNameOrPort, clientSessionID
}

/// Where a field's JSON value lies in its record, quotes excluded, and what it is.
package struct FieldRange: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        case absent, string
        /// A string that holds at least one backslash.
        case escapedString
        case number, null, bool, object, array
    }

    // The start in the lower half; the length and, in four bits, the kind in the upper.
    let bits: UInt64

    /// Lengths above 2^28 are not representable; the scanner refuses such lines.
    @inline(__always)
    init(start: Int, length: Int, kind: Kind) {
        bits =
            UInt64(UInt32(truncatingIfNeeded: start)) | UInt64(truncatingIfNeeded: length << 4 | Int(kind.rawValue))
            << 32
    }

    @inline(__always)
    init(bits: UInt64) { self.bits = bits }

    static let absent = FieldRange(start: 0, length: 0, kind: .absent)

    package var start: UInt32 { UInt32(truncatingIfNeeded: bits) }

    // All eight numbers are named, so that this is no more than a mask.
    @inline(__always)
    package var kind: Kind {
        switch bits >> 32 & 7 {
        case 0: .absent
        case 1: .string
        case 2: .escapedString
        case 3: .number
        case 4: .null
        case 5: .bool
        case 6: .object
        default: .array
        }
    }

    @inline(__always)
    package var range: Range<Int> {
        let start = Int(truncatingIfNeeded: bits & 0xffff_ffff)
        return start..<start &+ Int(truncatingIfNeeded: bits >> 36)
    }
}

/// Where the known fields of one record lie: a look at `EventFields`, or at what came with the record in its batch.
///
/// It says nothing that the record could not say itself, and is copied as a pointer.
public struct EventIndex: ~Escapable, Sendable {
    let ranges: Span<UInt64>

    /// - Parameter note: what was found when the record was made.
    @inlinable @inline(__always)
    @_lifetime(copy note)
    package init(_ note: Span<UInt64>) {
        precondition(note.count == RecordBatch.noteWords)
        self.init(checked: note)
    }

    @usableFromInline
    @_lifetime(copy ranges)
    init(checked ranges: Span<UInt64>) { self.ranges = ranges }

    package subscript(field: Field) -> FieldRange {
        @inline(__always) get { range(UInt8(truncatingIfNeeded: field.rawValue)) }
    }

    /// - Parameter slot: a field's raw value.
    @inline(__always)
    func range(_ slot: UInt8) -> FieldRange { FieldRange(bits: ranges[Int(slot)]) }
}

/// The known fields of one record, as the scanner finds them. Fixed size, reused from line to line.
package struct EventFields: Sendable {
    /// Which of the two JSON formats the line has.
    package enum Shape: UInt8, Sendable {
        /// An entry with `msg` and `fields`: what records are.
        case slog
        /// An entry with `message` and the event's fields beside it; the decoder reshapes it.
        case stackdriver
    }

    var ranges = RecordOrder.Index(repeating: 0)
    package internal(set) var shape = Shape.slog

    package init() {}

    /// What there is to know.
    package var index: EventIndex {
        @_lifetime(borrow self)
        @inline(__always) get { EventIndex(checked: ranges.span) }
    }

    package internal(set) subscript(field: Field) -> FieldRange {
        @inline(__always) get { FieldRange(bits: ranges.span[field.rawValue]) }
        set { ranges[field.rawValue] = newValue.bits }
    }

    /// - Parameter slot: a field's raw value.
    @inline(__always)
    mutating func set(_ slot: UInt8, _ range: FieldRange) {
        ranges[Int(slot)] = range.bits
    }

    mutating func clear() {
        ranges = InlineArray(repeating: 0)
        shape = .slog
    }

    /// Forgets what stands in `fields`, and keeps the entry around it.
    mutating func clearEvent() {
        for slot in Field.requestID.rawValue...Field.clientSessionID.rawValue { ranges[slot] = 0 }
    }
}
