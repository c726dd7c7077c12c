#if Server
/// What the holder of a token may do.
package enum Role: String, Sendable, CaseIterable {
    /// Reads connections, and how connlog itself is.
    case auditor
    /// Hands in events.
    case ingest
    /// Reads how connlog itself is, and no connection: for Prometheus and the like.
    case metrics
    /// All of it.
    case admin

    /// Connections, and who and what occurs in them.
    package var mayRead: Bool { self == .auditor || self == .admin }
    package var mayWrite: Bool { self == .ingest || self == .admin }
    /// Figures of connlog itself.
    package var mayWatch: Bool { self != .ingest }
    /// What people can be written to by.
    package var seesAddresses: Bool { self == .admin }
}
#endif
