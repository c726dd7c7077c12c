/// What the holder of a token may do.
public enum Role: String, Sendable, CaseIterable {
    /// Reads connections.
    case auditor
    /// Hands in events.
    case ingest
    /// Both, and sees how connlog itself is.
    case admin

    public var mayRead: Bool { self != .ingest }
    public var mayWrite: Bool { self != .auditor }
}
