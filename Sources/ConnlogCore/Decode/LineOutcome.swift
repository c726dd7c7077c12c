internal import ConnlogSystem

/// What one pass over a line found.
struct LineOutcome {
    var kind: LineKind
    /// Keys that were not the expected ones.
    var misses = 0
    /// Keys were passed over because of a message that a later one replaced.
    var mustLookAgain = false

    init(_ kind: LineKind) { self.kind = kind }
}

/// What a key means: a `Field`'s number, or one of these.
enum Slot {
    static let unknown: UInt8 = 255
    static let message: UInt8 = 100
    /// A key that only Stackdriver entries have.
    static let stackdriver: UInt8 = 101

    @inline(__always) static func of(_ field: Field) -> UInt8 { UInt8(truncatingIfNeeded: field.rawValue) }
}

extension EventScanner {
    /// Whether the line is JSON of any kind.
    mutating func isJSON(_ line: Span<UInt8>, _ index: inout EventFields) -> Bool {
        if case .malformed = scan(line, into: &index) { return false }
        return true
    }
}
