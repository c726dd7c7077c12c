public import ConnlogCore
public import ConnlogSystem

/// One connection as the store knows it: all its events merged, with ids but no names of people.
///
/// Times have microseconds, as in Coder's database; what is finer is cut off.
public struct ConnectionRow: Sendable, Equatable {
    /// Where the row stands in the order of the list: newest connect time first.
    public var position: RowPosition
    /// The id of the event that made the row, a UUID in lower case.
    public var id: String
    /// The smallest time of all its events.
    public var connectTime: Nanoseconds
    /// The first disconnect's time that was stored.
    public var disconnectTime: Nanoseconds?
    /// The first reason that is neither null nor empty.
    public var disconnectReason: String?
    /// The exit code of an agent's connection, the HTTP status of a web one: the first that is not null.
    public var code: Int?
    public var organizationID: String?
    public var workspaceOwnerID: String?
    public var workspaceID: String?
    public var workspaceName: String?
    public var agentName: String?
    /// `nil` when the event had none, or no address.
    public var ip: String?
    /// In the seven words of Coder's filter, derived where the event names a method or an IDE.
    public var type: ConnectionType
    /// The type as the first event writes it; the method in builds that have no type.
    public var typeText: String?
    public var method: ConnectionMethod
    /// The client's app, of SSH and terminal connections only, as its normalized name.
    public var appName: String?
    public var userAgent: String?
    public var userID: String?
    /// An app's slug or a port, of web rows only.
    public var slugOrPort: String?
    public var connectionID: String?
    public var clientSessionID: String?
    /// When the store gave up waiting for its disconnect (`lost_after`); Coder's `ongoing` does not look at this.
    public var lostTime: Nanoseconds?
    /// How many events were merged into it.
    public var events: Int
}

/// A row's place in the list: its connect time and, for rows of one time, a number. Greater is newer.
///
/// It stays as long as the row's connect time does, so a page may go on after it (keyset paging).
public struct RowPosition: Sendable, Hashable, Comparable {
    public let high: Int64
    public let low: Int64

    public init(high: Int64, low: Int64) {
        self.high = high
        self.low = low
    }

    public static func < (one: RowPosition, other: RowPosition) -> Bool {
        (one.high, one.low) < (other.high, other.low)
    }
}
