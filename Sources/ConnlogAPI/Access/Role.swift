/// What the holder of a token may do.
public enum Role: String, Sendable, CaseIterable {
    /// Reads connections, and how connlog itself is.
    case auditor
    /// Hands in events.
    case ingest
    /// Both.
    case admin

    public var mayRead: Bool { self != .ingest }
    public var mayWrite: Bool { self != .auditor }
}
