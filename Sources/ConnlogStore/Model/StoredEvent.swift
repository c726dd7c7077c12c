import ConnlogCore
import ConnlogSystem

/// One event on its way into the store.
struct StoredEvent {
    let session: Session
    let id: Identifier?
    let connection: Identifier?
    let clientSession: Identifier?
    let organization: Identifier?
    let owner: Identifier?
    let workspace: Identifier?
    let user: Identifier?
    let workspaceName: String?
    let agentName: String?
    let ip: String?
    let userAgent: String?
    let slug: String?
    /// The event's own word, where it is not the type's.
    let typeText: String?
    let type: ConnectionType
    /// Normalized.
    let app: String?

    /// - Parameter arrival: stands for the time of an event that has none.
    init(_ record: Span<UInt8>, _ index: EventIndex, arrival: Nanoseconds) {
        let time = index.time(in: record) ?? index.entryTime(in: record) ?? arrival
        session = Session(
            time: Microseconds(nanoseconds: time), isDisconnect: index.status(in: record) == .disconnected,
            reason: index.string(.disconnectReason, record), code: index.code(in: record))
        id = Identifier(.id, index, record)
        connection = Identifier(.connectionID, index, record)
        clientSession = Identifier(.clientSessionID, index, record)
        organization = Identifier(.organizationID, index, record)
        owner = Identifier(.workspaceOwnerID, index, record)
        workspace = Identifier(.workspaceID, index, record)
        user = Identifier(.userID, index, record)
        workspaceName = index.string(.workspaceName, record)
        agentName = index.string(.agentName, record)
        ip = index.string(.ip, record)
        userAgent = index.string(.userAgent, record)
        slug = index.slugOrPort(in: record).map { JSONText.string(record, $0.range) }
        type = index.connectionType(in: record)
        let word = index.typeText(in: record).map { JSONText.string(record, $0.range) }
        typeText = word == type.rawValue || word == ConnectionMethod(type).rawValue ? nil : word
        app = index.app(in: record).map { range in
            let name = JSONText.string(record, range.range)
            return AppFamily(name) == .unknown ? AppName.normalized(name) : name
        }
    }

    var key: MergeKey? {
        if let connection {
            return .connection(
                connection, organization: organization, workspace: workspace, agent: agentName.map(ExactText.init))
        }
        return id.map { .event($0) }
    }
}

/// What makes two events be of one connection.
enum MergeKey: Hashable {
    /// Coder's unique key: agents do not promise that their ids are unique. And the organization, which decides who may see
    /// the row: events of another one are none of its own, whatever they say otherwise.
    case connection(Identifier, organization: Identifier?, workspace: Identifier?, agent: ExactText?)
    /// An event without a connection id is a row of its own, and only a repeat of itself has the same key.
    case event(Identifier)
}
