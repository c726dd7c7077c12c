public import ConnlogCore

/// One connection as the store knows it: all its events merged, with ids but no names of people.
public struct ConnectionRow: Sendable, Equatable {
    /// Its place in the list.
    public var position: RowPosition
    /// The id of the first of its events that was stored: a UUID in lower case, or what stood there.
    public var id: String?
    public var session: Session
    public var organizationID: String?
    public var workspaceOwnerID: String?
    public var workspaceID: String?
    public var workspaceName: String?
    public var agentName: String?
    /// What stood in the event, even if it is no address.
    public var ip: String?
    /// In the seven words of Coder's filter.
    public var type: ConnectionType
    /// The event's own word where it is another one.
    public var typeText: String?
    public var method: ConnectionMethod
    /// The client's app under its normalized name, of SSH and terminal connections only.
    public var appName: String?
    public var userAgent: String?
    public var userID: String?
    /// An app's slug or a port, of web rows only.
    public var slugOrPort: String?
    public var connectionID: String?
    public var clientSessionID: String?

    /// The end of the hour in which the newest of its events came in, by connlog's clock; `nil` when that clock was not set.
    public var arrival: Microseconds?

    /// About how many it takes in memory or as text.
    var bytes: Int {
        let texts = [
            workspaceName, agentName, ip, typeText, appName, userAgent, slugOrPort, session.reason?.value, id,
            connectionID, clientSessionID, organizationID, workspaceOwnerID, workspaceID, userID,
        ]
        return texts.reduce(256) { $0 + ($1?.utf8.count ?? 0) }
    }

    /// Before this it can have been heard of last, whatever dates its events have.
    public var heardOf: Microseconds { min(arrival ?? session.connect, session.connect) }

    /// An agent's connection without an end, as Coder's `status:ongoing` means it.
    public var isOngoing: Bool { !type.isWeb && session.disconnect == nil }
}

/// Some rows of a list, in its order.
public struct RowPage: Sendable, Equatable {
    public let rows: [ConnectionRow]
    /// There is nothing after them.
    public let isLast: Bool
}

/// A row's place in the list: by connect time in microseconds, then by a number of its own. Greater is newer.
///
/// It stays as long as the connect time does, so a page may go on after it (keyset paging). As text:
/// `<time>.<partition>.<row>`.
public struct RowPosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let time: Microseconds
    let partition: Int64
    let row: Int64

    init(time: Microseconds, partition: Int64, row: Int64) {
        self.time = time
        self.partition = partition
        self.row = row
    }

    /// Reads what `description` wrote; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 3, let time = parts[0], let partition = parts[1], let row = parts[2] else { return nil }
        self.init(time: Microseconds(time), partition: partition, row: row)
    }

    public var description: String { "\(time.count).\(partition).\(row)" }

    public static func < (one: RowPosition, other: RowPosition) -> Bool {
        (one.time, one.partition, one.row) < (other.time, other.partition, other.row)
    }
}
