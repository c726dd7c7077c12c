package import ConnlogCore

/// One connection as the store knows it: all its events merged, with ids but no names of people.
package struct ConnectionRow: Sendable, Equatable {
    /// Its place in the list.
    package var position: RowPosition
    /// The id of the first of its events that was stored: a UUID in lower case, or what stood there.
    package var id: String?
    package var session: Session
    package var organizationID: String?
    package var workspaceOwnerID: String?
    package var workspaceID: String?
    package var workspaceName: String?
    package var agentName: String?
    /// What stood in the event, even if it is no address.
    package var ip: String?
    /// In the seven words of Coder's filter.
    package var type: ConnectionType
    /// The event's own word where it is another one.
    package var typeText: String?
    package var method: ConnectionMethod
    /// The client's app under its normalized name, of SSH and terminal connections only.
    package var appName: String?
    package var userAgent: String?
    package var userID: String?
    /// An app's slug or a port, of web rows only.
    package var slugOrPort: String?
    package var connectionID: String?
    package var clientSessionID: String?

    /// Who it was, if that was asked for.
    package var person: Person?

    /// The end of the hour in which the newest of its events came in, by connlog's clock; `nil` when that clock was not set.
    package var arrival: Microseconds?

    /// About how many it takes in memory or as text.
    var bytes: Int {
        let texts = [
            workspaceName, agentName, ip, typeText, appName, userAgent, slugOrPort, session.reason?.value, id,
            connectionID, clientSessionID, organizationID, workspaceOwnerID, workspaceID, userID,
        ]
        return texts.reduce(256) { $0 + ($1?.utf8.count ?? 0) }
    }

    /// Before this it can have been heard of last, whatever dates its events have.
    package var heardOf: Microseconds { min(arrival ?? session.connect, session.connect) }
}

/// Some rows of a list, in its order.
package struct RowPage: Sendable, Equatable {
    package let rows: [ConnectionRow]
    /// There is nothing after them.
    package let isLast: Bool
    /// The budget was used up before the page was full: all down to this place were looked at, and the next page goes on
    /// after it, not after the last row.
    package var reached: RowPosition?
}

/// A row's place in the list: by connect time in microseconds, then by a number of its own. Greater is newer.
///
/// It stays as long as the connect time does, so a page may go on after it (keyset paging). As text:
/// `<time>.<partition>.<row>`.
package struct RowPosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let time: Microseconds
    let partition: Int64
    let row: Int64

    init(time: Microseconds, partition: Int64, row: Int64) {
        self.time = time
        self.partition = partition
        self.row = row
    }

    /// Reads what `description` wrote; `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 3, let time = parts[0], let partition = parts[1], let row = parts[2] else { return nil }
        self.init(time: Microseconds(time), partition: partition, row: row)
    }

    package var description: String { "\(time.count).\(partition).\(row)" }

    /// The same place under other numbers, for whoever must not know these.
    package func renumbered(_ change: (Int64) -> Int64) -> RowPosition {
        RowPosition(time: time, partition: change(partition), row: change(row))
    }

    package static func < (one: RowPosition, other: RowPosition) -> Bool {
        (one.time, one.partition, one.row) < (other.time, other.partition, other.row)
    }
}
